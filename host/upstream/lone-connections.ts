// Connections of a cluster for one request each, because they begin with what is true of one client alone (a PROXY header):
// dialled for a waiter, never idle, closed after their request. They count towards maxConnections; beyond it a request is
// refused, since no connection will come free for it.
import type { Cluster, Waiter } from "./cluster.ts";
import { Connection, type ConnectionOwner, type ConnectionState } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";

export class LoneConnections implements ConnectionOwner {
  readonly #cluster: Cluster;
  readonly #waiting = new Map<Connection, Waiter>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  static of(cluster: Cluster): LoneConnections {
    cluster.lone ??= new LoneConnections(cluster);
    return cluster.lone;
  }

  /** `waiter` is called later, or before this returns when there is nothing to be done. */
  dial(waiter: Waiter, avoid: Endpoint | null, preamble: Buffer): void {
    const cluster = this.#cluster;
    const endpoint = cluster.choose(avoid);
    if (endpoint === null) return waiter.connectionRefused("no_healthy_upstream", null);
    if (!cluster.enter()) {
      cluster.metrics.overflow.inc();
      return waiter.connectionRefused("upstream_overflow", null);
    }
    const { wheel, clock, bufferBytes = 64 * 1024 } = cluster.environment;
    const connection = new Connection(endpoint, this);
    connection.lone = true;
    endpoint.connections++;
    endpoint.dialing++;
    this.#waiting.set(connection, waiter);
    const { host, port } = endpoint.options;
    connection.attach(cluster.dial({ host, port, bufferBytes, preamble }, connection));
    wheel.schedule(connection.connectDeadline, clock.monotonicMs() + cluster.options.connectTimeoutMs);
  }

  /** The waiter no longer wants one. */
  cancel(waiter: Waiter): void {
    for (const [connection, one] of this.#waiting) {
      if (one !== waiter) continue;
      this.#waiting.delete(connection);
      connection.destroy();
    }
  }

  connectionOpened(connection: Connection): void {
    const { endpoint } = connection;
    this.#cluster.environment.wheel.cancel(connection.connectDeadline);
    endpoint.dialing--;
    const waiter = this.#waiting.get(connection);
    this.#waiting.delete(connection);
    connection.state = "busy";
    endpoint.active++;
    endpoint.requests++;
    if (waiter === undefined) connection.destroy();
    else waiter.connectionReady(connection);
  }

  connectionClosed(connection: Connection, state: ConnectionState): void {
    const { endpoint, timedOut } = connection;
    const { environment, metrics } = this.#cluster;
    this.#cluster.leave();
    endpoint.connections--;
    if (state === "busy") endpoint.active--;
    if (state !== "dialing") return;
    environment.wheel.cancel(connection.connectDeadline);
    endpoint.dialing--;
    const waiter = this.#waiting.get(connection);
    this.#waiting.delete(connection);
    if (waiter === undefined) return;
    endpoint.failures++;
    (timedOut ? metrics.connectTimeout : metrics.connectFail).inc();
    const code = timedOut ? "upstream_connect_timeout" : "upstream_connect_failure";
    waiter.connectionRefused(code, endpoint, connection.failure);
  }
}
