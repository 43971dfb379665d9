// Connections that many requests share, kept for a cluster by whoever speaks the protocol (net/http2/pool.ts).

export interface SharedConnections {
  /** No new requests; those that run or wait are served. The cluster says so by `onClose`. */
  close(): void;
}
