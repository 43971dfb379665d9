// What a cluster counts, under Envoy's names.
import type { Counter, MetricRegistry } from "../observe/metrics.ts";
import type { Cluster } from "./cluster.ts";

const metric = (name: string, help: string) => ({ name: `sluice_cluster_${name}`, help });

export class ClusterMetrics {
  readonly retry: Counter;
  readonly timeout: Counter;
  readonly perTryTimeout: Counter;
  readonly reset: Counter;
  readonly protocolError: Counter;
  readonly overflow: Counter;
  readonly connectFail: Counter;
  readonly connectTimeout: Counter;
  /** By first digit of the status; 0 is unused. */
  readonly #responses: readonly Counter[];
  readonly #registry: MetricRegistry;
  readonly #labels: { readonly cluster: string };

  constructor(cluster: Cluster, registry: MetricRegistry) {
    const labels = { cluster: cluster.name };
    const counter = (name: string, help: string): Counter => registry.counter(metric(name, help), labels);
    this.#registry = registry;
    this.#labels = labels;
    this.retry = counter("upstream_rq_retry_total", "Requests sent once more after a failed try");
    this.timeout = counter("upstream_rq_timeout_total", "Requests that the upstream did not answer in time");
    this.perTryTimeout = counter("upstream_rq_per_try_timeout_total", "Tries given up after timeouts.perTry");
    this.reset = counter("upstream_rq_reset_total", "Requests broken off by the upstream");
    this.protocolError = counter("upstream_cx_protocol_error_total", "Answers that are not HTTP/1.1");
    this.overflow = counter("upstream_rq_pending_overflow_total", "Requests refused because too many wait");
    this.connectFail = counter("upstream_cx_connect_fail_total", "Connections refused or unreachable");
    this.connectTimeout = counter("upstream_cx_connect_timeout_total", "Connections given up after connectTimeout");
    this.#responses = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"].map((code_class) =>
      registry.counter(metric("upstream_rq_total", "Answers of the upstream"), { ...labels, code_class }),
    );
    this.#watchPool(cluster);
  }

  /** @param status 100 to 599 */
  response(status: number): void {
    this.#responses[(status / 100) | 0]?.inc();
  }

  #watchPool(cluster: Cluster): void {
    const gauge = (name: string, help: string, read: () => number): void =>
      this.#registry.readGauge(metric(name, help), this.#labels, read);
    const sum = (field: "active" | "idle"): number => cluster.status().reduce((total, row) => total + row[field], 0);
    gauge("upstream_cx_active", "Connections open or being dialled", () => cluster.connections);
    gauge("upstream_cx_idle", "Connections without a request", () => sum("idle"));
    gauge("upstream_rq_active", "Requests that hold a connection", () => sum("active"));
    gauge("upstream_rq_pending_active", "Requests waiting for a connection", () => cluster.pending);
  }
}
