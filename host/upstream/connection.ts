// One pooled connection: a transport plus what the pool must know of it. Whoever carries a message over it sets `handler`
// once and keeps it for the life of the connection (net/upstream-session.ts), so nothing is allocated per request here.
import { Deadline, type DeadlineOwner } from "../base/timer-wheel.ts";
import type { TlsFacts } from "../tls/facts.ts";
import { failureText } from "../tls/failure.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Transport, TransportEvents, Wire } from "./transport.ts";

export interface ConnectionHandler {
  /** `bytes` up to `length` are lent: copy what is kept. Also called while the connection is idle. */
  received(bytes: Buffer, length: number): void;
  drained(): void;
  closed(error: Error | null): void;
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  connectionOpened(connection: Connection): void;
  connectionClosed(connection: Connection, state: ConnectionState): void;
}

/** dialing -> busy <-> idle -> closed; `closed` from everywhere. */
export type ConnectionState = "dialing" | "busy" | "idle" | "closed";

export class Connection implements TransportEvents, Wire, DeadlineOwner {
  readonly endpoint: Endpoint;
  /** Messages finished on it. Above 0, a close before the first byte of an answer may be a stale keep-alive. */
  served = 0;
  /** Coarse monotonic ms of the last return to the pool. */
  idleSinceMs = 0;
  state: ConnectionState = "dialing";
  /** For one request: closed after it. */
  lone = false;
  handler: ConnectionHandler | null = null;
  /** Set when the connect timeout, not the peer, ended the dial. */
  timedOut = false;
  /** What TLS has agreed on; null without. */
  tls: TlsFacts | null = null;
  /** Why it broke, for people; "" while it lives and after an orderly end. */
  failure = "";
  readonly connectDeadline = new Deadline(this);
  readonly #owner: ConnectionOwner;
  #transport: Transport | null = null;

  constructor(endpoint: Endpoint, owner: ConnectionOwner) {
    this.endpoint = endpoint;
    this.#owner = owner;
  }

  /** Called once, right after the dial began. */
  attach(transport: Transport): void {
    this.#transport = transport;
  }

  write(data: string | Buffer): boolean {
    return this.#transport?.write(data) ?? false;
  }

  cork(): void {
    this.#transport?.cork();
  }

  uncork(): void {
    this.#transport?.uncork();
  }

  pause(): void {
    this.#transport?.pause();
  }

  resume(): void {
    this.#transport?.resume();
  }

  /** Ends it; the pool and the handler hear of it through `closed`. Idempotent. */
  destroy(): void {
    this.#transport?.destroy();
  }

  connected(tls?: TlsFacts): void {
    this.tls = tls ?? null;
    if (this.state === "dialing") this.#owner.connectionOpened(this);
  }

  received(bytes: Buffer, length: number): void {
    // Bytes that nobody asked for, even before the first request: the peer does not speak our protocol.
    if (this.handler === null) this.destroy();
    else this.handler.received(bytes, length);
  }

  drained(): void {
    this.handler?.drained();
  }

  closed(error: Error | null): void {
    const { state } = this;
    if (state === "closed") return;
    this.state = "closed";
    if (error !== null) this.failure = failureText(error);
    this.#owner.connectionClosed(this, state);
    this.handler?.closed(error);
  }

  deadlineReached(): void {
    this.timedOut = true;
    this.destroy();
  }
}
