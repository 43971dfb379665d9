// What a listener counts. One object per listener and thread, all handles made in advance.
import { type Counter, type Gauge, type Histogram, type MetricRegistry } from "../observe/metrics.ts";
import type { ExchangeFacts } from "./facts.ts";

const metric = (name: string, help: string) => ({ name: `sluice_http_${name}`, help });

export class HttpMetrics {
  readonly connectionsTotal: Counter;
  readonly connectionsRefused: Counter;
  readonly connectionsActive: Gauge;
  readonly requestsActive: Gauge;
  readonly duration: Histogram;
  /** By first digit of the status; 0 = no answer was sent. */
  readonly #requests: readonly Counter[];
  readonly #rejected = new Map<string, Counter>();
  readonly #registry: MetricRegistry;
  readonly #listener: string;

  constructor(listener: string, registry: MetricRegistry) {
    const labels = { listener };
    this.#registry = registry;
    this.#listener = listener;
    this.connectionsTotal = registry.counter(metric("downstream_cx_total", "Connections accepted"), labels);
    this.connectionsRefused = registry.counter(
      metric("downstream_cx_overflow_total", "Connections closed at the limit"),
      labels,
    );
    this.connectionsActive = registry.gauge(metric("downstream_cx_active", "Connections open"), labels);
    this.requestsActive = registry.gauge(metric("active_requests", "Requests under way"), labels);
    this.duration = registry.histogram(
      metric("request_duration_ms", "First byte of the request to last byte of the answer"),
      labels,
    );
    this.#requests = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"].map((code_class) =>
      registry.counter(metric("requests_total", "Requests finished"), { ...labels, code_class }),
    );
  }

  /** An exchange has ended; facts are final. */
  finished(facts: ExchangeFacts): void {
    this.#requests[(facts.responseCode / 100) | 0]?.inc();
    this.duration.observe(facts.durationMs);
  }

  /** A message was refused. @param reason a name of http1/rejection.ts, or an error code */
  rejected(reason: string): void {
    let counter = this.#rejected.get(reason);
    if (counter === undefined) {
      const name = metric("rejected_total", "Requests refused before they reached a filter, by reason");
      counter = this.#registry.counter(name, { listener: this.#listener, reason });
      this.#rejected.set(reason, counter);
    }
    counter.inc();
  }
}
