// The metrics an experiment can be judged by, by name: which sums make them and which way is better. The config refuses
// every other name.
import { COLUMNS, type Column, type TallyPlan } from "./tally.ts";
import type { Direction, MetricsOptions } from "./options.ts";

export interface RatioMetric {
  readonly kind: "ratio";
  readonly name: string;
  readonly numerator: number;
  readonly denominator: Column;
  /** 1 - ratio is the metric: counted are the failures, spoken of is the success. */
  readonly complement: boolean;
  /** Between 0 and 1, one event at a time. */
  readonly proportion: boolean;
  readonly better: Direction | null;
}

export interface QuantileMetric {
  readonly kind: "quantile";
  readonly name: string;
  readonly quantile: number;
  /** Place of its threshold in {@link TallyPlan.slowMs}. */
  readonly slow: number;
}

export type Metric = RatioMetric | QuantileMetric;

interface Known {
  readonly column: Column;
  readonly complement?: true;
  readonly proportion?: true;
  readonly better: Direction | null;
}

const KNOWN: Readonly<Record<string, Known>> = {
  success_rate: { column: "errors", complement: true, proportion: true, better: "increase" },
  error_rate: { column: "errors", proportion: true, better: "decrease" },
  local_reply_rate: { column: "localReplies", proportion: true, better: null },
  latency_ms: { column: "latency", better: "decrease" },
  added_ms: { column: "added", better: "decrease" },
  upstream_ms: { column: "upstream", better: "decrease" },
  fuel: { column: "fuel", better: "decrease" },
  bytes: { column: "bytes", better: null },
};
const QUANTILE = /^p(50|90|95|99)_ms$/;
const OWN = /^(filter|event):(.+)$/;

export const METRIC_NAMES: readonly string[] = [...Object.keys(KNOWN), "p50_ms", "p90_ms", "p95_ms", "p99_ms"];
/** For messages. */
export const METRIC_FORMS = `${METRIC_NAMES.join(", ")}, filter:<metric of the filter>, event:<posted event>`;

export const isMetricName = (name: string): boolean =>
  Object.hasOwn(KNOWN, name) || QUANTILE.test(name) || OWN.test(name);
export const isQuantile = (name: string): boolean => QUANTILE.test(name);

/** Which way is better; null where that depends on what one wants. */
export const betterOf = (name: string): Direction | null =>
  Object.hasOwn(KNOWN, name) ? (KNOWN[name]?.better ?? null) : isQuantile(name) ? "decrease" : null;

/** All names, each once, in the order of the config. */
export function namesOf({ primary, guardrails, secondary }: MetricsOptions): readonly string[] {
  return [
    ...new Set([...(primary === null ? [] : [primary.name]), ...guardrails.map(({ name }) => name), ...secondary]),
  ];
}

/**
 * What data threads are to count for these metrics. A quantile's threshold is its guardrail's `max`, else what `thresholds`
 * knows of the control; until that is known nothing is above it.
 */
export function planOf(metrics: MetricsOptions, thresholds: Readonly<Record<string, number>>): TallyPlan {
  const names = namesOf(metrics);
  const own = (kind: string): string[] =>
    names.flatMap((name) => (OWN.exec(name)?.[1] === kind ? [OWN.exec(name)?.[2] ?? ""] : []));
  const slowMs = names
    .filter(isQuantile)
    .map((name) => metrics.guardrails.find((one) => one.name === name)?.max ?? thresholds[name] ?? Infinity);
  return { slowMs, filterMetrics: own("filter"), events: own("event") };
}

/** The metric of this name under a plan. @throws RangeError for a name that {@link isMetricName} refuses */
export function metricOf(name: string, metrics: MetricsOptions, plan: TallyPlan): Metric {
  const quantile = QUANTILE.exec(name)?.[1];
  if (quantile !== undefined) {
    const slow = namesOf(metrics).filter(isQuantile).indexOf(name);
    return { kind: "quantile", name, quantile: Number(quantile) / 100, slow };
  }
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
  if (known !== undefined) {
    const { column, complement = false, proportion = false, better } = known;
    const numerator = COLUMNS.indexOf(column);
    return { kind: "ratio", name, numerator, denominator: "requests", complement, proportion, better };
  }
  const [, kind = "", own = ""] = OWN.exec(name) ?? [];
  if (kind === "") throw new RangeError(`"${name}" is not a metric; known: ${METRIC_FORMS}`);
  const first = COLUMNS.length + plan.slowMs.length;
  const place =
    kind === "filter" ? plan.filterMetrics.indexOf(own) : plan.filterMetrics.length + plan.events.indexOf(own);
  return {
    kind: "ratio",
    name,
    numerator: first + place,
    denominator: kind === "filter" ? "requests" : "units",
    complement: false,
    proportion: false,
    better: null,
  };
}
