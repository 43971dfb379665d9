// Property paths and values on the wire (abi.md 6.2, 6.3). Segments are joined by NUL; C++ guests write one more NUL at
// the end, Rust guests do not: both are accepted.

/** Null when a segment inside the path is empty. */
export function parsePropertyPath(path: string): readonly string[] | null {
  const segments = (path.endsWith("\0") ? path.slice(0, -1) : path).split("\0");
  return segments.includes("") ? null : segments;
}

/** 8 bytes, little-endian: ints, uints, timestamps and durations (ns). */
export function encodeInt(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt.asIntN(64, typeof value === "bigint" ? value : BigInt(Math.trunc(value))));
  return bytes;
}

export function encodeDouble(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

export function encodeBool(value: boolean): Buffer {
  return Buffer.from([value ? 1 : 0]);
}

/** Header text is latin1 code units in the host. */
export function encodeText(value: string): Buffer {
  return Buffer.from(value, "latin1");
}
