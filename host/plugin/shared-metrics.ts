// Metrics that filters define (abi.md 5.7): one value per process, so that proxy_get_metric sees all threads. Counters and
// gauges are single 64-bit words changed atomically; histograms have a row per group of threads, added up by the reader.
// Defining takes a lock and searches; recording is one check and one or two atomic additions.
import * as metric from "../../sdk/assembly/abi/metric.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import { MAX_METRICS as MAX_METRICS_PER_SCOPE } from "../abi/limits.ts";
import type { Status } from "../abi/status.ts";
import { fnv1a32 } from "../base/hash.ts";
import type { HistogramValue, MetricSample } from "../observe/samples.ts";
import type { MetricStore } from "../vm/ports.ts";
import { parseMetricName, scopeLabels } from "./metric-name.ts";
import { BLOCK_HEAD, createHeap, FIXED_AT, type HeapHandle, SharedHeap } from "./shared-heap.ts";

/** Structured-cloneable; a clone is the same store. */
export type SharedMetricsHandle = HeapHandle;

/** Upper bounds of every histogram: Envoy's default ones (stats.proto), without 0.5, since values are whole numbers. */
const BOUNDS: readonly number[] = [
  1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000,
];

/** Over all scopes; index 0 stays unused, so that no id is 0, which guests take for "not defined". */
const MAX_METRICS = 8192;
const INDEX_MASK = MAX_METRICS - 1;
/** id = generation, 13 bits index, 2 bits type. A new definition in an old place has another generation. */
const INDEX_SHIFT = 2;
const GENERATION_SHIFT = 15;
const GENERATIONS = 0x7fff;

/** Rows of a histogram: threads share one only when there are more than four. */
const ROWS = 4;
/** Counts, then the sum. */
const ROW_WORDS = BOUNDS.length + 2;
const HISTOGRAM_WORDS = ROWS * ROW_WORDS;

const LOCK = FIXED_AT / 4;
const COUNT = LOCK + 1;
const RECORDS = LOCK + 2;
const RECORD_WORDS = 4;
/** 0 while the place is free, else the id: one load tells whether an id is good. */
const ID = 0;
const NAME = 1;
const HASH = 2;
const GENERATION = 3;

const VALUES_AT = (RECORDS + MAX_METRICS * RECORD_WORDS) * 4;
const HISTOGRAMS_AT = VALUES_AT + MAX_METRICS * 8;
const END = HISTOGRAMS_AT + MAX_METRICS * HISTOGRAM_WORDS * 8;

/** Makes the store: about 5.5 MiB of address space, of which only what is used becomes memory. */
export function createSharedMetrics(): SharedMetricsHandle {
  return createHeap({ fixedBytes: END - FIXED_AT, initialBytes: END + (64 << 10), maxBytes: END + (32 << 20) });
}

/** One thread's access. A scope is `filter@version`. */
export class SharedMetrics implements MetricStore {
  readonly #heap: SharedHeap;
  /** Views of the fixed part: they never grow, so they are never renewed. */
  readonly #records: Int32Array;
  readonly #values: BigInt64Array;
  readonly #histograms: BigInt64Array;
  readonly #row: number;
  readonly #known = new Map<string, number>();
  /** Names read so far, by index. */
  readonly #read: { readonly id: number; readonly full: string }[] = [];

  constructor(handle: SharedMetricsHandle, threadId: number) {
    this.#heap = new SharedHeap(handle, threadId);
    this.#records = new Int32Array(handle.memory, RECORDS * 4, MAX_METRICS * RECORD_WORDS);
    this.#values = new BigInt64Array(handle.memory, VALUES_AT, MAX_METRICS);
    this.#histograms = new BigInt64Array(handle.memory, HISTOGRAMS_AT, MAX_METRICS * HISTOGRAM_WORDS);
    this.#row = (threadId % ROWS) * ROW_WORDS;
  }

