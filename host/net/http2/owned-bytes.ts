// Pieces of bodies as node:http2 hands them out are windows into what one read of the socket brought: a byte that is kept
// would keep all of it.

/** Below this share of its memory a piece is copied before it is kept. */
const SHARE = 4;

export function ownedBytes(chunk: Buffer): Buffer {
  return chunk.length * SHARE >= chunk.buffer.byteLength ? chunk : Buffer.from(chunk);
}
