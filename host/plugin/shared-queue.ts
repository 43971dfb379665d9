// Shared queues (abi.md 5.6): first in, first out, filled and drained by filters on any thread. An item is a block of the
// shared heap in a list; only pointers change under the queue's lock. Who is told of a new item is the last registrant's
// thread; telling it is the caller's business.
import * as status from "../../sdk/assembly/abi/status.ts";
import type { Status } from "../abi/status.ts";
import type { SharedQueues as QueueService } from "./services.ts";
import { BLOCK_HEAD, createHeap, FIXED_AT, type HeapHandle, SharedHeap } from "./shared-heap.ts";

/** Structured-cloneable; a clone is the same queues. */
export type SharedQueuesHandle = HeapHandle;

/** Of one queue (abi.md 14); over them, `enqueue` answers INTERNAL_FAILURE. */
export const QUEUE_CAPS = { items: 10_000, bytes: 16 << 20 } as const;

const MAX_QUEUES = 1024;
const LOCK = FIXED_AT / 4;
const COUNT = LOCK + 1;
const RECORDS = LOCK + 2;
const RECORD_WORDS = 8;
/** Fields of a record; its lock is word 0. */
const NAME = 1;
const HEAD = 2;
const TAIL = 3;
const ITEMS = 4;
const BYTES = 5;
const OWNER = 6;
const LENGTH_BYTES = 4;

/** Makes the queues of the process. `maxBytes` over all of them, default 128 MiB of address space. */
export function createSharedQueues(options: { readonly maxBytes?: number } = {}): SharedQueuesHandle {
  const fixedBytes = (2 + MAX_QUEUES * RECORD_WORDS) * 4;
  return createHeap({ fixedBytes, initialBytes: 64 << 10, maxBytes: options.maxBytes ?? 128 << 20 });
}

/** One thread's access. */
export class SharedQueues implements QueueService {
  readonly #heap: SharedHeap;
  readonly #threadId: number;
  readonly #ready: (id: number, owner: number) => void;
  readonly #known = new Map<string, number>();
  /** Queues whose names are in `#known`: ids 1 to this. */
  #read = 0;

  /** @param ready called after each item put in, with the queue's id and the thread that registered it last */
  constructor(handle: SharedQueuesHandle, threadId: number, ready: (id: number, owner: number) => void = () => {}) {
    this.#heap = new SharedHeap(handle, threadId);
    this.#threadId = threadId;
    this.#ready = ready;
  }

