// One address of a cluster: its idle connections (a stack: the warmest is used first, so that the coldest can go), the
// requests waiting for a connection to it, and its counts.
import type { Candidate } from "./balancers/balancer.ts";
import type { Connection } from "./connection.ts";
import type { EndpointOptions } from "./options.ts";
import type { Waiter } from "./cluster.ts";

/** One row of `GET /api/v1/clusters`; rows of several threads add up (control/types.ts EndpointStatus). */
export interface EndpointRow {
  readonly cluster: string;
  readonly address: string;
  readonly weight: number;
  readonly active: number;
  readonly connections: number;
  readonly idle: number;
  readonly requests: number;
  readonly failures: number;
}

export class Endpoint implements Candidate {
  readonly options: EndpointOptions;
  /** Place in the cluster's list; what balancers call it. */
  readonly number: number;
  /** Requests that hold a connection. */
  active = 0;
  connections = 0;
  dialing = 0;
  /** Requests that got a connection, since the start. */
  requests = 0;
  /** Failed dials and broken exchanges, since the start. */
  failures = 0;
  readonly idle: Connection[] = [];
  /** Chose this endpoint and wait for a dial or for a connection to come free. First come, first served. */
  readonly waiters: Waiter[] = [];
  /** Requests that wait for a shared connection to it (net/http2/pool.ts). */
  waiting = 0;

  constructor(options: EndpointOptions, number: number) {
    this.options = options;
    this.number = number;
  }

  get weight(): number {
    return this.options.weight;
  }

  get load(): number {
    return this.active + this.waiters.length + this.waiting;
  }

  get address(): string {
    const { host, port } = this.options;
    return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  }

  /** Takes out one connection, for example one that closed while idle. */
  dropIdle(connection: Connection): void {
    const at = this.idle.lastIndexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
  }

  row(cluster: string): EndpointRow {
    const { address, weight, active, connections, idle, requests, failures } = this;
    return { cluster, address, weight, active, connections, idle: idle.length, requests, failures };
  }
}

/** An idle connection to whichever endpoint has one. */
export function anyIdle(endpoints: readonly Endpoint[]): Connection | undefined {
  for (const { idle } of endpoints) {
    const connection = idle.pop();
    if (connection !== undefined) return connection;
  }
  return undefined;
}
