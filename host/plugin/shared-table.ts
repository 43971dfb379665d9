// The hash map under shared data: fixed buckets with one lock each, chains of entries on the shared heap. Callers lock a
// bucket, look, change, unlock; what the chain lets go of is freed after unlocking.
//
//   bucket   lock | head | being written | -
//   entry    link | class | hash | namespace | cas | key length | value length | last use | expiry (f64) | key.. | value..
import { BLOCK_HEAD, FIXED_AT, type SharedHeap } from "./shared-heap.ts";

/** Fixed, so that no reader ever meets a table being rebuilt; ten full namespaces make chains of six. */
export const BUCKETS = 16_384;
const BUCKETS_AT = FIXED_AT / 4;
const BUCKET_WORDS = 4;
/** First word after the buckets. */
export const TABLE_END = BUCKETS_AT + BUCKETS * BUCKET_WORDS;
/** Head words of the heap: the counter all writes draw from, and the seed of the hash. */
const CAS_WORD = 1;
const SEED_WORD = 2;

const HASH = 2;
const SPACE = 3;
const CAS = 4;
const KEY_LENGTH = 5;
const VALUE_LENGTH = 6;
const LAST_USE = 7;
const EXPIRY = 8;
const KEY_AT = BLOCK_HEAD + 32;

/** Bytes of payload an entry needs. The value starts on a multiple of 8, so that numbers are words. */
export const entryBytes = (keyLength: number, valueLength: number): number =>
  KEY_AT - BLOCK_HEAD + ((keyLength + 7) & ~7) + valueLength;

/** What identifies an entry; computed before the lock is taken. */
export interface EntryKey {
  readonly space: number;
  readonly key: string;
  readonly hash: number;
}

const expiryBits = new Float64Array(1);
const expiryWords = new Int32Array(expiryBits.buffer);

export class SharedTable {
  readonly heap: SharedHeap;
  /** Word that points to the entry `find` returned last; `unlink` and `replace` write it. */
  #link = 0;

  constructor(heap: SharedHeap) {
    this.heap = heap;
  }

  /** The seed is random per store: keys come from requests, and who knows the hash can fill one chain. */
  static seed(words: Int32Array, seed: number): void {
    words[SEED_WORD] = seed;
  }

