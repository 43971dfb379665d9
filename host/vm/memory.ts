// A guest's linear memory, and the only place where guest pointers are believed: every address and length is checked
// here and nowhere else. Views are refreshed whenever the memory's buffer changed identity, which any guest call
// (the allocator too) can cause.
import { pairsSize, writePairs } from "../abi/pairs.ts";
import type { HeaderList } from "../abi/headers.ts";
import type { Status } from "../abi/status.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import { giveText } from "./given-texts.ts";
import { names, values } from "./name-table.ts";
import { Refusal } from "./refusal.ts";

/** Reading and writing the guest's counter costs as much as a host call, so copies are charged in bundles. */
const CHARGED_BYTES = 1024 * 1024;
/** Up to here a copy costs no more than the call it belongs to, and adding it up would cost as much (bench: P5). */
const SMALL = 64;
/** reliability.md 2.2. */
const BYTES_PER_POINT = 16;
const NO_BUFFER = new ArrayBuffer(0);
const OUTSIDE = "the range that begins at {} is not inside the guest's memory";

export class GuestMemory {
  readonly #refusal: Refusal;
  readonly #charge: (points: number) => void;
  /** Bytes copied either way since the callback began, or since they were charged. */
  #moved = 0;
  #memory: WebAssembly.Memory | null = null;
  #allocate: (size: number) => number = () => 0;
  /** Address of the guest's scratch words (used, base, capacity); 0 = it has none. */
  #scratch = 0;
  #buffer: ArrayBuffer = NO_BUFFER;
  #bytes: Buffer = Buffer.from(NO_BUFFER);
  #words: Uint32Array = new Uint32Array(NO_BUFFER);

  /**
   * @param refusal hears of every range that is not in the memory
   * @param charge takes points off the guest's fuel, for what is copied
   */
  constructor(refusal: Refusal = new Refusal(), charge: (points: number) => void = () => {}) {
    this.#refusal = refusal;
    this.#charge = charge;
  }

  /**
   * Until this is called (a wasm start section runs before it) every access is out of bounds.
   * @param scratch see `sluice_scratch` in sdk/proxy.ts; 0 = none
   */
  attach(memory: WebAssembly.Memory, allocate: (size: number) => number, scratch = 0): void {
    this.#memory = memory;
    this.#allocate = allocate;
    this.#scratch = (scratch & 3) === 0 ? scratch >>> 0 : 0;
    this.#refresh();
  }

  callbackBegan(): void {
    this.#moved = 0;
  }

  get attached(): boolean {
    return this.#memory !== null;
  }

  get byteLength(): number {
    this.#refresh();
    return this.#buffer.byteLength;
  }

  #refresh(): void {
    const memory = this.#memory;
    if (memory === null || memory.buffer === this.#buffer) return;
    this.#buffer = memory.buffer as ArrayBuffer;
    this.#bytes = Buffer.from(this.#buffer);
    this.#words = new Uint32Array(this.#buffer);
  }

