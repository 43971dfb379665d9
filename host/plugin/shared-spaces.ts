// The namespaces of shared data: one record per vm_id with its counters, found by name once per thread and by number
// afterwards. A name, once known, keeps its record for the life of the process.
import { BLOCK_HEAD, type SharedHeap } from "./shared-heap.ts";
import { TABLE_END } from "./shared-table.ts";

/** Each version of an experiment's arm may have its own namespace, so: many more than there are filters. */
export const MAX_SPACES = 1024;
const RECORD_WORDS = 8;
/** Words of the namespace part of the store's own tables. */
export const SPACES_WORDS = 2 + MAX_SPACES * RECORD_WORDS;

const LOCK = TABLE_END;
const COUNT = TABLE_END + 1;
const RECORDS = TABLE_END + 2;
const NAME = 0;
const KEYS = 1;
const BYTES = 2;
const EVICTED = 3;
const REJECTED = 4;
const HAND = 5;

/** `keys` and `bytes` are what is stored now; the others only grow. */
export interface SpaceStats {
  readonly keys: number;
  /** Keys and values, without overhead. */
  readonly bytes: number;
  /** Entries removed to make room (`shared_data_evicted_total`). */
  readonly evicted: number;
  /** Writes refused: key or value too long, no memory (`shared_data_rejected_total`). */
  readonly rejected: number;
}

export class SharedSpaces {
  readonly #heap: SharedHeap;
  readonly #known = new Map<string, number>();

  constructor(heap: SharedHeap) {
    this.#heap = heap;
  }

  /** The record's number, or -1 when nobody has written there yet. */
  find(name: string): number {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const count = Atomics.load(this.#heap.words, COUNT);
    this.#heap.sync();
    return this.#search(name, count);
  }

  /** The record's number, made when absent; -1 when there are MAX_SPACES already or no memory. */
  open(name: string): number {
    const found = this.find(name);
    if (found >= 0) return found;
    const block = this.#write(name);
    if (block === 0 || !this.#heap.lock(LOCK)) return -1;
    const index = this.#commit(name, block);
    this.#heap.unlock(LOCK);
    if (index < 0 || this.#word(index, NAME) !== block) this.#heap.free(block);
    return index;
  }

  /** The commit is the store of the count: a record half written does not exist. */
  #commit(name: string, block: number): number {
    const words = this.#heap.words;
    const count = words[COUNT] ?? 0;
    const found = this.#search(name, count);
    if (found >= 0 || count === MAX_SPACES) return found;
    words[RECORDS + count * RECORD_WORDS + NAME] = block;
    Atomics.store(words, COUNT, count + 1);
    return count;
  }

  #write(name: string): number {
    const block = this.#heap.alloc(4 + name.length * 2);
    if (block === 0) return 0;
    this.#heap.words[(block + BLOCK_HEAD) >> 2] = name.length;
    this.#heap.bytes.write(name, block + BLOCK_HEAD + 4, "utf16le");
    return block;
  }

  #search(name: string, count: number): number {
    for (let index = 0; index < count; index++) {
      if (this.#nameOf(index) !== name) continue;
      this.#known.set(name, index);
      return index;
    }
    return -1;
  }

  #nameOf(index: number): string {
    const from = this.#word(index, NAME) + BLOCK_HEAD;
    const length = this.#heap.words[from >> 2] ?? 0;
    return this.#heap.bytes.toString("utf16le", from + 4, from + 4 + length * 2);
  }

  #word(index: number, field: number): number {
    return this.#heap.words[RECORDS + index * RECORD_WORDS + field] ?? 0;
  }

  #add(index: number, field: number, delta: number): void {
    Atomics.add(this.#heap.words, RECORDS + index * RECORD_WORDS + field, delta);
  }

  /** Counts an entry in or out. Out before the unlink, in after the link: a dying thread leaves the count too low, never
   * so high that a namespace seems full for ever. */
  account(index: number, keys: number, bytes: number): void {
    if (keys !== 0) this.#add(index, KEYS, keys);
    if (bytes !== 0) this.#add(index, BYTES, bytes);
  }

  countEvicted(index: number): void {
    this.#add(index, EVICTED, 1);
  }

  countRejected(index: number): void {
    this.#add(index, REJECTED, 1);
  }

  /** Where the next search for a victim begins. */
  hand(index: number): number {
    return this.#word(index, HAND);
  }

  setHand(index: number, bucket: number): void {
    this.#heap.words[RECORDS + index * RECORD_WORDS + HAND] = bucket;
  }

  isOver(index: number, maxKeys: number, maxBytes: number): boolean {
    return this.#word(index, KEYS) > maxKeys || this.#word(index, BYTES) > maxBytes;
  }

  stats(name: string): SpaceStats {
    const index = this.find(name);
    if (index < 0) return { keys: 0, bytes: 0, evicted: 0, rejected: 0 };
    const read = (field: number): number =>
      Math.max(0, Atomics.load(this.#heap.words, RECORDS + index * RECORD_WORDS + field));
    return { keys: read(KEYS), bytes: read(BYTES), evicted: read(EVICTED), rejected: read(REJECTED) };
  }

  freeLocksOf(threadId: number): number {
    if (!this.#heap.seize(LOCK, threadId)) return 0;
    this.#heap.unlock(LOCK);
    return 1;
  }
}