  hash(space: number, key: string): number {
    let hash = (this.heap.words[SEED_WORD] ?? 0) ^ Math.imul(space + 1, 0x9e3779b1);
    for (let at = 0; at < key.length; at++) {
      hash = Math.imul(hash ^ key.charCodeAt(at), 0x5bd1e995);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  /** Word of the lock of the bucket of `hash`. */
  bucketOf(hash: number): number {
    return this.bucketAt((hash ^ (hash >>> 14)) & (BUCKETS - 1));
  }

  /** Word of the lock of bucket `index`, 0 to BUCKETS - 1. */
  bucketAt(index: number): number {
    return BUCKETS_AT + index * BUCKET_WORDS;
  }

  /** First entry of a bucket; without the lock good for "is it empty" only. */
  first(bucket: number): number {
    return this.heap.words[bucket + 1] ?? 0;
  }

  next(entry: number): number {
    return this.heap.words[entry >> 2] ?? 0;
  }

  /** The entry, or 0. Lock held. */
  find(bucket: number, wanted: EntryKey): number {
    const words = this.heap.words;
    let link = bucket + 1;
    for (let entry = words[link] ?? 0; entry !== 0; entry = words[link] ?? 0) {
      const at = entry >> 2;
      if (words[at + HASH] === wanted.hash && words[at + SPACE] === wanted.space && this.#isKey(entry, wanted.key)) {
        this.#link = link;
        return entry;
      }
      link = at;
    }
    return 0;
  }

  /** Makes `entry` the one that `unlink` removes. Lock held. False when it is no longer in the chain. */
  seek(bucket: number, entry: number): boolean {
    let link = bucket + 1;
    for (let other = this.heap.words[link] ?? 0; other !== 0; other = this.heap.words[link] ?? 0) {
      if (other === entry) {
        this.#link = link;
        return true;
      }
      link = other >> 2;
    }
    return false;
  }

  /** A private entry with its key written; 0 when there is no memory. Hold no lock. */
  create(wanted: EntryKey, valueLength: number): number {
    const entry = this.heap.alloc(entryBytes(wanted.key.length, valueLength));
    if (entry === 0) return 0;
    const words = this.heap.words;
    const at = entry >> 2;
    words[at + HASH] = wanted.hash;
    words[at + SPACE] = wanted.space;
    words[at + KEY_LENGTH] = wanted.key.length;
    words[at + VALUE_LENGTH] = valueLength;
    this.heap.bytes.latin1Write(wanted.key, entry + KEY_AT);
    return entry;
  }

  /** Puts a private entry first into the chain. Lock held. */
  insert(bucket: number, entry: number): void {
    this.heap.words[entry >> 2] = this.first(bucket);
    this.heap.words[bucket + 1] = entry;
  }

  /** Puts a private entry in the place of the one found last. Lock held. */
  replace(old: number, entry: number): void {
    this.heap.words[entry >> 2] = this.next(old);
    this.heap.words[this.#link] = entry;
  }

  /** Takes the entry found last out of its chain; the caller frees it after unlocking. Lock held. */
  unlink(entry: number): void {
    this.heap.words[this.#link] = this.next(entry);
  }

  /** Marks the entry whose bytes are about to change (0: none), for who finds the lock of a dead thread. Lock held. */
  markWriting(bucket: number, entry: number): void {
    this.heap.words[bucket + 2] = entry;
  }

  writing(bucket: number): number {
    return this.heap.words[bucket + 2] ?? 0;
  }

  /** Stamps a write: the next value of the store's counter, which skips 0 (abi.md 5.6), and the use. */
  stamp(entry: number): void {
    const words = this.heap.words;
    let cas = Atomics.add(words, CAS_WORD, 1) + 1;
    if ((cas | 0) === 0) cas = Atomics.add(words, CAS_WORD, 1) + 1;
    words[(entry >> 2) + CAS] = cas;
    words[(entry >> 2) + LAST_USE] = cas;
  }

  /** Marks a read. The clock of use is the write counter: reads between two writes count as one. */
  touch(entry: number): void {
    this.heap.words[(entry >> 2) + LAST_USE] = this.heap.words[CAS_WORD] ?? 0;
  }

  /** Writes since the entry was last used. */
  age(entry: number): number {
    return ((this.heap.words[CAS_WORD] ?? 0) - (this.heap.words[(entry >> 2) + LAST_USE] ?? 0)) >>> 0;
  }

  cas(entry: number): number {
    return (this.heap.words[(entry >> 2) + CAS] ?? 0) >>> 0;
  }

  space(entry: number): number {
    return this.heap.words[(entry >> 2) + SPACE] ?? 0;
  }

  keyLength(entry: number): number {
    return this.heap.words[(entry >> 2) + KEY_LENGTH] ?? 0;
  }

  valueLength(entry: number): number {
    return this.heap.words[(entry >> 2) + VALUE_LENGTH] ?? 0;
  }

  setValueLength(entry: number, length: number): void {
    this.heap.words[(entry >> 2) + VALUE_LENGTH] = length;
  }

  /** Milliseconds since the epoch, 0 = never. Two word moves: a Float64Array view would be one more to keep fresh. */
  expiry(entry: number): number {
    const at = (entry >> 2) + EXPIRY;
    if (this.heap.words[at + 1] === 0) return 0;
    expiryWords[0] = this.heap.words[at] ?? 0;
    expiryWords[1] = this.heap.words[at + 1] ?? 0;
    return expiryBits[0] ?? 0;
  }

  setExpiry(entry: number, atMs: number): void {
    const at = (entry >> 2) + EXPIRY;
    expiryBits[0] = atMs;
    this.heap.words[at] = expiryWords[0] ?? 0;
    this.heap.words[at + 1] = expiryWords[1] ?? 0;
  }

  /** First byte of the key. */
  keyAt(entry: number): number {
    return entry + KEY_AT;
  }

  /** First byte of the value, a multiple of 8. */
  valueAt(entry: number): number {
    return entry + KEY_AT + ((this.keyLength(entry) + 7) & ~7);
  }

  /** Whether a value of `length` bytes fits where the entry is. */
  fits(entry: number, length: number): boolean {
    return entryBytes(this.keyLength(entry), length) <= this.heap.capacity(entry);
  }

  #isKey(entry: number, key: string): boolean {
    const { words, bytes } = this.heap;
    if (words[(entry >> 2) + KEY_LENGTH] !== key.length) return false;
    for (let at = 0, from = entry + KEY_AT; at < key.length; at++) {
      if (bytes[from + at] !== key.charCodeAt(at)) return false;
    }
    return true;
  }
}
