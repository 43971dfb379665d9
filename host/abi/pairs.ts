// The serialised form of header maps (abi.md 6.1; proxy-wasm-cpp-host pairs_util):
//
//   u32 count | count x (u32 name size, u32 value size) | count x (name, 00, value, 00)        little-endian
//
// An empty map is nothing at all, or a single 00 byte.
import type { HeaderList } from "./headers.ts";
import { MAX_PAIRS, MAX_PAIRS_BYTES } from "./limits.ts";

/** Bytes {@link writePairs} needs; 0 for an empty list. */
export function pairsSize(list: HeaderList): number {
  if (list.length === 0) return 0;
  let size = 4 + list.length * 5;
  for (const text of list) size += text.length;
  return size;
}

/** Writes `list` at `at`; the caller has made room for {@link pairsSize} bytes. */
export function writePairs(list: HeaderList, into: Buffer, at: number): void {
  into.writeUInt32LE(list.length / 2, at);
  let size = at + 4;
  let data = size + list.length * 4;
  for (const text of list) {
    into.writeUInt32LE(text.length, size);
    size += 4;
    into.latin1Write(text, data, text.length);
    data += text.length;
    into[data++] = 0;
  }
}

/** A buffer of its own with the serialised list. */
export function encodePairs(list: HeaderList): Buffer {
  const bytes = Buffer.alloc(pairsSize(list));
  if (bytes.length > 0) writePairs(list, bytes, 0);
  return bytes;
}

/** Null when the bytes are not pairs: truncation, a missing NUL, trailing bytes, or more than the limits allow. */
export function decodePairs(bytes: Buffer): HeaderList | null {
  if (bytes.length === 0 || (bytes.length === 1 && bytes[0] === 0)) return [];
  if (bytes.length < 4 || bytes.length > MAX_PAIRS_BYTES) return null;
  const count = bytes.readUInt32LE(0);
  let at = 4 + count * 8;
  if (count > MAX_PAIRS || at > bytes.length) return null;
  const list: HeaderList = [];
  for (let size = 4; size < 4 + count * 8; size += 4) {
    const end = at + bytes.readUInt32LE(size);
    if (end >= bytes.length || bytes[end] !== 0) return null;
    list.push(bytes.latin1Slice(at, end));
    at = end + 1;
  }
  return at === bytes.length ? list : null;
}
