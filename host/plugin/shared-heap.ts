// Memory that all data threads share: one growable SharedArrayBuffer, blocks in size classes, and locks that name their
// owner. The stores of this room (shared data, queues, metric names) are built on it; nothing above the room sees it.
//
//   0      64          fixed                    top            byteLength      maxByteLength
//   | head | classes   | the store's own tables | blocks ...   | free to bump  | reserved, not yet memory
//
// A thread may be terminated between any two statements. So every change of a list is committed by one store: whoever
// finds a dead thread's lock finds a list from before or after the change, never one in between. At worst the block that
// the dead thread had in its hands is lost, never a lock and never the list.

/** What crosses to another thread: structured-cloneable, and the clone is the same memory. */
export interface HeapHandle {
  readonly memory: SharedArrayBuffer;
}

export interface HeapOptions {
  /** Bytes of the store's own tables, multiple of 8. */
  readonly fixedBytes: number;
  /** Bytes at birth. */
  readonly initialBytes: number;
  /** Reserved address space; becomes memory only as it is used. At most 1 GiB. */
  readonly maxBytes: number;
}

const TOP = 0;
const CLASSES_AT = 16;
const CLASS_COUNT = 61;
/** First byte of the store's own tables. */
export const FIXED_AT = (CLASSES_AT + CLASS_COUNT * 2 + 2) * 4;
/** Head words 1 to 15 belong to the store. */
export const HEAD_WORDS = { first: 1, last: 15 } as const;
/** Bytes before a block's payload: link (free list, or the owner's chain) and size class. */
export const BLOCK_HEAD = 8;
/** Largest payload. */
export const MAX_BLOCK = (1 << 21) - BLOCK_HEAD;

const GROW_STEP = 1 << 20;
const SPINS = 200;
const WAIT_MS = 1;
/** After so many waits the lock is given up: its owner is dead and the main thread, which frees it, is busy or waiting too. */
const MAX_WAITS = 1000;

/** Four classes per doubling from 64 bytes: at most a quarter of a block is wasted. */
export function sizeClass(bytes: number): number {
  if (bytes <= 64) return 0;
  const exponent = 31 - Math.clz32(bytes - 1);
  return (exponent - 6) * 4 + (((bytes - 1) >>> (exponent - 2)) & 3) + 1;
}

/** Bytes of a block of class `index`. */
export function classBytes(index: number): number {
  if (index === 0) return 64;
  const exponent = 6 + ((index - 1) >> 2);
  return (1 << exponent) + (((index - 1) & 3) + 1) * (1 << (exponent - 2));
}

/** Reserves `maxBytes` of address space and lays out an empty heap. */
export function createHeap(options: HeapOptions): HeapHandle {
  const floor = FIXED_AT + options.fixedBytes;
  const initial = Math.max(options.initialBytes, floor);
  const max = Math.min(Math.max(options.maxBytes, initial), 1 << 30);
  const memory = new SharedArrayBuffer(initial, { maxByteLength: max });
  new Int32Array(memory, 0, 1)[TOP] = (floor + 15) & ~15;
  return { memory };
}

/** One thread's view of a heap. Offsets are bytes from the start; 0 means none. */
export class SharedHeap {
  readonly #memory: SharedArrayBuffer;
  readonly #owner: number;
  #limit = 0;
  /** Views of fixed length: a length-tracking view reads 19 ns per element where these take under 1 (Node 26). */
  words: Int32Array = new Int32Array(0);
  bytes: Buffer = Buffer.alloc(0);

  constructor(handle: HeapHandle, threadId: number) {
    this.#memory = handle.memory;
    this.#owner = threadId + 1;
    this.#refresh();
  }

