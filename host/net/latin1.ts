// Bytes <-> text on the head path: one code unit per byte, both ways exact (reliability.md 3.2). `latin1Slice` is what
// `toString("latin1")` ends up calling; calling it directly saves the look-up of the encoding (performance.md 5.1).

declare global {
  interface Buffer {
    latin1Slice(start?: number, end?: number): string;
  }
}

/** The bytes [from, to) as text. */
export const latin1 = (bytes: Buffer, from: number, to: number): string => bytes.latin1Slice(from, to);

/** A private copy of the bytes [from, to), for bytes that were only lent. */
export function copyBytes(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafe(to - from);
  bytes.copy(copy, 0, from, to);
  return copy;
}