  // The views themselves say when they are stale: growing detaches their buffer, and a detached view has no length. Asking
  // the memory for its buffer each time is a call out of JavaScript, ten times per callback (docs/performance.md).
  #fits(at: number, size: number): boolean {
    if (at + size <= this.#bytes.length) return true;
    this.#refresh();
    if (at + size <= this.#bytes.length) return true;
    this.#refusal.note(OUTSIDE, at);
    return false;
  }

  #moves(size: number): void {
    this.#moved += size;
    if (this.#moved <= CHARGED_BYTES) return;
    this.#charge(Math.floor(this.#moved / BYTES_PER_POINT));
    this.#moved = 0;
  }

  /** Bytes as latin1 text (every byte round-trips), or null out of bounds. */
  text(pointer: number, size: number): string | null {
    const at = pointer >>> 0;
    const length = size >>> 0;
    if (length === 0) return "";
    if (!this.#fits(at, length)) return null;
    if (length > SMALL) this.#moves(length);
    return this.#bytes.latin1Slice(at, at + length);
  }

  /** As {@link text}, for values that are likely to come again. */
  value(pointer: number, size: number): string | null {
    const at = pointer >>> 0;
    const length = size >>> 0;
    if (length > SMALL && this.#fits(at, length)) this.#moves(length);
    return this.#fits(at, length) ? values.lookup(this.#bytes, this.#words, at, length) : null;
  }

  /** A header name, lower-cased, from the intern table; null out of bounds. */
  name(pointer: number, size: number): string | null {
    const at = pointer >>> 0;
    const length = size >>> 0;
    return this.#fits(at, length) ? names.lookup(this.#bytes, this.#words, at, length) : null;
  }

  /** A copy of the bytes, or null out of bounds. Copies, because what a guest lends is its own again after the call. */
  copy(pointer: number, size: number): Buffer | null {
    const at = pointer >>> 0;
    const length = size >>> 0;
    if (length === 0) return Buffer.alloc(0);
    if (!this.#fits(at, length)) return null;
    if (length > SMALL) this.#moves(length);
    return Buffer.from(this.#bytes.subarray(at, at + length));
  }

  /** The guest's own bytes, for the length of one host call. Null out of bounds. */
  borrow(pointer: number, size: number): Buffer | null {
    const at = pointer >>> 0;
    const length = size >>> 0;
    if (!this.#fits(at, length)) return null;
    if (length > SMALL) this.#moves(length);
    return this.#bytes.subarray(at, at + length);
  }

  u32(pointer: number): number | null {
    const at = pointer >>> 0;
    return this.#fits(at, 4) ? this.#bytes.readUInt32LE(at) : null;
  }

  setU32(pointer: number, value: number): boolean {
    const at = pointer >>> 0;
    if (!this.#fits(at, 4)) return false;
    if ((at & 3) === 0) this.#words[at >>> 2] = value;
    else this.#bytes.writeUInt32LE(value >>> 0, at);
    return true;
  }

  setU64(pointer: number, value: bigint): boolean {
    const at = pointer >>> 0;
    if (!this.#fits(at, 8)) return false;
    this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at);
    return true;
  }

  setBytes(pointer: number, bytes: Uint8Array): boolean {
    const at = pointer >>> 0;
    if (!this.#fits(at, bytes.length)) return false;
    this.#bytes.set(bytes, at);
    return true;
  }

  /** Are two output words writable? Checked before the allocator is asked, so that a failure leaks nothing. */
  writable(pointer: number, size: number): boolean {
    return this.#fits(pointer >>> 0, 4) && this.#fits(size >>> 0, 4);
  }

  /** Hands latin1 text over: allocates in the guest, writes it, then pointer and size. */
  giveText(value: string, pointer: number, size: number): Status {
    const at = this.#room(value.length, pointer, size);
    if (at < 0) return status.INVALID_MEMORY_ACCESS;
    if (at > 0) giveText(value, this.#bytes, this.#words, at);
    return status.OK;
  }

  /** Hands bytes over, as {@link giveText}. */
  giveBytes(value: Uint8Array, pointer: number, size: number): Status {
    const at = this.#room(value.length, pointer, size);
    if (at < 0) return status.INVALID_MEMORY_ACCESS;
    if (at > 0) this.#bytes.set(value, at);
    return status.OK;
  }

  /** Hands a header list over in its serialised form. */
  givePairs(list: HeaderList, pointer: number, size: number): Status {
    const at = this.#room(pairsSize(list), pointer, size);
    if (at < 0) return status.INVALID_MEMORY_ACCESS;
    if (at > 0) writePairs(list, this.#bytes, at);
    return status.OK;
  }

  /** Address of `length` fresh bytes with both outputs written; 0 for an empty value (nothing allocated); -1 = bad. */
  #room(length: number, pointer: number, size: number): number {
    if (!this.writable(pointer, size)) return -1;
    let at = 0;
    if (length > SMALL) this.#moves(length);
    if (length > 0) {
      at = this.#bump(length) || this.#allocate(length) >>> 0;
      if (at === 0) this.#refusal.note("the guest's allocator gave no memory for {} bytes", length);
      if (at === 0 || !this.#fits(at, length)) return -1;
    }
    this.setU32(pointer, at);
    this.setU32(size, length);
    return at;
  }

  /**
   * Room in the guest's scratch memory, as its allocator would give it but without a call into the guest (bench: P5); 0 when
   * there is none. The words are the guest's own: what they say is checked like any pointer.
   */
  #bump(length: number): number {
    const word = this.#scratch >>> 2;
    if (word === 0 || !this.#fits(this.#scratch, 12)) return 0;
    const words = this.#words;
    const at = (((words[word] as number) + 7) & ~7) >>> 0;
    if (at + length > (words[word + 2] as number)) return 0;
    words[word] = at + length;
    return (words[word + 1] as number) + at;
  }
}
