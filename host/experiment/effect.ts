// From the sums of a step to an estimate: the metric in both arms and the difference, adjusted for what the same buckets did
// before the start where that is known (CUPED).
import type { JudgeInput, PhaseCounts } from "./judge-input.ts";
import type { RatioMetric } from "./metrics.ts";
import { adjust, covariateOf } from "./statistics/cuped.ts";
import { difference, type Estimate } from "./statistics/estimate.ts";
import { type BucketSums, filledBuckets, MIN_BUCKETS, ratioOf } from "./statistics/ratio.ts";
import { COLUMNS, columnOf } from "./tally.ts";

export interface Looked {
  readonly input: JudgeInput;
  /** The step that is judged. */
  readonly phase: PhaseCounts;
}

export interface Effect {
  readonly control: Estimate | null;
  readonly own: Estimate | null;
  /** Null: nothing can be said, `reason` says why. */
  readonly effect: Estimate | null;
  readonly reason: string;
}

function columns(phase: PhaseCounts, at: number, metric: RatioMetric): BucketSums | null {
  const sums = phase.arms[at];
  if (sums === undefined) return null;
  const counted = columnOf(sums, phase.plan, metric.numerator);
  const denominators = columnOf(sums, phase.plan, COLUMNS.indexOf(metric.denominator));
  const numerators = metric.complement ? denominators.map((n, bucket) => n - (counted[bucket] ?? 0)) : counted;
  return { numerators, denominators };
}

/** The metric in one arm, as it is. */
export function ratioIn({ phase }: Looked, at: number, metric: RatioMetric, units: readonly number[]): Estimate | null {
  const sums = columns(phase, at, metric);
  if (sums === null || filledBuckets(sums.denominators) < MIN_BUCKETS) return null;
  return ratioOf(sums, units[at] ?? 0);
}

interface Arm {
  readonly at: number;
  readonly units: readonly number[];
}

export function effectOf(looked: Looked, { at, units }: Arm, metric: RatioMetric): Effect {
  const { phase, input } = looked;
  const sums = [columns(phase, 0, metric), columns(phase, at, metric)] as const;
  const [a, b] = sums;
  const control = ratioIn(looked, 0, metric, units);
  const own = ratioIn(looked, at, metric, units);
  if (a === null || b === null || control === null || own === null) {
    const reported = sums.some((arm) => arm !== null && filledBuckets(arm.denominators) > 0);
    const reason = reported ? `fewer than ${MIN_BUCKETS} buckets of units in an arm` : "has not reported yet";
    return { control, own, effect: null, reason };
  }
  if (sums.every((arm) => arm !== null && filledBuckets(arm.numerators) === 0) && !metric.proportion)
    return { control, own, effect: null, reason: "has not reported yet" };
  const pre = input.phases.find(({ kind }) => kind === "pre");
  const before = pre === undefined ? null : ([columns(pre, 0, metric), columns(pre, at, metric)] as const);
  const [adjustedA, adjustedB] = before === null ? [a, b] : adjusted([a, b], before);
  const effect = difference(ratioOf(adjustedA, units[0] ?? 0), ratioOf(adjustedB, units[at] ?? 0));
  if (effect.variance > 0 || metric.proportion) return { control, own, effect, reason: "" };
  return { control, own, effect: null, reason: "does not vary, so nothing can be said of it" };
}

type Two = readonly [BucketSums, BucketSums];

function adjusted(now: Two, [a, b]: readonly [BucketSums | null, BucketSums | null]): Two {
  if (a === null || b === null) return now;
  const covariate = covariateOf([
    { now: now[0], before: a },
    { now: now[1], before: b },
  ]);
  return [adjust(now[0], a, covariate), adjust(now[1], b, covariate)];
}
