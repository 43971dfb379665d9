// The ABI's pair maps (abi.md 6.1): a reader over bytes in scratch, and a builder in scratch.
//
//   count | klen vlen | klen vlen | ... | key 00 value 00 key 00 value 00 ...        all numbers u32 LE
import { Bytes } from "./bytes";
import { scratch } from "./scratch";
import { encode, encodedSize } from "./text/utf8";

/** Reads pairs in order: `while (p.next()) ... p.key ... p.value`. Windows are valid for the callback. */
export class PairsView {
  /** Number of pairs. */
  count: i32 = 0;
  private index: i32 = -1;
  private at: usize = 0;
  private keySize: usize = 0;
  private valueSize: usize = 0;

  constructor(
    private base: usize,
    private size: usize,
  ) {
    const count: u32 = size < 4 ? 0 : load<u32>(base);
    if (4 + ((<u64>count) << 3) <= <u64>size) this.count = <i32>count;
    this.rewind();
  }
  /** Back to before the first pair. */
  rewind(): void {
    this.index = -1;
    this.keySize = this.valueSize = 0;
    // The first next() steps over the two NULs of the pair before it; here there is none.
    this.at = this.base + 4 + ((<usize>this.count) << 3) - 2;
  }
  /** Steps to the next pair; false at the end. */
  next(): bool {
    if (++this.index >= this.count) return false;
    this.at += this.keySize + this.valueSize + 2;
    const sizes = this.base + 4 + ((<usize>this.index) << 3);
    this.keySize = load<u32>(sizes);
    this.valueSize = load<u32>(sizes, 4);
    const end = this.at + this.keySize + this.valueSize + 2;
    return end <= this.base + this.size && end > this.at;
  }
  /** Name of the current pair. */
  get key(): Bytes {
    return Bytes.at(this.at, this.keySize);
  }
  /** Value of the current pair. */
  get value(): Bytes {
    return Bytes.at(this.at + this.keySize + 1, this.valueSize);
  }
  /** Value of the first pair named `name`, or null. Rewinds. */
  find(name: string): Bytes | null {
    this.rewind();
    while (this.next()) if (this.key.eq(name)) return this.value;
    return null;
  }
}

/** Collects pairs in scratch memory; use it within the callback that made it. */
export class PairsBuilder {
  private base: usize = 0;
  private room: usize = 0;
  private used: usize = 0;
  private count: u32 = 0;

  /** Appends a pair. */
  add(name: string, value: string): this {
    const key = encode(name);
    const keySize = encodedSize;
    const text = encode(value);
    this.put(key, keySize, text, encodedSize);
    return this;
  }
  /** Appends a pair whose value is bytes. */
  addBytes(name: string, value: Bytes): this {
    const key = encode(name);
    this.put(key, encodedSize, value.ptr, value.length);
    return this;
  }
  /** Whether nothing was added. */
  get empty(): bool {
    return this.count == 0;
  }
  /** The finished map; empty when nothing was added. */
  pack(): Bytes {
    if (this.count == 0) return Bytes.at(0, 0);
    const total: usize = 4 + this.used;
    const map = scratch(total);
    store<u32>(map, this.count);
    let sizes = map + 4;
    let data = sizes + ((<usize>this.count) << 3);
    for (let from = this.base; from < this.base + this.used; sizes += 8) {
      const body = <usize>load<u32>(from) + load<u32>(from, 4) + 2;
      memory.copy(sizes, from, 8);
      memory.copy(data, from + 8, body);
      from += 8 + body;
      data += body;
    }
    return Bytes.at(map, total);
  }

  /** One record: klen vlen key 00 value 00. */
  private put(key: usize, keySize: usize, value: usize, valueSize: usize): void {
    const size: usize = 8 + keySize + valueSize + 2;
    this.reserve(size);
    const to = this.base + this.used;
    store<u32>(to, <u32>keySize);
    store<u32>(to, <u32>valueSize, 4);
    memory.copy(to + 8, key, keySize);
    store<u8>(to + 8 + keySize, 0);
    memory.copy(to + 9 + keySize, value, valueSize);
    store<u8>(to + size - 1, 0);
    this.used += size;
    this.count++;
  }
  private reserve(size: usize): void {
    if (this.used + size <= this.room) return;
    const room = max(this.room << 1, this.used + size + 256);
    const base = scratch(room);
    memory.copy(base, this.base, this.used);
    this.base = base;
    this.room = room;
  }
}
