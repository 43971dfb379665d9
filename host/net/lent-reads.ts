// Reading accepted sockets into one block per thread instead of a fresh buffer per read: 1.5 to 2 of 19 µs of a small
// request (docs/performance.md). net.Socket can do this, but offers it to the side that connects only (`onread`,
// nodejs/node PR 25436), so the same three fields are set from here. They are found by name, and a Node that names them
// otherwise reads as it always did: slower, not wrong. Safe because the event loop reads one socket at a time and readers
// copy what they keep.
import { Socket } from "node:net";

/** Bytes up to `length` are lent: they are overwritten after the call. */
export type ReadInto = (bytes: Buffer, length: number) => void;

interface ReadingHandle {
  useUserBuffer(block: Uint8Array): void;
}

interface Reads {
  [field: symbol]: unknown;
  readonly _handle?: Partial<ReadingHandle> | null;
}

const READ_BLOCK = Buffer.allocUnsafeSlow(64 * 1024);

const known = Object.getOwnPropertySymbols(new Socket());
const BUFFER = known.find(({ description }) => description === "kBuffer");
const CALLBACK = known.find(({ description }) => description === "kBufferCb");

/**
 * Hands everything `socket` reads to `read`, whichever way it comes. Its `data` event is taken.
 */
export function readInto(socket: Socket, read: ReadInto): void {
  // Also set with the block in place: it makes the stream flow, without which it would not say `end`.
  socket.on("data", (bytes: Buffer) => read(bytes, bytes.length));
  // TLS sockets deliver what they have decrypted: another road.
  if (BUFFER === undefined || CALLBACK === undefined || Object.getPrototypeOf(socket) !== Socket.prototype) return;
  // One that has been read already holds bytes that must come first.
  if (socket.bytesRead > 0) return;
  const reads = socket as unknown as Reads;
  if (typeof reads._handle?.useUserBuffer !== "function") return;
  reads[BUFFER] = READ_BLOCK;
  reads[CALLBACK] = (length: number): boolean => {
    read(READ_BLOCK, length);
    return true;
  };
  reads._handle.useUserBuffer(READ_BLOCK);
}
