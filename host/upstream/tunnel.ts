// A connection to an endpoint for one client connection alone: dialled, used as a pipe of bytes, never pooled. The cluster
// chooses the endpoint and counts it (cluster.ts `openTunnel`); whoever asked wires the socket once it is connected.
import { type NetConnectOpts, type Socket, connect } from "node:net";
import type { ErrorCode } from "../base/errors.ts";
import { Deadline, type DeadlineOwner } from "../base/timer-wheel.ts";
import type { TlsFacts } from "../tls/facts.ts";
import { failureText } from "../tls/failure.ts";
import type { ClusterTls } from "./cluster-tls.ts";
import type { Endpoint } from "./endpoint.ts";

/** Exactly one of the two is called, later, unless `cancel` comes first. */
export interface TunnelWaiter {
  /** The socket is the waiter's from here; it allows a half-open connection. */
  tunnelOpened(socket: Socket, endpoint: Endpoint, tls: TlsFacts | null): void;
  /** @param reason of the failed dial, for people */
  tunnelRefused(code: ErrorCode, endpoint: Endpoint | null, reason?: string): void;
}

/** What a tunnel tells its cluster. */
export interface TunnelOwner {
  tunnelConnected(tunnel: Tunnel): void;
  /** Once, when the socket is gone. @param failed it never connected, and nobody gave it up */
  tunnelClosed(tunnel: Tunnel, failed: boolean): void;
}

/** What is special about one. */
export interface TunnelTo {
  /** An endpoint that is in no list; whether it is allowed has been looked at. */
  readonly named?: Endpoint | undefined;
  /** See TunnelInputs. */
  readonly preamble?: Buffer | undefined;
}

export interface TunnelInputs {
  readonly endpoint: Endpoint;
  readonly waiter: TunnelWaiter;
  readonly owner: TunnelOwner;
  /** Bytes that may wait for a slow peer before `write` says false. */
  readonly bufferBytes: number;
  /** Null: the endpoint speaks plainly. */
  readonly tls: ClusterTls | null;
  /** Sent before anything else, TLS included. */
  readonly preamble?: Buffer | undefined;
}

export class Tunnel implements DeadlineOwner {
  readonly endpoint: Endpoint;
  readonly connectDeadline = new Deadline(this);
  /** The connect timeout, not the peer, ended the dial. */
  timedOut = false;
  readonly #waiter: TunnelWaiter;
  readonly #owner: TunnelOwner;
  readonly #bufferBytes: number;
  readonly #socket: Socket;
  #connected = false;
  #cancelled = false;
  #failure: Error | null = null;

  /** Dials at once. Never throws; failures arrive at the waiter. */
  constructor({ endpoint, waiter, owner, bufferBytes, tls, preamble }: TunnelInputs) {
    this.endpoint = endpoint;
    this.#waiter = waiter;
    this.#owner = owner;
    this.#bufferBytes = bufferBytes;
    const { host, port } = endpoint.options;
    // `highWaterMark` goes through to the stream; the types do not know it.
    const options: NetConnectOpts & { readonly highWaterMark: number } = {
      host,
      port,
      noDelay: true,
      allowHalfOpen: true,
      highWaterMark: bufferBytes,
    };
    const socket = connect(options);
    this.#socket = socket;
    if (preamble !== undefined) socket.once("connect", () => socket.write(preamble));
    if (tls === null) this.#listen(socket, () => this.#opened(socket, null));
    else this.#secureWhenConnected(tls);
  }

  #listen(socket: Socket, connected: (() => void) | null): void {
    if (connected !== null) socket.on("connect", connected);
    // `close` follows and says all there is to say.
    socket.on("error", (error) => (this.#failure ??= error));
    socket.on("close", () => this.#closed());
  }

  /** TLS begins on a connected socket, so that both can be told apart: a reset is made on the one below. */
  #secureWhenConnected(tls: ClusterTls): void {
    const raw = this.#socket;
    const gone = (): void => this.#closed();
    raw.on("error", (error) => (this.#failure ??= error));
    raw.on("close", gone);
    raw.on("connect", () => {
      raw.off("close", gone);
      const { host, port } = this.endpoint.options;
      const target = { host, port, alpn: "" };
      const socket = tls.secure(raw, target, this.#bufferBytes, (facts) => this.#opened(socket, facts));
      this.#listen(socket, null);
    });
  }

  /** The waiter no longer wants it. */
  cancel(): void {
    this.#cancelled = true;
    this.#socket.destroy();
  }

  deadlineReached(): void {
    this.timedOut = true;
    this.#socket.destroy();
  }

  #opened(socket: Socket, tls: TlsFacts | null): void {
    this.#connected = true;
    this.#owner.tunnelConnected(this);
    this.#waiter.tunnelOpened(socket, this.endpoint, tls);
  }

  #closed(): void {
    const failed = !this.#connected && !this.#cancelled;
    this.#owner.tunnelClosed(this, failed);
    if (!failed) return;
    const code = this.timedOut ? "upstream_connect_timeout" : "upstream_connect_failure";
    this.#waiter.tunnelRefused(code, this.endpoint, this.#failure === null ? "" : failureText(this.#failure));
  }
}
