// A named set of endpoints and the connections to them, for one data thread. Chooses the endpoint, hands out connections one
// request at a time, dials up to the limit, queues up to the limit, and says no beyond it.
//
//   acquire -> idle connection of the chosen endpoint        (at once)
//           -> dial, wait in endpoint.waiters                (below maxConnections)
//           -> idle connection of any endpoint               (at maxConnections)
//           -> wait in the cluster's queue                   (below maxPendingRequests), else upstream_overflow
import type { Clock } from "../base/clock.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { Deadline, type DeadlineOwner, type TimerWheel } from "../base/timer-wheel.ts";
import type { MetricRegistry } from "../observe/metrics.ts";
import { type Balancer, createBalancer } from "./balancers/balancer.ts";
import { ClusterMetrics } from "./cluster-metrics.ts";
import { ClusterTls } from "./cluster-tls.ts";
import { dialTls } from "./dial-tls.ts";
import { Connection, type ConnectionOwner, type ConnectionState } from "./connection.ts";
import { anyIdle, Endpoint, type EndpointRow } from "./endpoint.ts";
import type { ClusterOptions } from "./options.ts";
import { type EndpointOverride, overridden } from "./override.ts";
import type { SharedConnections } from "./shared-connections.ts";
import type { LoneConnections } from "./lone-connections.ts";
import { type Dial, dialTcp } from "./transport.ts";
import { Tunnel, type TunnelOwner, type TunnelTo, type TunnelWaiter } from "./tunnel.ts";
import { WaitingQueue } from "./waiting-queue.ts";

/** Someone who wants a connection. Exactly one of the two is called, unless `cancel` comes first. */
export interface Waiter {
  /** The endpoint it wants. */
  readonly override?: EndpointOverride | undefined;
  connectionReady(connection: Connection): void;
  /** @param endpoint the one that failed, or null when none was tried @param reason of the failed dial, for people */
  connectionRefused(code: ErrorCode, endpoint: Endpoint | null, reason?: string): void;
}

/** What a cluster is given from outside; all of one data thread. */
export interface ClusterEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly wheel: TimerWheel;
  readonly registry: MetricRegistry;
  /** How to reach an endpoint; TCP when absent. */
  readonly dial?: Dial;
  /** Bytes that may wait for a slow endpoint on one connection. Default 64 KiB. */
  readonly bufferBytes?: number;
}

export class Cluster implements ConnectionOwner, TunnelOwner, DeadlineOwner {
  readonly name: string;
  readonly options: ClusterOptions;
  readonly endpoints: readonly Endpoint[];
  readonly metrics: ClusterMetrics;
  /** Null: its endpoints speak plainly. */
  readonly tls: ClusterTls | null;
  readonly environment: ClusterEnvironment;
  /** Both set once, by the first request that needs them. */
  lone: LoneConnections | null = null;
  shared: SharedConnections | null = null;
  readonly dial: Dial;
  readonly #balancer: Balancer;
  readonly #queue: WaitingQueue;
  readonly #idleDeadline = new Deadline(this);
  #connections = 0;
  #closed = false;
  readonly #closeTasks: (() => void)[] = [];

  constructor(options: ClusterOptions, environment: ClusterEnvironment) {
    this.name = options.name;
    this.options = options;
    this.environment = environment;
    this.tls = options.tls === undefined ? null : new ClusterTls(options.tls);
    this.dial = environment.dial ?? (this.tls === null ? dialTcp : dialTls(this.tls));
    this.endpoints = options.endpoints.map((endpoint, number) => new Endpoint(endpoint, number));
    this.#balancer = createBalancer(options.lbPolicy, this.endpoints, environment.random);
    this.#queue = new WaitingQueue(options.connectTimeoutMs, environment);
    this.metrics = new ClusterMetrics(this, environment.registry);
  }

  /** Connections open or being dialled. */
  get connections(): number {
    return this.#connections;
  }

