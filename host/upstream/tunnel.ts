// A connection to an endpoint for one client connection alone: dialled, used as a pipe of bytes, never pooled. The cluster
// chooses the endpoint and counts it (cluster.ts `openTunnel`); whoever asked wires the socket once it is connected.
import { type NetConnectOpts, type Socket, connect } from "node:net";
import type { ErrorCode } from "../base/errors.ts";
import { Deadline, type DeadlineOwner } from "../base/timer-wheel.ts";
import type { Endpoint } from "./endpoint.ts";

/** Exactly one of the two is called, later, unless `cancel` comes first. */
export interface TunnelWaiter {
  /** The socket is the waiter's from here; it allows a half-open connection. */
  tunnelOpened(socket: Socket, endpoint: Endpoint): void;
  tunnelRefused(code: ErrorCode, endpoint: Endpoint | null): void;
}

/** What a tunnel tells its cluster. */
export interface TunnelOwner {
  tunnelConnected(tunnel: Tunnel): void;
  /** Once, when the socket is gone. @param failed it never connected, and nobody gave it up */
  tunnelClosed(tunnel: Tunnel, failed: boolean): void;
}

export interface TunnelInputs {
  readonly endpoint: Endpoint;
  readonly waiter: TunnelWaiter;
  readonly owner: TunnelOwner;
  /** Bytes that may wait for a slow peer before `write` says false. */
  readonly bufferBytes: number;
}

export class Tunnel implements DeadlineOwner {
  readonly endpoint: Endpoint;
  readonly connectDeadline = new Deadline(this);
  /** The connect timeout, not the peer, ended the dial. */
  timedOut = false;
  readonly #waiter: TunnelWaiter;
  readonly #socket: Socket;
  #connected = false;
  #cancelled = false;

  /** Dials at once. Never throws; failures arrive at the waiter. */
  constructor({ endpoint, waiter, owner, bufferBytes }: TunnelInputs) {
    this.endpoint = endpoint;
    this.#waiter = waiter;
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
    socket.on("connect", () => this.#opened(owner));
    // `close` follows and says all there is to say.
    socket.on("error", () => {});
    socket.on("close", () => this.#closed(owner));
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

  #opened(owner: TunnelOwner): void {
    this.#connected = true;
    owner.tunnelConnected(this);
    this.#waiter.tunnelOpened(this.#socket, this.endpoint);
  }

  #closed(owner: TunnelOwner): void {
    const failed = !this.#connected && !this.#cancelled;
    owner.tunnelClosed(this, failed);
    if (failed) {
      this.#waiter.tunnelRefused(
        this.timedOut ? "upstream_connect_timeout" : "upstream_connect_failure",
        this.endpoint,
      );
    }
  }
}
