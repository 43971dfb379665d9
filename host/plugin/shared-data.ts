// Shared data of all filters: a key-value store over SharedArrayBuffer, one for the process, used by every thread through
// its own SharedData. What proxy_get/set_shared_data (abi.md 5.6) and the `sluice.kv_*`, `counter_add` and `gcra` foreign
// functions stand on. Compare-and-set is one step for all threads; nothing here waits longer than a bucket's lock.
// See RATIONALE: "Why is shared data not a Map with messages?"
import * as status from "../../sdk/assembly/abi/status.ts";
import { SluiceError } from "../base/errors.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { type Random, systemRandom } from "../base/random.ts";
import { type GcraParams, type GcraResult, gcraResult, planGcra, stepGcra } from "./gcra.ts";
import type { SharedState } from "./services.ts";
import { dropSpace, listKeys } from "./shared-evict.ts";
import { createHeap, FIXED_AT, type HeapHandle, SharedHeap } from "./shared-heap.ts";
import { SPACES_WORDS, type SpaceStats } from "./shared-spaces.ts";
import { type SetStatus, SharedStore, type WriteRequest } from "./shared-store.ts";
import { SharedTable, TABLE_END } from "./shared-table.ts";

/** Structured-cloneable; a clone is the same store. */
export type SharedDataHandle = HeapHandle;

/** Caps of one namespace (abi.md 14). Beyond keys or bytes the least recently used go; a longer key or value is refused. */
export const SHARED_DATA_CAPS = { keys: 10_000, bytes: 16 << 20, keyBytes: 1024, valueBytes: 1 << 20 } as const;

export interface SharedDataOptions {
  /** Bytes at birth. Default 1 MiB. */
  readonly initialBytes?: number;
  /** Address space over all namespaces, used as needed. Default 256 MiB, at most 1 GiB. */
  readonly maxBytes?: number;
  /** Seeds the hash. */
  readonly random?: Random;
}

/** Makes the store. Once per process, on the main thread; the handle goes to every other thread. */
export function createSharedData(options: SharedDataOptions = {}): SharedDataHandle {
  const handle = createHeap({
    fixedBytes: (TABLE_END + SPACES_WORDS) * 4 - FIXED_AT,
    initialBytes: options.initialBytes ?? 1 << 20,
    maxBytes: options.maxBytes ?? 256 << 20,
  });
  const seed = Math.floor((options.random ?? systemRandom).fraction() * 2 ** 32);
  SharedTable.seed(new Int32Array(handle.memory, 0, 16), seed | 0);
  return handle;
}

/** One thread's access. Keys are latin1 strings (one character per byte), namespaces are vm_ids. */
export class SharedData implements SharedState {
  readonly #store: SharedStore;
  readonly #clock: Clock;

  /** @param clock read only for entries with an expiry when no `nowMs` is given, and for evictions */
  constructor(handle: SharedDataHandle, threadId: number, clock: Clock = systemClock) {
    this.#store = new SharedStore(new SharedHeap(handle, threadId), clock);
    this.#clock = clock;
  }

  /** A copy of the value, or undefined when absent or expired. */
  get(ns: string, key: string, nowMs?: number): { value: Buffer; cas: number } | undefined {
    const space = this.#store.spaces.find(ns);
    return space < 0 ? undefined : this.#store.read(this.#store.locate(space, key), nowMs);
  }

  /**
   * Writes. `cas` 0 is unconditional; otherwise it must be the stored one, unless the key is absent (abi.md 5.6).
   * INTERNAL_FAILURE: key or value too long, no memory, or a lock that never came free.
   */
  // oxlint-disable-next-line max-params -- the five things a shared-data write is made of
  set(
    ns: string,
    key: string,
    value: Uint8Array,
    cas: number,
    options?: { ttlMs?: number; nowMs?: number; caps?: { keys: number; bytes: number } },
  ): SetStatus {
    const space = this.#store.spaces.open(ns);
    if (space < 0) return status.INTERNAL_FAILURE;
    const { keyBytes, valueBytes } = SHARED_DATA_CAPS;
    const result =
      key.length > keyBytes || value.length > valueBytes
        ? status.INTERNAL_FAILURE
        : this.#store.write(this.#store.locate(space, key), this.#request(value, cas, options));
    if (result === status.INTERNAL_FAILURE) this.#store.spaces.countRejected(space);
    if (result === status.OK) this.#store.makeRoom(space, options?.caps ?? SHARED_DATA_CAPS);
    return result;
  }

