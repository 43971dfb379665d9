// A borrowed window over bytes in scratch memory. An `@unmanaged` class, itself in scratch: a value costs no GC object.
// Valid until the outermost callback returns; `copy()` or `toString()` to keep. Debug builds put windows into a static
// ring, stamp them, and abort on late use ("bytes used after their callback"); release builds compile that away.
import { generation, scratch } from "./scratch";
import { fnv1a } from "./text/hash";
import { decode, encode, encodedSize } from "./text/utf8";

const CHECKED: bool = ASC_OPTIMIZE_LEVEL == 0;
const RING_SLOTS: u32 = 1024;
const RING: usize = CHECKED ? memory.data(16384, 16) : 0;
let ringNext: u32 = 0;

function place(): usize {
  if (!CHECKED) return scratch(offsetof<Bytes>());
  return RING + ((ringNext++ % RING_SLOTS) << 4);
}

function lower(c: u8): u8 {
  return c >= 65 && c <= 90 ? c | 32 : c;
}

/** A window on bytes: an address and a length. Valid until the outermost callback returns; `copy()` or `toString()` to keep. *Portable.* */
@unmanaged
export class Bytes {
  private address: usize;
  /** Number of bytes. */
  length: i32;
  /** Whether the last `parseInt()` succeeded. */
  ok: bool;
  private stamp: u32;

  /** A window over `size` bytes at `ptr`. */
  static at(ptr: usize, size: usize): Bytes {
    const bytes = changetype<Bytes>(place());
    bytes.address = ptr;
    bytes.length = <i32>size;
    bytes.ok = false;
    if (CHECKED) bytes.stamp = generation;
    return bytes;
  }
  /** The UTF-8 bytes of `text`. */
  static from(text: string): Bytes {
    const ptr = encode(text);
    return Bytes.at(ptr, encodedSize);
  }
  /** A window over a buffer, which must stay referenced by the caller. */
  static over(buffer: ArrayBuffer): Bytes {
    return Bytes.at(changetype<usize>(buffer), buffer.byteLength);
  }

  /** Address of the first byte. */
  get ptr(): usize {
    this.live();
    return this.address;
  }
  /** The byte at `i`; aborts outside. */
  @operator("[]") get(i: i32): u8 {
    this.check(i);
    return load<u8>(this.address + i);
  }
  /** Writes in place (the host sees it only when the bytes are handed back). */
  @operator("[]=") put(i: i32, value: u8): void {
    this.check(i);
    store<u8>(this.address + i, value);
  }
  /** Whether these are exactly the UTF-8 bytes of `text`. */
  eq(text: string): bool {
    return this.holds(0, text) == this.length;
  }
  /** As `eq`, ASCII letters in either case. */
  eqIgnoreCase(text: string): bool {
    this.live();
    if (text.length != this.length) return false;
    for (let i = 0; i < this.length; i++) {
      if (lower(load<u8>(this.address + i)) != lower(<u8>text.charCodeAt(i))) return false;
    }
    return true;
  }
  /** Whether they begin with the UTF-8 bytes of `text`. */
  startsWith(text: string): bool {
    return this.holds(0, text) >= 0;
  }
  /** Index of the first `text` at or after `from`, or -1. */
  indexOf(text: string, from: i32 = 0): i32 {
    for (let i = from; i < this.length; i++) if (this.holds(i, text) >= 0) return i;
    return -1;
  }
  /** Index of the first byte `value` at or after `from`, or -1. */
  indexOfByte(value: u8, from: i32 = 0): i32 {
    this.live();
    for (let i = from; i < this.length; i++) if (load<u8>(this.address + i) == value) return i;
    return -1;
  }
  /** A window on [start, end), clamped; no copy. */
  slice(start: i32, end: i32 = i32.MAX_VALUE): Bytes {
    this.live();
    const to = min(max(end, 0), this.length);
    const from = min(max(start, 0), to);
    return Bytes.at(this.address + from, to - from);
  }
  /** A window without blanks (<= 0x20) at either end. */
  trim(): Bytes {
    let from = 0;
    let to = this.length;
    while (from < to && this.get(from) <= 32) from++;
    while (to > from && this.get(to - 1) <= 32) to--;
    return this.slice(from, to);
  }
  /** A decimal integer with optional sign; 0 and `ok == false` for anything else or beyond 18 digits. */
  parseInt(): i64 {
    this.live();
    const minus = this.length > 0 && this.get(0) == 45;
    let value: i64 = 0;
    let i = minus ? 1 : 0;
    this.ok = this.length > i && this.length - i <= 18;
    for (; this.ok && i < this.length; i++) {
      const digit = <u32>this.get(i) - 48;
      this.ok = digit <= 9;
      value = value * 10 + digit;
    }
    if (!this.ok) return 0;
    return minus ? -value : value;
  }
  /** A copy on the GC heap that outlives the callback. */
  copy(): ArrayBuffer {
    this.live();
    const buffer = new ArrayBuffer(this.length);
    memory.copy(changetype<usize>(buffer), this.address, this.length);
    return buffer;
  }
  /** A String (allocates), decoded as UTF-8. */
  toString(): string {
    this.live();
    return decode(this.address, this.length);
  }
  /** FNV-1a, 32 bit, over the bytes. */
  hash32(): u32 {
    this.live();
    return fnv1a(this.address, this.length);
  }

  /** Bytes of `text` if it stands at `at`, else -1. */
  private holds(at: i32, text: string): i32 {
    this.live();
    const most = this.length - at;
    if (text.length > most) return -1;
    for (let i = 0; i < text.length; i++) {
      const unit = load<u16>(changetype<usize>(text) + ((<usize>i) << 1));
      if (unit >= 128) return this.holdsEncoded(at, text);
      if (load<u8>(this.address + at + i) != <u8>unit) return -1;
    }
    return text.length;
  }
  private holdsEncoded(at: i32, text: string): i32 {
    const bytes = encode(text);
    const size = <i32>encodedSize;
    return at + size <= this.length && memory.compare(this.address + at, bytes, size) == 0 ? size : -1;
  }
  private check(i: i32): void {
    this.live();
    if (<u32>i >= <u32>this.length) throw new RangeError("Bytes index out of range");
  }
  private live(): void {
    if (CHECKED) assert(this.stamp == generation, "bytes used after their callback");
  }
}
