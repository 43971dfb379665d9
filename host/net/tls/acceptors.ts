// The TLS acceptors of a data thread: made while a snapshot is prepared, found again by the options of the snapshot that
// serves. Options that did not change keep their acceptor over reloads.
import type { ListenerOptions } from "../options.ts";
import type { ServerTlsOptions } from "../../tls/options.ts";
import { TlsAcceptor } from "./acceptor.ts";

export class TlsAcceptors {
  readonly #ticketKeys: Buffer;
  readonly #byOptions = new WeakMap<ServerTlsOptions, TlsAcceptor>();
  /** Of each listener, the last one made. */
  readonly #newest = new Map<string, { readonly text: string; readonly acceptor: TlsAcceptor }>();

  constructor(ticketKeys: Buffer) {
    this.#ticketKeys = ticketKeys;
  }

  /** @throws when OpenSSL does not accept what the options hold */
  prepare({ name, tls }: ListenerOptions): void {
    if (tls === undefined) {
      this.#newest.delete(name);
      return;
    }
    const text = JSON.stringify(tls);
    const known = this.#newest.get(name);
    const acceptor = known?.text === text ? known.acceptor : new TlsAcceptor(name, tls, this.#ticketKeys);
    this.#newest.set(name, { text, acceptor });
    this.#byOptions.set(tls, acceptor);
  }

  of({ tls }: ListenerOptions): TlsAcceptor | null {
    return tls === undefined ? null : (this.#byOptions.get(tls) ?? null);
  }
}
