// What shared data does to one bucket: read, write, remove, and change a number in place. Each method takes the bucket's
// lock, works without allocating, unlocks, and only then allocates or frees.
import * as status from "../../sdk/assembly/abi/status.ts";
import type { Clock } from "../base/clock.ts";
import { SluiceError } from "../base/errors.ts";
import { detach, evictOne } from "./shared-evict.ts";
import type { SharedHeap } from "./shared-heap.ts";
import { SharedSpaces } from "./shared-spaces.ts";
import { BUCKETS, SharedTable } from "./shared-table.ts";

export type SetStatus = typeof status.OK | typeof status.CAS_MISMATCH | typeof status.INTERNAL_FAILURE;

/** Up to here a value is overwritten in place under the lock; above, it is written beside and swapped in. */
const IN_PLACE_BYTES = 128;
/** Evictions tried when the memory itself (not the namespace) is used up; a freed block helps its own size class only. */
const MEMORY_TRIES = 8;
const ZERO = new Uint8Array(8);

export interface WriteRequest {
  readonly value: Uint8Array;
  /** 0 = unconditional. */
  readonly cas: number;
  /** Milliseconds since the epoch, 0 = never. */
  readonly expiry: number;
  readonly nowMs: number | undefined;
}

export class SharedStore {
  readonly heap: SharedHeap;
  readonly table: SharedTable;
  readonly spaces: SharedSpaces;
  readonly #clock: Clock;
  /** The key at work; one object reused, since the hot path must not allocate. */
  readonly #wanted = { space: 0, key: "", hash: 0 };
  #scratch = new Int32Array(1024);
  #scratchBytes = new Uint8Array(this.#scratch.buffer);
  #number = 0;

  constructor(heap: SharedHeap, clock: Clock) {
    this.heap = heap;
    this.table = new SharedTable(heap);
    this.spaces = new SharedSpaces(heap);
    this.#clock = clock;
  }

