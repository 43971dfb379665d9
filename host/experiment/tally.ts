// The sums of one arm during one step, on one data thread: per bucket of units what the delta method needs, and beside them
// the counts and histograms people read. Constant memory; everything adds up over threads (experiments.md 4).
import { binOf, LATENCY_BINS } from "./statistics/latency-bins.ts";
import type { UnitBook } from "./unit-book.ts";

/** Buckets of units. Another salt than the assignment's, so every bucket has units of every arm. */
export const METRIC_BUCKETS = 500;

/** Columns of every bucket that are always there. */
export const COLUMNS = [
  "requests",
  "units",
  "errors",
  "localReplies",
  "latency",
  "added",
  "upstream",
  "fuel",
  "bytes",
] as const;
export type Column = (typeof COLUMNS)[number];

/** What is counted beside the fixed columns; the same for all arms of a step. */
export interface TallyPlan {
  /** Thresholds in ms: requests above each are counted, in a column and as events. */
  readonly slowMs: readonly number[];
  /** Names of metrics that the filter records in its streams. */
  readonly filterMetrics: readonly string[];
  /** Names of outside events, posted by unit. */
  readonly events: readonly string[];
}

export const columnsOf = ({ slowMs, filterMetrics, events }: TallyPlan): number =>
  COLUMNS.length + slowMs.length + filterMetrics.length + events.length;

/** Failures that are counted one by one: errors, then one kind per threshold. */
export const failureKinds = ({ slowMs }: TallyPlan): number => 1 + slowMs.length;

/** Structured-cloneable; two of one plan add up. */
export interface TallySums {
  /** METRIC_BUCKETS rows of the plan's columns. */
  readonly buckets: Float64Array;
  /** Σx² per column over all requests, for the spread of single requests. */
  readonly squares: Float64Array;
  /** De-duplicated failures by kind. */
  readonly failures: Float64Array;
  /** Total, added, filter time: three histograms after each other. */
  readonly bins: Float64Array;
  /** By first digit of the status. */
  readonly responses: Float64Array;
  faults: number;
  attempts: number;
  requestBytes: number;
  memoryBytes: number;
}

export const HISTOGRAMS = ["total", "added", "filter"] as const;

export function newSums(plan: TallyPlan): TallySums {
  const columns = columnsOf(plan);
  return {
    buckets: new Float64Array(METRIC_BUCKETS * columns),
    squares: new Float64Array(columns),
    failures: new Float64Array(failureKinds(plan)),
    bins: new Float64Array(HISTOGRAMS.length * LATENCY_BINS),
    responses: new Float64Array(6),
    faults: 0,
    attempts: 0,
    requestBytes: 0,
    memoryBytes: 0,
  };
}

const ARRAYS = ["buckets", "squares", "failures", "bins", "responses"] as const;

/** Adds `more` to `sums`. */
export function addSums(sums: TallySums, more: TallySums): void {
  for (const name of ARRAYS) {
    const to = sums[name];
    const from = more[name];
    for (let at = 0; at < to.length; at++) to[at] = (to[at] ?? 0) + (from[at] ?? 0);
  }
  sums.faults += more.faults;
  sums.attempts += more.attempts;
  sums.requestBytes += more.requestBytes;
  sums.memoryBytes = Math.max(sums.memoryBytes, more.memoryBytes);
}

/** What is known of a request when it has ended. The chain's StreamFacts fit. */
export interface Outcome {
  readonly responseCode: number;
  readonly durationMs: number;
  readonly upstreamMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly attempts: number;
  readonly startMs: number;
}

/** What a request has left behind in this experiment (exposure.ts). */
export interface Exposed {
  readonly unit: number;
  readonly bucket: number;
  readonly perRequest: boolean;
  readonly fuel: number;
  readonly filterMs: number;
  readonly replied: boolean;
  readonly recorded: Float64Array | null;
}

export class ArmTally {
  readonly plan: TallyPlan;
  /** Place of the arm among those of the experiment; 0 = control. */
  readonly arm: number;
  readonly book: UnitBook;
  readonly #columns: number;
  readonly #alarm: (harmed: number) => void;
  #sums: TallySums;
  #touched = false;

  /** @param alarm told when this arm, if it is no control, has harmed a request */
  constructor(plan: TallyPlan, arm: number, book: UnitBook, alarm: (harmed: number) => void) {
    this.plan = plan;
    this.arm = arm;
    this.book = book;
    this.#alarm = alarm;
    this.#columns = columnsOf(plan);
    this.#sums = newSums(plan);
  }