  /**
   * Takes the lock at word `at`. Spins 200 times, then sleeps at most 1 ms at a time; false after about a second. Until
   * `unlock` the caller must not call out and should not allocate. Blocks linked by others are inside the views then.
   */
  lock(at: number): boolean {
    for (;;) {
      if (Atomics.compareExchange(this.words, at, 0, this.#owner) !== 0 && !this.#wait(at)) return false;
      if ((this.words[TOP] ?? 0) <= this.#limit) return true;
      this.unlock(at);
      this.#refresh();
    }
  }

  /** Makes what others allocated visible without taking a lock. */
  sync(): void {
    if (Atomics.load(this.words, TOP) > this.#limit) this.#refresh();
  }

  unlock(at: number): void {
    Atomics.store(this.words, at, 0);
  }

  /** A block with room for `bytes` of payload, or 0 when the memory is used up. Takes a lock: hold none. */
  alloc(bytes: number): number {
    const index = sizeClass(bytes + BLOCK_HEAD);
    const at = CLASSES_AT + index * 2;
    if (bytes > MAX_BLOCK || !this.lock(at)) return 0;
    const block = this.words[at + 1] ?? 0;
    if (block !== 0) this.words[at + 1] = this.words[block >> 2] ?? 0;
    this.unlock(at);
    return block === 0 ? this.#bump(index) : block;
  }

  /** Gives a block back to its class; blocks are neither split nor merged. Takes a lock: hold none. */
  free(block: number): void {
    if (block === 0) return;
    const at = CLASSES_AT + (this.words[(block >> 2) + 1] ?? 0) * 2;
    if (!this.lock(at)) return;
    this.words[block >> 2] = this.words[at + 1] ?? 0;
    this.words[at + 1] = block;
    this.unlock(at);
  }

  /** Bytes of payload a block can hold. */
  capacity(block: number): number {
    return classBytes(this.words[(block >> 2) + 1] ?? 0) - BLOCK_HEAD;
  }

  /** Frees the allocator's locks of a thread that is dead; its lists need no repair (see the file's head). */
  freeLocksOf(threadId: number): number {
    let freed = 0;
    for (let index = 0; index < CLASS_COUNT; index++) {
      if (this.#release(CLASSES_AT + index * 2, threadId)) freed++;
    }
    return freed;
  }

  /** Whether a dead thread holds the lock; if so it becomes the caller's, who repairs and unlocks. */
  seize(at: number, threadId: number): boolean {
    const dead = threadId + 1;
    return Atomics.compareExchange(this.words, at, dead, this.#owner) === dead;
  }

  #release(at: number, threadId: number): boolean {
    const held = this.seize(at, threadId);
    if (held) this.unlock(at);
    return held;
  }

  #bump(index: number): number {
    const size = classBytes(index);
    for (;;) {
      const top = Atomics.load(this.words, TOP);
      if (top + size > this.#memory.maxByteLength || !this.#reach(top + size)) return 0;
      if (Atomics.compareExchange(this.words, TOP, top, top + size) !== top) continue;
      if (top + size > this.#limit) this.#refresh();
      this.words[(top >> 2) + 1] = index;
      return top;
    }
  }

  /** Growing only adds memory behind what readers see: nothing is copied, no view becomes invalid. */
  #reach(end: number): boolean {
    while (this.#memory.byteLength < end) {
      const next = Math.min(Math.max(end, this.#memory.byteLength + GROW_STEP), this.#memory.maxByteLength);
      try {
        this.#memory.grow(next);
      } catch {
        // Either another thread has just grown it further, which the loop sees, or the system refuses.
        if (this.#memory.byteLength < end) return false;
      }
    }
    return true;
  }

  #refresh(): void {
    this.#limit = this.#memory.byteLength & ~7;
    this.words = new Int32Array(this.#memory, 0, this.#limit / 4);
    this.bytes = Buffer.from(this.#memory, 0, this.#limit);
  }

  #wait(at: number): boolean {
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.compareExchange(this.words, at, 0, this.#owner) === 0) return true;
    }
    for (let waits = 0; waits < MAX_WAITS; waits++) {
      const seen = Atomics.load(this.words, at);
      if (seen !== 0) Atomics.wait(this.words, at, seen, WAIT_MS);
      if (Atomics.compareExchange(this.words, at, 0, this.#owner) === 0) return true;
    }
    return false;
  }
}
