// Samples of several threads into one, and the text that Prometheus reads (exposition format 0.0.4). Pure.
import type { HistogramValue, MetricSample } from "./samples.ts";
import { keyOf } from "./metrics.ts";

/** Adds up the samples of several threads: same name and labels become one. The order of first appearance is kept. */
export function mergeSamples(...groups: readonly (readonly MetricSample[])[]): MetricSample[] {
  const merged = new Map<string, MetricSample>();
  for (const sample of groups.flat()) {
    const key = `${sample.name}\u0002${keyOf(sample.labels)}`;
    const before = merged.get(key);
    merged.set(key, before === undefined ? sample : { ...sample, value: addValues(before.value, sample.value) });
  }
  return [...merged.values()];
}

/** Histograms with different bounds cannot be added: the first one stays, since a wrong sum is worse than a missing one. */
function addValues(a: MetricSample["value"], b: MetricSample["value"]): MetricSample["value"] {
  if (typeof a === "number" || typeof b === "number") return typeof a === typeof b ? Number(a) + Number(b) : a;
  if (a.bounds.length !== b.bounds.length || a.bounds.some((bound, at) => bound !== b.bounds[at])) return a;
  return { bounds: a.bounds, counts: a.counts.map((count, at) => count + (b.counts[at] ?? 0)), sum: a.sum + b.sum };
}

/**
 * The whole page. A metric with more than `maxSeries` series (default 2 000) is cut, and
 * `sluice_metric_series_cut_total` tells how many series are missing.
 */
export function toPrometheus(samples: readonly MetricSample[], maxSeries = 2000): string {
  const families = Map.groupBy(samples, (sample) => sample.name);
  let cut = 0;
  let page = "";
  for (const [name, series] of families) {
    const first = series[0];
    if (first === undefined) continue;
    page += `# HELP ${name} ${first.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${first.type}\n`;
    for (const sample of series.slice(0, maxSeries)) page += toLines(sample);
    cut += Math.max(0, series.length - maxSeries);
  }
  return cut === 0
    ? page
    : `${page}# TYPE sluice_metric_series_cut_total counter\nsluice_metric_series_cut_total ${cut}\n`;
}

function toLines({ name, labels, value }: MetricSample): string {
  return typeof value === "number" ? `${name}${toLabels(labels)} ${value}\n` : toBuckets(name, labels, value);
}

function toBuckets(name: string, labels: MetricSample["labels"], { bounds, counts, sum }: HistogramValue): string {
  let total = 0;
  let lines = "";
  counts.forEach((count, at) => {
    total += count;
    lines += `${name}_bucket${toLabels({ ...labels, le: at < bounds.length ? String(bounds[at]) : "+Inf" })} ${total}\n`;
  });
  return `${lines}${name}_sum${toLabels(labels)} ${sum}\n${name}_count${toLabels(labels)} ${total}\n`;
}

function toLabels(labels: MetricSample["labels"]): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escapeLabel = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
