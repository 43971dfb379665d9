// The wire to an endpoint: bytes and back-pressure, nothing of any protocol. A narrow interface, so that pools are tested
// without sockets and another implementation can take the place of node:net (performance.md 2.3).
import { type NetConnectOpts, connect } from "node:net";
import type { TlsFacts } from "../tls/facts.ts";

/** What a message is written to. `net.Socket` fits. */
export interface Wire {
  /** A string is latin1. False: more than the buffer allows is waiting, `drained` will follow. */
  write(data: string | Buffer): boolean;
  cork(): void;
  uncork(): void;
}

export interface Transport extends Wire {
  /** Stops reading; data that is already on its way here may still be delivered. */
  pause(): unknown;
  resume(): unknown;
  /** Closes at once; `closed` follows. */
  destroy(): unknown;
}

/** Where a transport reports. Never called before `dial` has returned. */
export interface TransportEvents {
  /** Also what TLS has agreed on, where there is TLS. */
  connected(tls?: TlsFacts): void;
  /** `bytes` up to `length` are lent: they are overwritten after the call. */
  received(bytes: Buffer, length: number): void;
  drained(): void;
  /** Exactly once, last. `error` is null after an orderly end. */
  closed(error: Error | null): void;
}

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** Bytes that may wait for a slow peer before `write` says false. */
  readonly bufferBytes: number;
  /** Sent before anything else, TLS included. */
  readonly preamble?: Buffer;
}

export type Dial = (target: DialTarget, events: TransportEvents) => Transport;

/**
 * All upstream sockets of a thread are read into this one block: a read then allocates nothing (6 % of the CPU of a small
 * request, performance.md 2.3). Safe because the event loop reads one socket at a time and readers copy what they keep.
 */
export const READ_BLOCK: Buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** A TCP connection. Never throws; failures arrive as `closed`. */
export const dialTcp: Dial = ({ host, port, bufferBytes, preamble }, events) => {
  let failure: Error | null = null;
  // `highWaterMark` goes through to the stream; the types do not know it.
  const options: NetConnectOpts & { readonly highWaterMark: number } = {
    host,
    port,
    noDelay: true,
    highWaterMark: bufferBytes,
    onread: {
      buffer: READ_BLOCK,
      callback(length) {
        events.received(READ_BLOCK, length);
        return true;
      },
    },
  };
  const socket = connect(options);
  socket.setDefaultEncoding("latin1");
  if (preamble !== undefined) socket.once("connect", () => socket.write(preamble));
  socket.on("connect", () => events.connected());
  socket.on("drain", () => events.drained());
  socket.on("error", (error) => (failure = error));
  socket.on("close", () => events.closed(failure));
  return socket;
};
