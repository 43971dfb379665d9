// Counters, gauges and histograms of one thread. Whoever counts asks for a handle once and keeps it: counting is then one
// addition, no Map and no string. Reading is done a few times a minute and may cost more.
import type { HistogramValue, MetricSample, MetricType } from "./samples.ts";

export type Labels = Readonly<Record<string, string>>;

/** Series per metric name; further label sets are counted together under `other` (governance.md 2.2). */
const DEFAULT_MAX_SERIES = 2000;
/** Upper bounds in milliseconds that suit a proxy: from below a local answer to a slow upstream. */
export const DURATION_BOUNDS_MS: readonly number[] = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
];

/** Only goes up. */
export class Counter {
  value = 0;

  inc(by = 1): void {
    this.value += by;
  }
}

/** Goes up and down. */
export class Gauge {
  value = 0;

  add(by: number): void {
    this.value += by;
  }

  set(value: number): void {
    this.value = value;
  }
}

export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  /** @param bounds upper bounds, ascending, +Inf left out */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const { bounds } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += value;
  }

  get value(): HistogramValue {
    return { bounds: this.bounds, counts: this.counts.slice(), sum: this.sum };
  }
}

type Handle = { readonly value: number | HistogramValue };

interface Family {
  readonly type: MetricType;
  readonly help: string;
  readonly series: Map<string, { readonly labels: Labels; readonly handle: Handle }>;
}

/** What a metric is called; `help` of the first use stays. */
export interface MetricName {
  /** `sluice_<room>_<name>`, characters [a-zA-Z0-9_:]. */
  readonly name: string;
  readonly help: string;
}

export class MetricRegistry {
  readonly #families = new Map<string, Family>();
  readonly #maxSeries: number;
  readonly #dropped: Counter;

  constructor(options: { readonly maxSeries?: number } = {}) {
    this.#maxSeries = options.maxSeries ?? DEFAULT_MAX_SERIES;
    this.#dropped = this.counter({
      name: "sluice_metric_series_dropped_total",
      help: "Label sets counted under `other` because their metric had too many series",
    });
  }

  /** The counter of this name and these labels, made when absent. */
  counter(metric: MetricName, labels: Labels = {}): Counter {
    return this.#handle(metric, labels, { type: "counter", make: () => new Counter() });
  }

  gauge(metric: MetricName, labels: Labels = {}): Gauge {
    return this.#handle(metric, labels, { type: "gauge", make: () => new Gauge() });
  }

  histogram(metric: MetricName, labels: Labels = {}, bounds: readonly number[] = DURATION_BOUNDS_MS): Histogram {
    return this.#handle(metric, labels, { type: "histogram", make: () => new Histogram(bounds) });
  }

  /** A gauge that is asked when it is read. Replaces one of the same name and labels. */
  readGauge(metric: MetricName, labels: Labels, read: () => number): void {
    const family = this.#family(metric, "gauge");
    family.series.set(keyOf(labels), { labels, handle: Object.defineProperty({ value: 0 }, "value", { get: read }) });
  }

  /** Forgets the series that carry all of `labels`: a cluster or listener is gone. Handles may still be counted on. */
  remove(labels: Labels): void {
    const wanted = Object.entries(labels);
    for (const family of this.#families.values()) {
      for (const [key, series] of family.series) {
        if (wanted.every(([name, value]) => series.labels[name] === value)) family.series.delete(key);
      }
    }
  }

  /** Every series as plain data, ready to cross threads. */
  collect(): MetricSample[] {
    const samples: MetricSample[] = [];
    for (const [name, { type, help, series }] of this.#families) {
      for (const { labels, handle } of series.values()) samples.push({ name, type, help, labels, value: handle.value });
    }
    return samples;
  }

  #family(metric: MetricName, type: MetricType): Family {
    let family = this.#families.get(metric.name);
    if (family === undefined) {
      family = { type, help: metric.help, series: new Map() };
      this.#families.set(metric.name, family);
    }
    if (family.type !== type) throw new TypeError(`metric ${metric.name} is a ${family.type}, asked for as a ${type}`);
    return family;
  }

  #handle<H extends Handle>(metric: MetricName, labels: Labels, kind: { type: MetricType; make: () => H }): H {
    const family = this.#family(metric, kind.type);
    const key = keyOf(labels);
    const found = family.series.get(key);
    // The family's type was checked, so the handle is of the class that `make` makes.
    if (found !== undefined) return found.handle as H;
    if (family.series.size >= this.#maxSeries && !isOther(labels)) {
      this.#dropped.inc();
      return this.#handle(metric, Object.fromEntries(Object.keys(labels).map((name) => [name, "other"])), kind);
    }
    const handle = kind.make();
    family.series.set(key, { labels, handle });
    return handle;
  }
}

const isOther = (labels: Labels): boolean => Object.values(labels).every((value) => value === "other");

/** One text per label set, whatever the order of its keys. */
export function keyOf(labels: Labels): string {
  const names = Object.keys(labels).sort();
  return names.map((name) => `${name}\u0000${labels[name] ?? ""}`).join("\u0001");
}