  /** Removes. OK when absent; `cas` as in `set`. */
  delete(ns: string, key: string, cas: number): SetStatus {
    const space = this.#store.spaces.find(ns);
    return space < 0 ? status.OK : this.#store.remove(this.#store.locate(space, key), cas);
  }

  /** Keys with the prefix, in no order, at most `limit` (default 1024). Walks the store: not for the hot path. */
  keys(ns: string, prefix: string, limit = 1024): { key: string; cas: number }[] {
    const space = this.#store.spaces.find(ns);
    return space < 0 ? [] : listKeys(this.#store.table, { space, prefix, limit, nowMs: this.#clock.nowMs() });
  }

  /**
   * Adds to a signed 64-bit value (wrapping, little-endian, absent = 0) and returns the sum. A value that is not 8 bytes
   * long counts as absent. Throws internal_error when there is no memory. In words, since a BigInt is an allocation.
   */
  add(ns: string, key: string, delta: bigint): bigint {
    const low = Number(BigInt.asUintN(32, delta));
    const high = Number(BigInt.asIntN(32, delta >> 32n));
    const { space, bucket } = this.#number(ns, key);
    const at = this.#store.openNumber(bucket);
    const { words } = this.#store.heap;
    const sum = ((words[at] ?? 0) >>> 0) + low;
    const top = ((words[at + 1] ?? 0) + high + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    words[at] = sum | 0;
    words[at + 1] = top;
    this.#store.closeNumber(bucket, true);
    this.#store.makeRoom(space, SHARED_DATA_CAPS);
    return (BigInt(top) << 32n) | BigInt(sum % 4_294_967_296);
  }

  /** Asks a rate limit and, when it allows, counts the event: one atomic step over all threads. Throws as `add`. */
  gcra(ns: string, key: string, p: GcraParams, nowNs: bigint): GcraResult {
    const plan = planGcra(p, nowNs);
    const { space, bucket } = this.#number(ns, key);
    const at = this.#store.openNumber(bucket);
    const ahead = stepGcra(this.#store.heap.words, at, plan);
    this.#store.closeNumber(bucket, ahead <= plan.toleranceNs);
    this.#store.makeRoom(space, SHARED_DATA_CAPS);
    return gcraResult(plan, ahead);
  }

  /** Zeros for a namespace nobody has written to. */
  stats(ns: string): SpaceStats {
    return this.#store.spaces.stats(ns);
  }

  /** Empties a namespace: the last VM of its vm_id is gone. */
  drop(ns: string): void {
    const space = this.#store.spaces.find(ns);
    if (space >= 0) dropSpace(this.#store.table, this.#store.spaces, space);
  }

  /**
   * For the main thread, after a thread has died (and only then): frees the locks it held and drops the entry it was
   * overwriting. Returns how many locks there were; terminating a thread that writes leaves one in most tries.
   */
  freeLocksOf(threadId: number): number {
    return this.#store.freeLocksOf(threadId);
  }

  #number(ns: string, key: string): { space: number; bucket: number } {
    const space = this.#store.spaces.open(ns);
    if (space >= 0 && key.length <= SHARED_DATA_CAPS.keyBytes) {
      return { space, bucket: this.#store.locate(space, key) };
    }
    throw new SluiceError("internal_error", `shared data of "${ns}" takes keys of at most 1024 bytes`);
  }

  #request(value: Uint8Array, cas: number, options?: { ttlMs?: number; nowMs?: number }): WriteRequest {
    const ttlMs = options?.ttlMs ?? 0;
    const nowMs = options?.nowMs;
    return { value, cas, nowMs, expiry: ttlMs > 0 ? (nowMs ?? this.#clock.nowMs()) + ttlMs : 0 };
  }
}
