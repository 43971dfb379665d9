// What a TCP listener counts, under Envoy's names where it has them. One object per listener and thread, all handles made
// in advance.
import type { StreamFacts } from "../../chain/ports.ts";
import { type Counter, type Gauge, type Histogram, type MetricRegistry } from "../../observe/metrics.ts";
import type { ConnectionMetrics } from "../protocol.ts";

const metric = (name: string, help: string) => ({ name: `sluice_tcp_${name}`, help });

/** `responseCodeDetails` of a connection that both peers ended. */
export const ORDERLY = "via_upstream";

/** 1 s to a day: connections live longer than requests. */
const BOUNDS_MS: readonly number[] = [1, 10, 100, 1000, 10_000, 60_000, 600_000, 3_600_000, 86_400_000];

export class TcpMetrics implements ConnectionMetrics {
  readonly connectionsTotal: Counter;
  readonly connectionsRefused: Counter;
  readonly connectionsActive: Gauge;
  readonly receivedBytes: Counter;
  readonly sentBytes: Counter;
  readonly idleTimeout: Counter;
  readonly readingPaused: Counter;
  readonly duration: Histogram;
  /** By why they did not end in order. */
  readonly #failed = new Map<string, Counter>();
  readonly #registry: MetricRegistry;
  readonly #listener: string;

  constructor(listener: string, registry: MetricRegistry) {
    const labels = { listener };
    const counter = (name: string, help: string): Counter => registry.counter(metric(name, help), labels);
    this.#registry = registry;
    this.#listener = listener;
    this.connectionsTotal = counter("downstream_cx_total", "Connections accepted");
    this.connectionsRefused = counter("downstream_cx_overflow_total", "Connections closed at the limit");
    this.connectionsActive = registry.gauge(metric("downstream_cx_active", "Connections open"), labels);
    this.receivedBytes = counter("downstream_cx_rx_bytes_total", "Bytes read from clients");
    this.sentBytes = counter("downstream_cx_tx_bytes_total", "Bytes written to clients");
    this.idleTimeout = counter("idle_timeout_total", "Connections closed after idleTimeout");
    this.readingPaused = counter(
      "flow_control_paused_reading_total",
      "Times reading from one side stopped because the other side, or a filter, did not keep up",
    );
    const help = metric("connection_duration_ms", "From the accepted connection to the end of both sides");
    this.duration = registry.histogram(help, labels, BOUNDS_MS);
  }

  /** A connection has ended; facts are final. */
  finished(facts: StreamFacts): void {
    this.duration.observe(facts.durationMs);
    if (facts.responseCodeDetails !== ORDERLY) this.#failedBy(facts.responseCodeDetails).inc();
  }

  #failedBy(reason: string): Counter {
    const known = this.#failed.get(reason);
    if (known !== undefined) return known;
    const name = metric("connections_closed_total", "Connections not ended by their peers, by reason");
    const counter = this.#registry.counter(name, { listener: this.#listener, reason });
    this.#failed.set(reason, counter);
    return counter;
  }
}
