// What a TLS listener counts besides what its protocol counts, per data thread.
import type { Counter, MetricRegistry } from "../../observe/metrics.ts";
import type { TlsFacts } from "../../tls/facts.ts";

const metric = (name: string, help: string) => ({ name: `sluice_tls_${name}`, help });

export class TlsMetrics {
  readonly #registry: MetricRegistry;
  readonly #listener: string;
  readonly #resumed: Counter;

  constructor(listener: string, registry: MetricRegistry) {
    this.#registry = registry;
    this.#listener = listener;
    this.#resumed = registry.counter(metric("session_reused_total", "Handshakes that took up a session"), { listener });
  }

  secured({ version, resumed }: TlsFacts): void {
    const labels = { listener: this.#listener, version };
    this.#registry.counter(metric("handshake_total", "Handshakes completed, by version"), labels).inc();
    if (resumed) this.#resumed.inc();
  }

  /** @param reason of a closed set (tls/failure.ts) */
  failed(reason: string): void {
    const labels = { listener: this.#listener, reason };
    this.#registry.counter(metric("handshake_failed_total", "Handshakes that failed, by reason"), labels).inc();
  }
}
