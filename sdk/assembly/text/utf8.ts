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
  let to = at;
  for (let i = 0; i < length; i++) {
    const unit = load<u16>(from + ((<usize>i) << 1));
    if (unit < 128) store<u8>(to++, <u8>unit);
    else if (unit < 0x800) {
      store<u16>(to, <u16>((unit >> 6) | 0xc0 | (((unit & 63) | 0x80) << 8)));
      to += 2;
    } else if ((unit & 0xfc00) == 0xd800 && i + 1 < length) to = encodePair(unit, text.charCodeAt(++i), to);
    else to = encodeWide(unit, to);
  }
  encodedSize = to - at;
  shrink(at, encodedSize);
  return at;
}

/** Three bytes. A lone surrogate is written like any other unit. */
function encodeWide(unit: u32, to: usize): usize {
  store<u8>(to, <u8>((unit >> 12) | 0xe0));
  store<u8>(to, <u8>(((unit >> 6) & 63) | 0x80), 1);
  store<u8>(to, <u8>((unit & 63) | 0x80), 2);
  return to + 3;
}

/** Four bytes for a surrogate pair. */
function encodePair(high: u32, low: u32, to: usize): usize {
  if ((low & 0xfc00) != 0xdc00) return encodeWide(low, encodeWide(high, to));
  const point = 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
  store<u8>(to, <u8>((point >> 18) | 0xf0));
  store<u8>(to, <u8>(((point >> 12) & 63) | 0x80), 1);
  store<u8>(to, <u8>(((point >> 6) & 63) | 0x80), 2);
  store<u8>(to, <u8>((point & 63) | 0x80), 3);
  return to + 4;
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
