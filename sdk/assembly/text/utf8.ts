// Strings to UTF-8 and back. Literals are encoded once per VM: they live in the data section, so their address is their
// identity, and String encoding per call would be the largest cost of a header call on the guest's side (sdk.md 4.4).
import { scratch, shrink } from "../scratch";

const SLOTS: usize = 64;
/** Each slot: address of the literal, address of its bytes, their number. First come stays; a collision just encodes. */
const TABLE: usize = memory.data(768, 8);
const LONGEST: i32 = 64;

/** Number of bytes of the last `encode()`. */
export let encodedSize: usize = 0;

/** UTF-8 of `text`: static for literals, else in scratch memory. Its size is in `encodedSize`. */
export function encode(text: string): usize {
  const id = changetype<usize>(text);
  if (id >= __heap_base || text.length > LONGEST) return encodeAt(text, scratch(roomFor(text)));
  const slot = TABLE + ((id >> 4) & (SLOTS - 1)) * 12;
  const owner = load<usize>(slot);
  if (owner == id) {
    encodedSize = load<usize>(slot, 8);
    return load<usize>(slot, 4);
  }
  if (owner) return encodeAt(text, scratch(roomFor(text)));
  const bytes = encodeAt(text, heap.alloc(roomFor(text)));
  store<usize>(slot, id);
  store<usize>(slot, bytes, 4);
  store<usize>(slot, encodedSize, 8);
  return bytes;
}

function roomFor(text: string): usize {
  return <usize>text.length * 3 + 1;
}

function encodeAt(text: string, at: usize): usize {
  const from = changetype<usize>(text);
  const length = text.length;
  let i = 0;
  for (; i < length; i++) {
    const unit = load<u16>(from + ((<usize>i) << 1));
    if (unit >= 128) break;
    store<u8>(at + i, <u8>unit);
  }
  encodedSize = i;
  if (i < length) encodedSize += String.UTF8.encodeUnsafe(from + ((<usize>i) << 1), length - i, at + i);
  shrink(at, encodedSize);
  return at;
}

/** A new String from `size` bytes of UTF-8 (invalid sequences become U+FFFD or similar, never a trap). */
export function decode(bytes: usize, size: usize): string {
  if (size == 0) return "";
  const text = changetype<string>(__new(size << 1, idof<string>()));
  for (let i: usize = 0; i < size; i++) {
    const unit = load<u8>(bytes + i);
    if (unit >= 128) return String.UTF8.decodeUnsafe(bytes, size);
    store<u16>(changetype<usize>(text) + (i << 1), unit);
  }
  return text;
}
