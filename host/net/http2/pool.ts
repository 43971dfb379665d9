// The HTTP/2 connections of one data thread to one cluster, shared by requests: streams go over the first connection of the
// chosen endpoint that has room for one; when all are full another is dialled, up to maxConnections; then requests wait,
// up to maxPendingRequests and not for ever.
//
//   acquire -> stream on a connection with room                       (at once)
//           -> dial, wait in the endpoint's queue                     (below maxConnections)
//           -> wait for a stream to end                               (below maxPendingRequests), else upstream_overflow
import type { ErrorCode } from "../../base/errors.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import type { EndpointOverride } from "../../upstream/override.ts";
import type { Endpoint } from "../../upstream/endpoint.ts";
import type { SharedConnections } from "../../upstream/shared-connections.ts";
import { WaitingQueue } from "../../upstream/waiting-queue.ts";
import { inTurn } from "../turn.ts";
import { ClientSession, type SessionOwner } from "./client-session.ts";

/** Who wants a stream. Exactly one of the two is called, unless `cancel` comes first. */
export interface StreamWaiter {
  /** The endpoint it wants. */
  readonly override?: EndpointOverride | undefined;
  sessionReady(session: ClientSession): void;
  /** `endpoint` is the one that failed, or null when none was tried. */
  connectionRefused(code: ErrorCode, endpoint: Endpoint | null, reason?: string): void;
}

const DEFAULT_MAX_REQUESTS = 1024;
const DEFAULT_STREAMS = 100;
const DEFAULT_WINDOWS = { stream: 256 * 1024, session: 1024 * 1024 };

export class Http2Pool implements SharedConnections {
  readonly cluster: Cluster;
  /** Requests under way: waiting or on a stream. */
  requests = 0;
  closed = false;
  readonly #groups = new Map<Endpoint, Group>();

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  static of(cluster: Cluster): Http2Pool {
    if (cluster.shared instanceof Http2Pool) return cluster.shared;
    const pool = new Http2Pool(cluster);
    cluster.shared = pool;
    cluster.onClose(() => pool.close());
    return pool;
  }

  /** @param avoid endpoint that has just failed this request */
  acquire(waiter: StreamWaiter, avoid: Endpoint | null): void {
    const { metrics, options } = this.cluster;
    const endpoint = this.cluster.choose(avoid, waiter.override);
    if (endpoint === null) waiter.connectionRefused("no_healthy_upstream", null);
    else if (this.requests > (options.maxRequests ?? DEFAULT_MAX_REQUESTS) || !this.#group(endpoint).admit(waiter)) {
      metrics.overflow.inc();
      waiter.connectionRefused("upstream_overflow", null);
    }
  }

  cancel(waiter: StreamWaiter): void {
    for (const group of this.#groups.values()) group.cancel(waiter);
  }

  /** A stream on `session` is over. */
  streamEnded(session: ClientSession): void {
    session.ended();
    this.#groups.get(session.endpoint)?.serve();
  }

  close(): void {
    this.closed = true;
    for (const group of this.#groups.values()) group.close();
  }

  #group(endpoint: Endpoint): Group {
    const known = this.#groups.get(endpoint);
    if (known !== undefined) return known;
    const group = new Group(endpoint, this);
    this.#groups.set(endpoint, group);
    return group;
  }
}

/** The connections to one endpoint, and who waits for one. */
class Group implements SessionOwner {
  readonly #endpoint: Endpoint;
  readonly #pool: Http2Pool;
  readonly #sessions: ClientSession[] = [];
  readonly #waiting: WaitingQueue<StreamWaiter>;

  constructor(endpoint: Endpoint, pool: Http2Pool) {
    const { environment, options } = pool.cluster;
    this.#endpoint = endpoint;
    this.#pool = pool;
    // Twice: who waits for a dial is told how the dial ended.
    this.#waiting = new WaitingQueue(2 * options.connectTimeoutMs, environment);
  }

  /** False: neither a stream nor a place to wait. */
  admit(waiter: StreamWaiter): boolean {
    const session = this.#free();
    if (session !== null) {
      waiter.sessionReady(session);
      return true;
    }
    const { cluster } = this.#pool;
    if (cluster.pending >= cluster.options.maxPendingRequests) return false;
    // A connection that cannot be opened, and none to wait for.
    if (!this.#grow(this.#waiting.length + 1) && this.#sessions.length === 0) return false;
    this.#waiting.push(waiter);
    this.#count();
    return true;
  }

  cancel(waiter: StreamWaiter): void {
    this.#waiting.remove(waiter);
    this.#count();
  }

  /** Hands out what room there is, and makes more when it is not enough. */
  serve(): void {
    for (let session = this.#free(); session !== null && this.#waiting.length > 0; session = this.#free()) {
      const waiter = this.#waiting.shift();
      this.#count();
      waiter?.sessionReady(session);
    }
    this.#count();
    if (this.#waiting.length > 0) this.#grow(this.#waiting.length);
    else if (this.#pool.closed) this.close();
  }

  close(): void {
    for (const session of this.#sessions.slice()) if (!this.awaits(session)) session.close();
  }

  sessionOpened(): void {
    inTurn(() => this.serve());
  }

  awaits(session: ClientSession): boolean {
    return session.opening && this.#waiting.length > 0;
  }

  sessionGone(session: ClientSession): void {
    const at = this.#sessions.indexOf(session);
    if (at >= 0) this.#sessions.splice(at, 1);
    this.#pool.cluster.leave();
    inTurn(() => {
      if (session.refusal !== null && this.#sessions.length === 0)
        this.#refuseAll(session.refusal, session.lostBecause ?? "");
      else this.serve();
    });
  }

  /** Nobody is left to wait for. Those who come back for another try are not met again here. */
  #refuseAll(code: ErrorCode, reason: string): void {
    for (let left = this.#waiting.length; left > 0; left--) {
      const waiter = this.#waiting.shift();
      this.#count();
      waiter?.connectionRefused(code, this.#endpoint, reason);
    }
  }

  #free(): ClientSession | null {
    const most = this.#mostStreams;
    return this.#sessions.find((session) => session.room > 0 && session.streams < most) ?? null;
  }

  get #mostStreams(): number {
    return this.#pool.cluster.options.http2?.maxConcurrentStreams ?? DEFAULT_STREAMS;
  }

  /** Dials when the connections that are being opened will not do for `wanted` streams. False: none is being opened. */
  #grow(wanted: number): boolean {
    const { cluster } = this.#pool;
    // A peer that allows no streams would be asked for ever; one that changes its mind says so.
    if (this.#sessions.some((session) => session.streams === 0 && !session.opening)) return true;
    const opening = this.#sessions.filter((session) => session.opening).length;
    if (opening * this.#mostStreams >= wanted) return true;
    if (!cluster.enter()) return opening > 0;
    const { http2 } = cluster.options;
    const windows =
      http2 === undefined
        ? DEFAULT_WINDOWS
        : { stream: http2.initialStreamWindowSize, session: http2.initialConnectionWindowSize };
    const target = { cluster, endpoint: this.#endpoint, windows };
    this.#sessions.push(new ClientSession(target, cluster.environment, this));
    return true;
  }

  #count(): void {
    this.#endpoint.waiting = this.#waiting.length;
  }
}
