// Which certificate a server name gets: exact, then wildcard of one label (RFC 6125 6.4.3), else the first. Pure.
import type { CertificateOptions } from "./options.ts";

export class ServerNames {
  readonly #exact = new Map<string, number>();
  /** Without the `*`: `.example.com`. */
  readonly #wildcards = new Map<string, number>();

  constructor(certificates: readonly CertificateOptions[]) {
    for (const [number, { serverNames }] of certificates.entries()) {
      for (const name of serverNames) {
        if (name.startsWith("*.")) this.#wildcards.set(name.slice(1), number);
        else this.#exact.set(name, number);
      }
    }
  }

  /** Place in the list of certificates. */
  pick(serverName: string): number {
    const name = serverName.toLowerCase();
    const dot = name.indexOf(".");
    const wildcard = dot > 0 ? this.#wildcards.get(name.slice(dot)) : undefined;
    return this.#exact.get(name) ?? wildcard ?? 0;
  }
}
