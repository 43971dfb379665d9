// What a metric looks like when it is read: plain data that crosses threads and adds up.

export type MetricType = "counter" | "gauge" | "histogram";

export interface HistogramValue {
  /** Upper bounds, ascending, +Inf left out. */
  readonly bounds: readonly number[];
  /** Not cumulative; one more than `bounds` (the last is +Inf). */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** One series. Samples of several data threads with the same name and labels add up. */
export interface MetricSample {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | HistogramValue;
}