  /** The filter failed a request of this arm. */
  fault(): void {
    this.#touched = true;
    this.#sums.faults++;
    if (this.arm > 0) this.#alarm(this.book.harm());
  }

  memory(bytes: number): void {
    if (bytes > this.#sums.memoryBytes) this.#sums.memoryBytes = bytes;
  }

  /** Adds a request that has ended. `failed`: it counts as an error. */
  add(exposure: Exposed, outcome: Outcome, failed: boolean): void {
    const seen = exposure.perRequest ? "new" : this.book.see(exposure.unit, this.arm);
    if (seen === "several") return;
    this.#touched = true;
    const row = exposure.bucket * this.#columns;
    const { buckets } = this.#sums;
    const { durationMs, upstreamMs } = outcome;
    buckets[row] = (buckets[row] ?? 0) + 1;
    if (seen === "new") buckets[row + 1] = (buckets[row + 1] ?? 0) + 1;
    if (failed) this.#put(row, 2, 1);
    if (exposure.replied) this.#put(row, 3, 1);
    this.#put(row, 4, durationMs);
    this.#put(row, 5, Math.max(0, durationMs - upstreamMs));
    this.#put(row, 6, upstreamMs);
    this.#put(row, 7, exposure.fuel);
    this.#put(row, 8, outcome.responseBytes);
    this.#countFailures(row, exposure, outcome, failed);
    if (exposure.recorded !== null) this.#putRecorded(row, exposure.recorded);
    this.#putCounts(exposure, outcome);
  }

  #put(row: number, column: number, value: number): void {
    if (value === 0) return;
    const { buckets, squares } = this.#sums;
    buckets[row + column] = (buckets[row + column] ?? 0) + value;
    squares[column] = (squares[column] ?? 0) + value * value;
  }

  #countFailures(row: number, exposure: Exposed, outcome: Outcome, failed: boolean): void {
    if (failed) this.#fails(0, exposure, outcome);
    const { slowMs } = this.plan;
    for (let at = 0; at < slowMs.length; at++) {
      if (outcome.durationMs <= (slowMs[at] ?? Infinity)) continue;
      this.#put(row, COLUMNS.length + at, 1);
      this.#fails(1 + at, exposure, outcome);
    }
  }

  #fails(kind: number, { perRequest, unit }: Exposed, { startMs }: Outcome): void {
    const { failures } = this.#sums;
    if (perRequest || this.book.failsAnew(kind, unit, Math.floor(startMs / 60_000)))
      failures[kind] = (failures[kind] ?? 0) + 1;
  }

  #putRecorded(row: number, recorded: Float64Array): void {
    const from = COLUMNS.length + this.plan.slowMs.length;
    for (let at = 0; at < recorded.length; at++) this.#put(row, from + at, recorded[at] ?? 0);
  }

  #putCounts(exposure: Exposed, outcome: Outcome): void {
    const sums = this.#sums;
    const { durationMs, upstreamMs, responseCode } = outcome;
    bump(sums.bins, binOf(durationMs));
    bump(sums.bins, LATENCY_BINS + binOf(Math.max(0, durationMs - upstreamMs)));
    bump(sums.bins, 2 * LATENCY_BINS + binOf(exposure.filterMs));
    bump(sums.responses, Math.floor(responseCode / 100));
    sums.attempts += outcome.attempts;
    sums.requestBytes += outcome.requestBytes;
  }

  /** What has come together since the last time, or null for nothing. */
  take(): TallySums | null {
    if (!this.#touched) return null;
    const taken = this.#sums;
    this.#sums = newSums(this.plan);
    this.#touched = false;
    return taken;
  }
}

function bump(list: Float64Array, at: number): void {
  list[at] = (list[at] ?? 0) + 1;
}

/** One column as the statistics take it, over all buckets. */
export function columnOf({ buckets }: TallySums, plan: TallyPlan, column: number): Float64Array {
  const columns = columnsOf(plan);
  const values = new Float64Array(METRIC_BUCKETS);
  for (let bucket = 0; bucket < METRIC_BUCKETS; bucket++) values[bucket] = buckets[bucket * columns + column] ?? 0;
  return values;
}

export function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at] ?? 0;
  return sum;
}

/** A histogram of the sums, by its place in {@link HISTOGRAMS}. */
export function binsOf({ bins }: TallySums, histogram: number): Float64Array {
  return bins.subarray(histogram * LATENCY_BINS, (histogram + 1) * LATENCY_BINS);
}
