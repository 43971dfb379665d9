// Metric samples as Envoy's /stats text: one line per series.
import type { MetricSample } from "../observe/samples.ts";

function nameOf(sample: MetricSample): string {
  const labels = Object.entries(sample.labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return labels.length === 0 ? sample.name : `${sample.name}{${labels.join(",")}}`;
}

function valueOf(value: MetricSample["value"]): string {
  if (typeof value === "number") return String(value);
  const count = value.counts.reduce((sum, one) => sum + one, 0);
  return `count=${count} sum=${value.sum}`;
}

/** Sorted by name, `name{label="x"}: value`. */
export function toStatsText(samples: readonly MetricSample[]): string {
  const lines = samples.map((sample) => `${nameOf(sample)}: ${valueOf(sample.value)}`);
  return lines.length === 0 ? "" : `${lines.sort().join("\n")}\n`;
}

/** Those whose series name contains `part`. Envoy takes a regex here; a substring cannot be made to run for ever. */
export function filterStats(samples: readonly MetricSample[], part: string | null): readonly MetricSample[] {
  return part === null ? samples : samples.filter((sample) => nameOf(sample).includes(part));
}