  /** Sets the key that the next call works on, and returns its bucket. */
  locate(space: number, key: string): number {
    this.#wanted.space = space;
    this.#wanted.key = key;
    this.#wanted.hash = this.table.hash(space, key);
    return this.table.bucketOf(this.#wanted.hash);
  }

  /** A copy, or undefined; an expired entry is removed on the way. */
  read(bucket: number, nowMs: number | undefined): { value: Buffer; cas: number } | undefined {
    for (;;) {
      if (!this.heap.lock(bucket)) return undefined;
      const entry = this.table.find(bucket, this.#wanted);
      if (entry === 0 || this.#isExpired(entry, nowMs)) return this.#giveUp(bucket, entry);
      const length = this.table.valueLength(entry);
      const cas = this.table.cas(entry);
      const fits = length <= this.#scratch.byteLength;
      if (fits) this.#copyOut(entry, length);
      this.heap.unlock(bucket);
      if (fits) return { value: this.#take(length), cas };
      this.#scratch = new Int32Array((length + 3) >> 2);
      this.#scratchBytes = new Uint8Array(this.#scratch.buffer);
    }
  }

  write(bucket: number, request: WriteRequest): SetStatus {
    const { value, cas, nowMs } = request;
    let fresh = 0;
    for (;;) {
      if (!this.heap.lock(bucket)) return this.#done(fresh, status.INTERNAL_FAILURE);
      const entry = this.table.find(bucket, this.#wanted);
      if (cas !== 0 && entry !== 0 && this.table.cas(entry) !== cas && !this.#isExpired(entry, nowMs)) {
        this.heap.unlock(bucket);
        return this.#done(fresh, status.CAS_MISMATCH);
      }
      if (entry !== 0 && value.length <= IN_PLACE_BYTES && this.table.fits(entry, value.length)) {
        this.#overwrite(bucket, entry, request);
        this.heap.unlock(bucket);
        return this.#done(fresh, status.OK);
      }
      if (fresh !== 0) {
        this.#link(bucket, entry, fresh);
        this.heap.unlock(bucket);
        return this.#done(entry, status.OK);
      }
      this.heap.unlock(bucket);
      fresh = this.#prepare(request);
      if (fresh === 0) return status.INTERNAL_FAILURE;
    }
  }

  remove(bucket: number, cas: number): SetStatus {
    if (!this.heap.lock(bucket)) return status.INTERNAL_FAILURE;
    const entry = this.table.find(bucket, this.#wanted);
    const matches = entry === 0 || cas === 0 || this.table.cas(entry) === cas || this.#isExpired(entry, undefined);
    this.#giveUp(bucket, matches ? entry : 0);
    return matches ? status.OK : status.CAS_MISMATCH;
  }

  /**
   * Locks the 8-byte number of the located key, made as 0 when absent, expired or of another length, and returns its
   * first word. The caller changes it and calls `closeNumber`. Throws internal_error when that cannot be done.
   */
  openNumber(bucket: number): number {
    for (;;) {
      if (!this.heap.lock(bucket)) throw this.#noRoom();
      const entry = this.table.find(bucket, this.#wanted);
      if (entry !== 0 && this.#isNumber(entry)) {
        this.table.markWriting(bucket, entry);
        this.#number = entry;
        return this.table.valueAt(entry) >> 2;
      }
      this.heap.unlock(bucket);
      this.#makeNumber(bucket);
    }
  }

  /** Ends what `openNumber` began. `changed` gives the entry a new cas. */
  closeNumber(bucket: number, changed: boolean): void {
    if (changed) this.table.stamp(this.#number);
    else this.table.touch(this.#number);
    this.table.markWriting(bucket, 0);
    this.heap.unlock(bucket);
  }

  /** Evicts until the namespace is inside its caps. */
  makeRoom(space: number, caps: { readonly keys: number; readonly bytes: number }): void {
    while (this.spaces.isOver(space, caps.keys, caps.bytes)) {
      if (!evictOne(this.table, this.spaces, space, this.#clock.nowMs())) return;
    }
  }

  /** See SharedData.freeLocksOf. */
  freeLocksOf(threadId: number): number {
    let freed = this.heap.freeLocksOf(threadId) + this.spaces.freeLocksOf(threadId);
    for (let index = 0; index < BUCKETS; index++) {
      const bucket = this.table.bucketAt(index);
      if (!this.heap.seize(bucket, threadId)) continue;
      this.heap.sync();
      const torn = this.table.writing(bucket);
      this.table.markWriting(bucket, 0);
      this.#giveUp(bucket, torn !== 0 && this.table.seek(bucket, torn) ? torn : 0);
      freed++;
    }
    return freed;
  }

  /** Makes the number 0 unless another thread was faster. */
  #makeNumber(bucket: number): void {
    const fresh = this.#prepare({ value: ZERO, cas: 0, expiry: 0, nowMs: undefined });
    if (fresh === 0 || !this.heap.lock(bucket)) throw this.#noRoom();
    const entry = this.table.find(bucket, this.#wanted);
    const late = entry !== 0 && this.#isNumber(entry);
    if (!late) this.#link(bucket, entry, fresh);
    this.heap.unlock(bucket);
    this.heap.free(late ? fresh : entry);
  }

  #noRoom(): SluiceError {
    this.spaces.countRejected(this.#wanted.space);
    return new SluiceError("internal_error", `shared data has no memory, or a stuck lock, for "${this.#wanted.key}"`);
  }

  #isNumber(entry: number): boolean {
    return this.table.valueLength(entry) === 8 && !this.#isExpired(entry, undefined);
  }

  #isExpired(entry: number, nowMs: number | undefined): boolean {
    const expiry = this.table.expiry(entry);
    return expiry !== 0 && expiry <= (nowMs ?? this.#clock.nowMs());
  }

  /** Drops the entry found last, if any, and unlocks. */
  #giveUp(bucket: number, entry: number): undefined {
    if (entry !== 0) detach(this.table, this.spaces, entry);
    this.heap.unlock(bucket);
    this.heap.free(entry);
  }

  #done(unused: number, result: SetStatus): SetStatus {
    this.heap.free(unused);
    return result;
  }

  /** A private entry with everything but its stamp; 0 when there is no memory. */
  #prepare(request: WriteRequest): number {
    const { value, expiry } = request;
    for (let tries = 0; ; tries++) {
      const entry = this.table.create(this.#wanted, value.length);
      if (entry !== 0) {
        this.heap.bytes.set(value, this.table.valueAt(entry));
        this.table.setExpiry(entry, expiry);
        return entry;
      }
      const { space } = this.#wanted;
      if (tries === MEMORY_TRIES || !evictOne(this.table, this.spaces, space, this.#clock.nowMs())) return 0;
    }
  }

  #link(bucket: number, old: number, fresh: number): void {
    const { space, key } = this.#wanted;
    this.table.stamp(fresh);
    if (old === 0) {
      this.table.insert(bucket, fresh);
      this.spaces.account(space, 1, key.length + this.table.valueLength(fresh));
      return;
    }
    const grown = this.table.valueLength(fresh) - this.table.valueLength(old);
    if (grown < 0) this.spaces.account(space, 0, grown);
    this.table.replace(old, fresh);
    if (grown > 0) this.spaces.account(space, 0, grown);
  }

  #overwrite(bucket: number, entry: number, request: WriteRequest): void {
    const { value, expiry } = request;
    this.table.markWriting(bucket, entry);
    const at = this.table.valueAt(entry);
    const { bytes } = this.heap;
    // Short values are the rule and quicker by hand; of long ones a byte at a time would cost 3 ns each.
    if (value.length > 64) bytes.set(value, at);
    else for (let index = 0; index < value.length; index++) bytes[at + index] = value[index] ?? 0;
    const grown = value.length - this.table.valueLength(entry);
    if (grown < 0) this.spaces.account(this.#wanted.space, 0, grown);
    this.table.setValueLength(entry, value.length);
    if (grown > 0) this.spaces.account(this.#wanted.space, 0, grown);
    this.table.setExpiry(entry, expiry);
    this.table.stamp(entry);
    this.table.markWriting(bucket, 0);
  }

  /** By words, since a view for `set` would be an allocation under the lock. */
  #copyOut(entry: number, length: number): void {
    const { words } = this.heap;
    const from = this.table.valueAt(entry) >> 2;
    const count = (length + 3) >> 2;
    for (let at = 0; at < count; at++) this.#scratch[at] = words[from + at] ?? 0;
    this.table.touch(entry);
  }

  #take(length: number): Buffer {
    const value = Buffer.allocUnsafe(length);
    if (length > 64) value.set(this.#scratchBytes.subarray(0, length));
    else for (let at = 0; at < length; at++) value[at] = this.#scratchBytes[at] ?? 0;
    return value;
  }
}