  /** Requests that wait for a connection. */
  get pending(): number {
    return this.endpoints.reduce((sum, endpoint) => sum + endpoint.load - endpoint.active, this.#queue.length);
  }

  /**
   * A connection for one request: returned at once when one is idle, else `waiter` is called, later or (when nothing can be
   * done) before this returns. The caller gives it back with `release` or destroys it.
   * @param avoid endpoint that has just failed this request
   * @param fresh the request met a stale connection: dial rather than try the next idle one, which may be as old
   */
  acquire(waiter: Waiter, avoid: Endpoint | null = null, fresh = false): Connection | null {
    const endpoint = this.#pick(avoid, waiter.override);
    if (endpoint === undefined || this.#closed) {
      waiter.connectionRefused("no_healthy_upstream", null);
      return null;
    }
    const { maxConnections, maxPendingRequests } = this.options;
    const full = this.#connections >= maxConnections;
    const idle = fresh && !full ? undefined : endpoint.idle.pop();
    if (idle !== undefined) return this.#handOut(idle);
    const elsewhere = full && waiter.override?.strict !== true;
    const other = elsewhere ? anyIdle(this.endpoints) : undefined;
    if (other !== undefined) return this.#handOut(other);
    if (this.pending >= maxPendingRequests || (full && !elsewhere)) {
      this.metrics.overflow.inc();
      waiter.connectionRefused("upstream_overflow", null);
    } else if (full) this.#queue.push(waiter);
    else this.#dialFor(endpoint, waiter);
    return null;
  }

  /** The endpoint for a connection that is kept elsewhere, as are its counts (net/grpc, net/http2). Null: there is none. */
  choose(avoid: Endpoint | null = null, override?: EndpointOverride): Endpoint | null {
    return this.#closed ? null : (this.#pick(avoid, override) ?? null);
  }

  #pick(avoid: Endpoint | null, override?: EndpointOverride): Endpoint | undefined {
    const named = override === undefined ? undefined : overridden(this.endpoints, override, avoid);
    return named === undefined ? this.endpoints[this.#balancer.pick(avoid?.number ?? -1)] : (named ?? undefined);
  }

  /** Room under maxConnections for one that is kept elsewhere; given back with `leave`. */
  enter(): boolean {
    if (this.#connections >= this.options.maxConnections) return false;
    this.#connections++;
    return true;
  }

  leave(): void {
    this.#connections--;
  }

  /** Runs `task` when the cluster closes: for connections kept elsewhere. */
  onClose(task: () => void): void {
    this.#closeTasks.push(task);
  }

  /** The waiter no longer wants a connection. A dial begun for it goes on and warms the pool. */
  cancel(waiter: Waiter): void {
    if (this.#queue.remove(waiter)) return;
    for (const { waiters } of this.endpoints) {
      const at = waiters.indexOf(waiter);
      if (at >= 0) waiters.splice(at, 1);
    }
  }

  /**
   * Dials a connection for `waiter` alone; it counts towards maxConnections for as long as it lasts and never becomes
   * idle. Null: refused, and `waiter` has been told before this returns.
   * @param avoid endpoint that has just failed
   */
  openTunnel(waiter: TunnelWaiter, avoid: Endpoint | null = null, { named, preamble }: TunnelTo = {}): Tunnel | null {
    const endpoint = named ?? this.endpoints[this.#balancer.pick(avoid?.number ?? -1)];
    if (endpoint === undefined || this.#closed || this.#connections >= this.options.maxConnections) {
      const full = endpoint !== undefined && !this.#closed;
      if (full) this.metrics.overflow.inc();
      waiter.tunnelRefused(full ? "upstream_overflow" : "no_healthy_upstream", null);
      return null;
    }
    const { wheel, clock, bufferBytes = 64 * 1024 } = this.environment;
    const tunnel = new Tunnel({ endpoint, waiter, owner: this, bufferBytes, tls: this.tls, preamble });
    this.#connections++;
    endpoint.connections++;
    endpoint.active++;
    wheel.schedule(tunnel.connectDeadline, clock.monotonicMs() + this.options.connectTimeoutMs);
    return tunnel;
  }

  /** Gives a connection back after a complete exchange on it; the next waiter gets it, else it becomes idle. */
  release(connection: Connection): void {
    if (connection.state !== "busy") return;
    connection.served++;
    connection.endpoint.active--;
    this.#offer(connection);
  }

  /** One row per endpoint. */
  status(): EndpointRow[] {
    return this.endpoints.map((endpoint) => endpoint.row(this.name));
  }

  /**
   * Drains: idle connections close now, busy ones after their request; waiting requests are served. Idempotent. Metrics stay, since the next generation's cluster of this name counts on; `registry.remove({ cluster })` ends them.
   */
  close(): void {
    this.#closed = true;
    for (const endpoint of this.endpoints) for (const connection of endpoint.idle.slice()) connection.destroy();
    this.environment.wheel.cancel(this.#idleDeadline);
    for (const task of this.#closeTasks.splice(0)) task();
  }

  connectionOpened(connection: Connection): void {
    this.environment.wheel.cancel(connection.connectDeadline);
    connection.endpoint.dialing--;
    this.#offer(connection);
  }

  connectionClosed(connection: Connection, state: ConnectionState): void {
    const { endpoint } = connection;
    this.#connections--;
    endpoint.connections--;
    if (state === "idle") endpoint.dropIdle(connection);
    if (state === "busy") endpoint.active--;
    if (state === "dialing") this.#dialFailed(connection);
    this.#dialForQueue();
  }

  tunnelConnected(tunnel: Tunnel): void {
    this.environment.wheel.cancel(tunnel.connectDeadline);
    tunnel.endpoint.requests++;
  }

  tunnelClosed(tunnel: Tunnel, failed: boolean): void {
    const { endpoint, timedOut } = tunnel;
    this.environment.wheel.cancel(tunnel.connectDeadline);
    this.#connections--;
    endpoint.connections--;
    endpoint.active--;
    if (failed) {
      endpoint.failures++;
      (timedOut ? this.metrics.connectTimeout : this.metrics.connectFail).inc();
    }
    this.#dialForQueue();
  }

  /** Closes what has been idle too long; the bottom of each stack is the oldest. */
  deadlineReached(_deadline: Deadline, nowMs: number): void {
    const { idleTimeoutMs } = this.options;
    let earliest = Infinity;
    for (const { idle } of this.endpoints) {
      const fresh = idle.findIndex((connection) => connection.idleSinceMs + idleTimeoutMs > nowMs);
      for (const connection of idle.slice(0, fresh < 0 ? idle.length : fresh)) connection.destroy();
      if (fresh >= 0) earliest = Math.min(earliest, (idle[fresh]?.idleSinceMs ?? nowMs) + idleTimeoutMs);
    }
    if (earliest < Infinity) this.environment.wheel.schedule(this.#idleDeadline, earliest);
  }

  #handOut(connection: Connection): Connection {
    connection.state = "busy";
    connection.endpoint.active++;
    connection.endpoint.requests++;
    return connection;
  }

  /** Whoever chose this endpoint comes first, then whoever waits for any. */
  #offer(connection: Connection): void {
    // Shifting an empty array is a call into the engine; nearly always nobody waits.
    const { waiters } = connection.endpoint;
    const waiter = waiters.length > 0 ? waiters.shift() : this.#queue.length > 0 ? this.#queue.shift() : undefined;
    if (waiter !== undefined) {
      waiter.connectionReady(this.#handOut(connection));
      return;
    }
    connection.state = "idle";
    connection.endpoint.idle.push(connection);
    if (this.#closed) return connection.destroy();
    const { wheel } = this.environment;
    connection.idleSinceMs = wheel.nowMs;
    if (this.#idleDeadline.dueMs === Infinity) {
      wheel.schedule(this.#idleDeadline, this.environment.clock.monotonicMs() + this.options.idleTimeoutMs);
    }
  }

  #dialFor(endpoint: Endpoint, waiter: Waiter): void {
    endpoint.waiters.push(waiter);
    const { wheel, clock, bufferBytes = 64 * 1024 } = this.environment;
    const connection = new Connection(endpoint, this);
    this.#connections++;
    endpoint.connections++;
    endpoint.dialing++;
    const { host, port } = endpoint.options;
    connection.attach(this.dial({ host, port, bufferBytes }, connection));
    wheel.schedule(connection.connectDeadline, clock.monotonicMs() + this.options.connectTimeoutMs);
  }

  /** Another connection may have served the waiter that began the dial; then nobody hears of the failure. */
  #dialFailed(connection: Connection): void {
    const { endpoint, timedOut } = connection;
    this.environment.wheel.cancel(connection.connectDeadline);
    endpoint.dialing--;
    endpoint.failures++;
    (timedOut ? this.metrics.connectTimeout : this.metrics.connectFail).inc();
    const waiter = endpoint.waiters.length > endpoint.dialing ? endpoint.waiters.shift() : undefined;
    const code = timedOut ? "upstream_connect_timeout" : "upstream_connect_failure";
    waiter?.connectionRefused(code, endpoint, connection.failure);
  }

  #dialForQueue(): void {
    if (this.#queue.length === 0 || this.#connections >= this.options.maxConnections) return;
    const endpoint = this.endpoints[this.#balancer.pick(-1)];
    const waiter = this.#queue.shift();
    if (endpoint !== undefined && waiter !== undefined) this.#dialFor(endpoint, waiter);
  }
}
