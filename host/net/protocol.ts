// What speaks over the connections of a listener. The listener accepts, counts, limits and drains; what the bytes mean is
// the protocol's business (http1/protocol.ts, tcp/protocol.ts).
import type { Socket } from "node:net";
import type { Counter, Gauge } from "../observe/metrics.ts";
import type { TlsFacts } from "../tls/facts.ts";
import type { Addresses } from "./proxy-protocol/addresses.ts";
import type { ListenerOptions } from "./options.ts";

/** One accepted connection as its listener sees it. */
export interface OpenConnection {
  /** While draining: ends it if it has had nothing to do for `quietMs`. */
  closeIfIdle(nowMs: number, quietMs: number): void;
  /** Ends it whatever it is doing. */
  destroy(): void;
}

export interface ConnectionMetrics {
  readonly connectionsTotal: Counter;
  readonly connectionsRefused: Counter;
  readonly connectionsActive: Gauge;
}

export interface Protocol {
  readonly metrics: ConnectionMetrics;
  /**
   * Takes the socket over.
   * @param id process-wide number of the connection
   * @param tls set when the socket is secured
   * @param origin set when it has been read and is stopped; whose connection it is, null = the socket's own peer's
   */
  open(socket: Socket, id: number, tls?: TlsFacts, origin?: Addresses | null): OpenConnection;
  /** Takes over a socket beyond `maxConnections`, to say no in the protocol's words; undefined = it is dropped without any. */
  refuse?(socket: Socket, id: number, tls?: TlsFacts): OpenConnection | undefined;
  /** For what begins from now on. */
  configure(options: ListenerOptions): void;
  /** The end is near: whatever can be ended in order from now on is. */
  drain(): void;
  /** The last connection has ended, and none will come. */
  closed?(): void;
}
