// What a cluster is once the config has been parsed: plain frozen data, times in milliseconds. Types only.
import type { ClientTlsOptions } from "../tls/options.ts";

export interface EndpointOptions {
  readonly host: string;
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly zone: string;
  /** 1 or more. Default 1. */
  readonly weight: number;
}

export type LbPolicy = "roundRobin" | "leastRequest" | "random";

export interface ClusterOptions {
  readonly name: string;
  /** Default leastRequest (power of two choices). */
  readonly lbPolicy: LbPolicy;
  readonly endpoints: readonly EndpointOptions[];
  /** From the start of the dial to the connection. Default 5 000. */
  readonly connectTimeoutMs: number;
  /** How long an unused pooled connection is kept. Default 60 000. */
  readonly idleTimeoutMs: number;
  /** Per data thread. Default 1 024. */
  readonly maxConnections: number;
  /** Requests waiting for a connection, per data thread. Default 1 024. */
  readonly maxPendingRequests: number;
  /** Set when its endpoints speak TLS. */
  readonly tls?: ClientTlsOptions;
}
