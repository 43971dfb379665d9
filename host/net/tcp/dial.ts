// The way to the upstream of one connection: tries endpoints of a cluster until one answers or no try is left, and keeps
// what the client says meanwhile.
import type { Socket } from "node:net";
import type { ErrorCode } from "../../base/errors.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import type { TlsFacts } from "../../tls/facts.ts";
import type { Endpoint } from "../../upstream/endpoint.ts";
import type { Tunnel, TunnelWaiter } from "../../upstream/tunnel.ts";

import type { Addresses } from "../proxy-protocol/addresses.ts";
import { proxyHeader } from "../proxy-protocol/write.ts";

/** Exactly one of the two is called, unless `cancel` comes first. */
export interface DialOwner {
  dialled(socket: Socket, endpoint: Endpoint, tls: TlsFacts | null): void;
  /** @param reason of the last failed dial, for people */
  dialFailed(code: ErrorCode, reason?: string): void;
}

export class Dial implements TunnelWaiter {
  attempts = 0;
  /** What the client has said, in order. */
  readonly waiting: Buffer[] = [];
  waitingBytes = 0;
  /** It has said all. */
  ended = false;
  readonly #cluster: Cluster;
  readonly #maxAttempts: number;
  readonly #owner: DialOwner;
  readonly #preamble: Buffer | undefined;
  #tunnel: Tunnel | null = null;
  #cancelled = false;

  constructor(owner: DialOwner, cluster: Cluster, maxAttempts: number, client: Addresses) {
    const { proxyProtocol } = cluster.options;
    this.#preamble = proxyProtocol && proxyHeader(proxyProtocol, client);
    this.#owner = owner;
    this.#cluster = cluster;
    this.#maxAttempts = maxAttempts;
  }

  /** @param avoid endpoint that has just failed */
  start(avoid: Endpoint | null = null): void {
    this.attempts++;
    this.#tunnel = this.#cluster.openTunnel(this, avoid, { preamble: this.#preamble });
  }

  keep(chunk: Buffer, end: boolean): void {
    if (chunk.length > 0) this.waiting.push(chunk);
    this.waitingBytes += chunk.length;
    this.ended = end;
  }

  /** The owner hears nothing more. */
  cancel(): void {
    this.#cancelled = true;
    this.#tunnel?.cancel();
  }

  tunnelOpened(socket: Socket, endpoint: Endpoint, tls: TlsFacts | null): void {
    if (this.#cancelled) socket.destroy();
    else this.#owner.dialled(socket, endpoint, tls);
  }

  tunnelRefused(code: ErrorCode, endpoint: Endpoint | null, reason?: string): void {
    if (this.#cancelled) return;
    if (endpoint !== null && this.attempts < this.#maxAttempts) this.start(endpoint);
    else this.#owner.dialFailed(code, reason);
  }
}
