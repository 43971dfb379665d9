// Watches the certificate files that the configuration names, with and without `--watch`: certificates are renewed by
// machines, and nobody is there to reload.
import type { ProxyConfig } from "../config/options.ts";
import { SourceWatch, type WatchOptions } from "./watch.ts";

/** A certificate and its key are two files: a renewal should have written both before it is looked at. */
const DEBOUNCE_MS = 200;
const OWNER = "certificates";

/** Absolute paths of all files behind `tls:`, each once. */
export function certificateFiles({ listeners, clusters }: ProxyConfig): readonly string[] {
  return [...new Set([...listeners, ...clusters].flatMap(({ tls }) => tls?.files ?? []))];
}

export class CertificateWatch {
  readonly #watch: SourceWatch;
  #files = "";

  constructor(options: Omit<WatchOptions, "debounceMs">) {
    this.#watch = new SourceWatch({ ...options, debounceMs: DEBOUNCE_MS });
  }

  /** `config` is served from now on. */
  serves(config: ProxyConfig): void {
    const files = certificateFiles(config);
    if (files.join("\0") === this.#files) return;
    this.#files = files.join("\0");
    this.#watch.set(OWNER, files);
  }

  close(): void {
    this.#watch.close();
  }
}