  /**
   * The id, the same on all threads for the same scope, name and type; its low 2 bits are the type. -1: no such type, no
   * usable name, or the name is taken by another type (BAD_ARGUMENT). -2: `most` names or no room (INTERNAL_FAILURE).
   */
  define(scope: string, type: number, name: string, most: number = MAX_METRICS_PER_SCOPE): number {
    const full = `${scope}\0${name}`;
    const known = this.#known.get(full);
    if (known !== undefined && this.#isLive(known)) return (known & 3) === type ? known : -1;
    if (type < 0 || type > metric.HISTOGRAM || parseMetricName(name) === null) return -1;
    const block = this.#write(full);
    if (block === 0 || !this.#heap.lock(LOCK)) return -2;
    const id = this.#commit(scope, full, { type, block, most });
    this.#heap.unlock(LOCK);
    if (id < 0 || this.#record(indexOf(id), NAME) !== block) this.#heap.free(block);
    if (id < 0) return id;
    this.#known.set(full, id);
    return (id & 3) === type ? id : -1;
  }

  /** Gauge: sets; counter: adds; histogram: observes (abi.md 15.11). */
  record(id: number, value: bigint): Status {
    if (!this.#isLive(id)) return status.NOT_FOUND;
    const index = indexOf(id);
    if ((id & 3) === metric.HISTOGRAM) this.#observe(index, value);
    else if ((id & 3) === metric.GAUGE) Atomics.store(this.#values, index, value);
    else Atomics.add(this.#values, index, value);
    return status.OK;
  }

  increment(id: number, delta: bigint): Status {
    if (!this.#isLive(id)) return status.NOT_FOUND;
    const type = id & 3;
    if (type === metric.HISTOGRAM || (type === metric.COUNTER && delta <= 0n)) return status.BAD_ARGUMENT;
    Atomics.add(this.#values, indexOf(id), delta);
    return status.OK;
  }

  /** As u64, over all threads. */
  get(id: number): bigint | Status {
    if (!this.#isLive(id)) return status.NOT_FOUND;
    if ((id & 3) === metric.HISTOGRAM) return status.BAD_ARGUMENT;
    return BigInt.asUintN(64, Atomics.load(this.#values, indexOf(id)));
  }

  /** For those who follow single metrics (experiments). */
  nameOf(id: number): string | null {
    if (!this.#isLive(id)) return null;
    this.#heap.sync();
    const full = this.#nameOf(indexOf(id));
    return full.slice(full.indexOf("\0") + 1);
  }

  /** Everything of all threads: for one reader per process, who must not add the samples of several threads. */
  collect(): MetricSample[] {
    const samples: MetricSample[] = [];
    for (const { index, id, full } of this.#live()) {
      const split = full.indexOf("\0");
      const parsed = parseMetricName(full.slice(split + 1));
      if (parsed === null) continue;
      const owner = scopeLabels(full.slice(0, split));
      samples.push({ ...this.#sample(index, id & 3), ...parsed, labels: { ...parsed.labels, ...owner } });
    }
    return samples;
  }

  /** Forgets the metrics of a scope: its last instance is gone. Ids of it answer NOT_FOUND from now on. */
  drop(scope: string): void {
    if (!this.#heap.lock(LOCK)) return;
    const blocks: number[] = [];
    for (const { index, full } of this.#live()) {
      if (!full.startsWith(`${scope}\0`)) continue;
      blocks.push(this.#record(index, NAME));
      Atomics.store(this.#records, index * RECORD_WORDS + ID, 0);
    }
    this.#heap.unlock(LOCK);
    for (const block of blocks) this.#heap.free(block);
  }

  /** See SharedData.freeLocksOf. */
  freeLocksOf(threadId: number): number {
    const freed = this.#heap.freeLocksOf(threadId);
    if (!this.#heap.seize(LOCK, threadId)) return freed;
    this.#heap.unlock(LOCK);
    return freed + 1;
  }

  #isLive(id: number): boolean {
    return id > 0 && this.#records[indexOf(id) * RECORD_WORDS + ID] === id;
  }

  #record(index: number, field: number): number {
    return Atomics.load(this.#records, index * RECORD_WORDS + field);
  }

  #observe(index: number, value: bigint): void {
    const amount = Number(value);
    let bucket = 0;
    while (bucket < BOUNDS.length && amount > (BOUNDS[bucket] ?? 0)) bucket++;
    const row = index * HISTOGRAM_WORDS + this.#row;
    Atomics.add(this.#histograms, row + bucket, 1n);
    Atomics.add(this.#histograms, row + ROW_WORDS - 1, value);
  }

  /** The id of the name, of whatever type, or a new one; -2 when full. Lock held. */
  #commit(scope: string, full: string, made: { type: number; block: number; most: number }): number {
    const hash = fnv1a32(full) | 0;
    let place = 0;
    let names = 0;
    const prefix = `${scope}\0`;
    const count = this.#heap.words[COUNT] ?? 0;
    for (let index = 1; index <= count; index++) {
      const id = this.#record(index, ID);
      if (id === 0) place ||= index;
      else if (this.#record(index, HASH) === hash && this.#knownName(index, id) === full) return id;
      else if (this.#knownName(index, id).startsWith(prefix)) names++;
    }
    place ||= count + 1;
    return place === MAX_METRICS || names >= made.most ? -2 : this.#open(place, hash, made);
  }

  /** The commit is the store of the id. */
  #open(index: number, hash: number, made: { type: number; block: number }): number {
    const at = index * RECORD_WORDS;
    const generation = (this.#record(index, GENERATION) + 1) & GENERATIONS;
    const id = (generation << GENERATION_SHIFT) | (index << INDEX_SHIFT) | made.type;
    this.#records[at + GENERATION] = generation;
    this.#records[at + NAME] = made.block;
    this.#records[at + HASH] = hash;
    Atomics.store(this.#values, index, 0n);
    this.#histograms.fill(0n, index * HISTOGRAM_WORDS, (index + 1) * HISTOGRAM_WORDS);
    Atomics.store(this.#records, at + ID, id);
    if (index > (this.#heap.words[COUNT] ?? 0)) Atomics.store(this.#heap.words, COUNT, index);
    return id;
  }

  #write(full: string): number {
    const block = this.#heap.alloc(4 + full.length * 2);
    if (block === 0) return 0;
    this.#heap.words[(block + BLOCK_HEAD) >> 2] = full.length;
    this.#heap.bytes.write(full, block + BLOCK_HEAD + 4, "utf16le");
    return block;
  }

  /** As {@link #nameOf}; the same id always has the same name, and a guest that defines in a loop must not pay for reading it. */
  #knownName(index: number, id: number): string {
    const known = this.#read[index];
    if (known !== undefined && known.id === id) return known.full;
    const full = this.#nameOf(index);
    this.#read[index] = { id, full };
    return full;
  }

  #nameOf(index: number): string {
    const from = this.#record(index, NAME) + BLOCK_HEAD;
    const length = this.#heap.words[from >> 2] ?? 0;
    return this.#heap.bytes.toString("utf16le", from + 4, from + 4 + length * 2);
  }

  *#live(): Generator<{ index: number; id: number; full: string }> {
    const count = Atomics.load(this.#heap.words, COUNT);
    this.#heap.sync();
    for (let index = 1; index <= count; index++) {
      const id = this.#record(index, ID);
      if (id !== 0) yield { index, id, full: this.#nameOf(index) };
    }
  }

  #sample(index: number, type: number): Pick<MetricSample, "type" | "value" | "help"> {
    const help = "Defined by a filter";
    if (type === metric.HISTOGRAM) return { type: "histogram", value: this.#readHistogram(index), help };
    const value = Atomics.load(this.#values, index);
    return type === metric.GAUGE
      ? { type: "gauge", value: Number(value), help }
      : { type: "counter", value: Number(BigInt.asUintN(64, value)), help };
  }

  #readHistogram(index: number): HistogramValue {
    const total = (column: number): number => {
      let sum = 0n;
      for (let row = 0; row < ROWS; row++) {
        sum += Atomics.load(this.#histograms, index * HISTOGRAM_WORDS + row * ROW_WORDS + column);
      }
      return Number(sum);
    };
    return {
      bounds: BOUNDS,
      counts: Array.from({ length: BOUNDS.length + 1 }, (_, at) => total(at)),
      sum: total(ROW_WORDS - 1),
    };
  }
}

function indexOf(id: number): number {
  return (id >> INDEX_SHIFT) & INDEX_MASK;
}
