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

/** Connections to the cluster speak HTTP/2, with prior knowledge. */
export interface ClusterHttp2Options {
  /** Streams on one connection, where the peer allows as many. Default 100. */
  readonly maxConcurrentStreams: number;
  /** Bytes of an answer that may come ahead of what is read: per stream. Default 256 KiB. */
  readonly initialStreamWindowSize: number;
  /** As above, over all streams of a connection. Default 1 MiB. */
  readonly initialConnectionWindowSize: number;
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
  /**
   * Made for a route that opens tunnels to whatever CONNECT names, if it is among these: `host:port`, `*.name:port` or
   * `*:port`, lower-case. Such a cluster has no endpoints of its own.
   */
  readonly authorities?: readonly string[];
  /** Connections begin with a PROXY header that names the client; then none is shared. */
  readonly proxyProtocol?: "v1" | "v2";
  /** Set when its endpoints speak TLS. */
  readonly tls?: ClientTlsOptions;
  /** Absent = HTTP/1.1. */
  readonly http2?: ClusterHttp2Options;
  /** Requests under way over HTTP/2, per data thread. Default 1 024. */
  readonly maxRequests?: number;
}