  /** Opens or makes a queue and becomes the one that is told; items stay. 0 when there are 1024 queues or no memory. */
  register(namespace: string, name: string): number {
    const id = this.resolve(namespace, name) || this.#create(`${namespace}\0${name}`);
    if (id !== 0) Atomics.store(this.#heap.words, recordOf(id) + OWNER, this.#threadId);
    return id;
  }

  /** The id, the same on all threads and never 0; 0 when nobody registered it. */
  resolve(namespace: string, name: string): number {
    const full = `${namespace}\0${name}`;
    const known = this.#known.get(full);
    if (known !== undefined) return known;
    const count = Atomics.load(this.#heap.words, COUNT);
    this.#heap.sync();
    return this.#search(full, count);
  }

  /** OK, NOT_FOUND, or INTERNAL_FAILURE when the queue is full or the memory used up. */
  enqueue(id: number, value: Uint8Array): Status {
    if (!this.#exists(id)) return status.NOT_FOUND;
    const block = this.#write(value);
    const at = recordOf(id);
    if (block === 0 || !this.#heap.lock(at)) return this.#refuse(block);
    const words = this.#heap.words;
    const full =
      (words[at + ITEMS] ?? 0) >= QUEUE_CAPS.items || (words[at + BYTES] ?? 0) + value.length > QUEUE_CAPS.bytes;
    if (!full) this.#append(at, block, value.length);
    this.#heap.unlock(at);
    if (full) return this.#refuse(block);
    this.#ready(id, Atomics.load(this.#heap.words, at + OWNER));
    return status.OK;
  }

  /** The oldest item, NOT_FOUND or EMPTY. */
  dequeue(id: number): Buffer | Status {
    if (!this.#exists(id)) return status.NOT_FOUND;
    const at = recordOf(id);
    if (!this.#heap.lock(at)) return status.INTERNAL_FAILURE;
    const block = this.#takeFirst(at);
    this.#heap.unlock(at);
    if (block === 0) return status.EMPTY;
    const from = block + BLOCK_HEAD + LENGTH_BYTES;
    const value = Buffer.from(this.#heap.bytes.subarray(from, from + this.#lengthOf(block)));
    this.#heap.free(block);
    return value;
  }

  /** Ids of a namespace's queues. */
  idsOf(namespace: string): readonly number[] {
    // Names that this thread has not read yet are read by a search that finds none of them.
    this.resolve(namespace, "\0");
    return [...this.#known].flatMap(([full, id]) => (full.startsWith(`${namespace}\0`) ? [id] : []));
  }

  /** Empties a namespace; its queues stay, as their ids do in whoever knows them. */
  drop(namespace: string): void {
    for (const id of this.idsOf(namespace))
      for (let left: number = QUEUE_CAPS.items; left > 0 && typeof this.dequeue(id) !== "number"; left--);
  }

  /** Items and bytes waiting; zeros for an unknown id. */
  stats(id: number): { readonly items: number; readonly bytes: number } {
    if (!this.#exists(id)) return { items: 0, bytes: 0 };
    const read = (field: number): number => Atomics.load(this.#heap.words, recordOf(id) + field);
    return { items: read(ITEMS), bytes: read(BYTES) };
  }

  /** See SharedData.freeLocksOf; a list caught in the middle of a change is counted anew from its head. */
  freeLocksOf(threadId: number): number {
    let freed = this.#heap.freeLocksOf(threadId);
    const count = Atomics.load(this.#heap.words, COUNT);
    for (let id = 1; id <= count; id++) {
      if (!this.#heap.seize(recordOf(id), threadId)) continue;
      this.#heap.sync();
      this.#recount(recordOf(id));
      this.#heap.unlock(recordOf(id));
      freed++;
    }
    if (!this.#heap.seize(LOCK, threadId)) return freed;
    this.#heap.unlock(LOCK);
    return freed + 1;
  }

  #exists(id: number): boolean {
    return Number.isInteger(id) && id > 0 && id <= Atomics.load(this.#heap.words, COUNT);
  }

  #append(at: number, block: number, length: number): void {
    const words = this.#heap.words;
    const tail = words[at + TAIL] ?? 0;
    words[tail === 0 ? at + HEAD : tail >> 2] = block;
    words[at + TAIL] = block;
    words[at + ITEMS] = (words[at + ITEMS] ?? 0) + 1;
    words[at + BYTES] = (words[at + BYTES] ?? 0) + length;
  }

  #takeFirst(at: number): number {
    const words = this.#heap.words;
    const block = words[at + HEAD] ?? 0;
    if (block === 0) return 0;
    const next = words[block >> 2] ?? 0;
    words[at + HEAD] = next;
    if (next === 0) words[at + TAIL] = 0;
    words[at + ITEMS] = (words[at + ITEMS] ?? 0) - 1;
    words[at + BYTES] = (words[at + BYTES] ?? 0) - this.#lengthOf(block);
    return block;
  }

  #recount(at: number): void {
    const words = this.#heap.words;
    let tail = 0;
    let items = 0;
    let bytes = 0;
    for (let block = words[at + HEAD] ?? 0; block !== 0; block = words[block >> 2] ?? 0) {
      tail = block;
      items++;
      bytes += this.#lengthOf(block);
    }
    words[at + TAIL] = tail;
    words[at + ITEMS] = items;
    words[at + BYTES] = bytes;
  }

  #lengthOf(block: number): number {
    return this.#heap.words[(block + BLOCK_HEAD) >> 2] ?? 0;
  }

  #refuse(block: number): Status {
    this.#heap.free(block);
    return status.INTERNAL_FAILURE;
  }

  /** A block of its own: no link yet, length, bytes. */
  #write(value: Uint8Array): number {
    const block = this.#heap.alloc(LENGTH_BYTES + value.length);
    if (block === 0) return 0;
    this.#heap.words[block >> 2] = 0;
    this.#heap.words[(block + BLOCK_HEAD) >> 2] = value.length;
    this.#heap.bytes.set(value, block + BLOCK_HEAD + LENGTH_BYTES);
    return block;
  }

  #create(full: string): number {
    const block = this.#write(Buffer.from(full, "utf16le"));
    if (block === 0 || !this.#heap.lock(LOCK)) return 0;
    const words = this.#heap.words;
    const count = words[COUNT] ?? 0;
    const found = this.#search(full, count);
    if (found === 0 && count < MAX_QUEUES) {
      words[recordOf(count + 1) + NAME] = block;
      // The commit: a record half written does not exist.
      Atomics.store(words, COUNT, count + 1);
    }
    this.#heap.unlock(LOCK);
    const created = found === 0 && count < MAX_QUEUES;
    if (!created) this.#heap.free(block);
    return created ? count + 1 : found;
  }

  #search(full: string, count: number): number {
    // Names are never changed or taken away, so each is read once.
    while (this.#read < count) {
      const id = ++this.#read;
      const block = this.#heap.words[recordOf(id) + NAME] ?? 0;
      const from = block + BLOCK_HEAD + LENGTH_BYTES;
      const name = this.#heap.bytes.toString("utf16le", from, from + this.#lengthOf(block));
      this.#known.set(name, id);
    }
    return this.#known.get(full) ?? 0;
  }
}

function recordOf(id: number): number {
  return RECORDS + (id - 1) * RECORD_WORDS;
}
