// One accepted connection of a TLS listener: a handshake with a deadline, then whatever protocol was agreed on. To its
// listener it is one connection from beginning to end.
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Deadline, type DeadlineOwner } from "../../base/timer-wheel.ts";
import type { TlsFacts } from "../../tls/facts.ts";
import { ExchangeFacts, connectionFacts } from "../facts.ts";
import type { Addresses } from "../proxy-protocol/addresses.ts";
import type { OpenConnection } from "../protocol.ts";
import type { HandshakeOwner, TlsAcceptor } from "./acceptor.ts";
import type { TlsListenerContext } from "./protocol.ts";

/** Envoy's flags for the access log. */
const FLAGS: Readonly<Record<string, string>> = { disconnected: "DC", timeout: "DT" };

/** The connection that it is made on; see Protocol.open. */
export interface HandshakeOf {
  readonly id: number;
  readonly origin: Addresses | null | undefined;
}

export class Handshake implements OpenConnection, HandshakeOwner, DeadlineOwner {
  readonly #socket: Socket;
  readonly #context: TlsListenerContext;
  readonly #connection: HandshakeOf;
  readonly #startMs: number;
  readonly #deadline = new Deadline(this);
  /** Addresses are read while there is a connection to ask. */
  readonly #facts: ExchangeFacts;
  /** What has taken over. */
  #inner: OpenConnection | null = null;
  #over = false;

  constructor(socket: Socket, context: TlsListenerContext, acceptor: TlsAcceptor, connection: HandshakeOf) {
    const { clock, wheel, name } = context;
    this.#socket = socket;
    this.#context = context;
    this.#connection = connection;
    this.#startMs = clock.monotonicMs();
    this.#facts = new ExchangeFacts(
      connectionFacts(socket, { listener: name, ...connection }),
      wheel.wallMs(this.#startMs),
    );
    wheel.schedule(this.#deadline, this.#startMs + acceptor.options.handshakeTimeoutMs);
    acceptor.begin(socket, this);
  }

  /** A handshake under way is not idle. */
  closeIfIdle(nowMs: number, quietMs: number): void {
    this.#inner?.closeIfIdle(nowMs, quietMs);
  }

  destroy(): void {
    if (this.#inner === null) this.#socket.destroy();
    else this.#inner.destroy();
  }

  secured(socket: TLSSocket, facts: TlsFacts): void {
    const { wheel, metrics, byAlpn } = this.#context;
    wheel.cancel(this.#deadline);
    if (this.#over) {
      socket.destroy();
      return;
    }
    this.#over = true;
    metrics.secured(facts);
    this.#inner = byAlpn(facts.alpn).open(socket, this.#connection.id, facts, this.#connection.origin);
  }

  handshakeFailed(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    const { wheel, clock, metrics, refused } = this.#context;
    wheel.cancel(this.#deadline);
    metrics.failed(reason);
    const facts = this.#facts;
    facts.scheme = "";
    facts.durationMs = clock.monotonicMs() - this.#startMs;
    facts.responseCodeDetails = `tls_${reason}`;
    facts.addFlag(FLAGS[reason] ?? "DPE");
    refused(facts);
    this.#socket.destroy();
  }

  deadlineReached(): void {
    this.handshakeFailed("timeout");
  }
}
