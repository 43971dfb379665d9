// Who owns which buckets while weights move. An arm whose weight does not fall never loses a bucket, so a unit that came to
// it stays; an arm whose weight falls gives back what it got last. Pure (experiments.md 3).
import { BUCKETS } from "./growthbook.ts";

/** Buckets from, inclusive, to, exclusive. */
export type BucketRange = readonly [number, number];
/** Of one arm, in the order it got them. */
export type ArmRanges = readonly BucketRange[];

/**
 * The ranges for `weights` (any scale; the first arm is the control and takes all when every weight is 0), reached from
 * `previous` with the fewest moves. Without a previous plan the arms lie side by side. Arms are told apart by position.
 */
export function planRanges(previous: readonly ArmRanges[] | null, weights: readonly number[]): ArmRanges[] {
  const targets = toBuckets(weights);
  if (previous === null) return sideBySide(targets);
  const plan = targets.map((_, arm) => [...(previous[arm] ?? [])]);
  const free = previous.slice(targets.length).flat();
  plan.forEach((ranges, arm) => free.push(...giveBack(ranges, (targets[arm] ?? 0) - sizeOf(ranges))));
  plan.forEach((ranges, arm) => take(ranges, free, (targets[arm] ?? 0) - sizeOf(ranges)));
  return plan;
}

/** Whole buckets in proportion to the weights; what rounding leaves goes to the largest remainders. */
function toBuckets(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + Math.max(weight, 0), 0);
  const exact = weights.map((weight, arm) => {
    if (sum === 0) return arm === 0 ? BUCKETS : 0;
    return (Math.max(weight, 0) / sum) * BUCKETS;
  });
  const whole = exact.map(Math.floor);
  const order = exact.map((value, arm) => ({ arm, rest: value - Math.floor(value) })).sort((a, b) => b.rest - a.rest);
  const missing = exact.length === 0 ? 0 : BUCKETS - sizeSum(whole);
  for (const { arm } of order.slice(0, missing)) whole[arm] = (whole[arm] ?? 0) + 1;
  return whole;
}

const sizeSum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
const sizeOf = (ranges: ArmRanges): number => sizeSum(ranges.map(([from, to]) => to - from));

function sideBySide(targets: readonly number[]): ArmRanges[] {
  let from = 0;
  return targets.map((size) => {
    const range: BucketRange = [from, from + size];
    from += size;
    return size === 0 ? [] : [range];
  });
}

/** Takes `-change` buckets off the end of `ranges`; nothing when the change is upwards. */
function giveBack(ranges: BucketRange[], change: number): BucketRange[] {
  const given: BucketRange[] = [];
  for (let left = -change; left > 0;) {
    const last = ranges.pop();
    if (last === undefined) break;
    const [from, to] = last;
    const part = Math.min(left, to - from);
    given.push([to - part, to]);
    if (part < to - from) ranges.push([from, to - part]);
    left -= part;
  }
  return given;
}

/** Adds `change` free buckets to `ranges`, from the upper ends: two arms then stay two pieces with one moving border. */
function take(ranges: BucketRange[], free: BucketRange[], change: number): void {
  for (let left = change; left > 0;) {
    const last = free.pop();
    if (last === undefined) break;
    const [from, to] = last;
    const part = Math.min(left, to - from);
    ranges.push([to - part, to]);
    if (part < to - from) free.push([from, to - part]);
    left -= part;
  }
}
