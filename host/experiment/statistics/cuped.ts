// CUPED: what the same buckets did before the test explains part of what they do during it; taking that part away leaves
// the mean where it was and the variance at 1 - ρ² of itself (Deng et al., WSDM 2013; experiments.md 5.1).
import type { BucketSums } from "./ratio.ts";

export interface Covariate {
  /** cov(Y, X) / var(X) over the buckets of both arms; 0 when X does not vary. */
  readonly theta: number;
  readonly mean: number;
}

/** A bucket's values per unit of denominator, where both periods have some. */
interface Pair {
  readonly now: number;
  readonly before: number;
}

function pairsOf(now: BucketSums, before: BucketSums): Pair[] {
  const pairs: Pair[] = [];
  for (let at = 0; at < now.denominators.length; at++) {
    const n = now.denominators[at] ?? 0;
    const pre = before.denominators[at] ?? 0;
    if (n > 0 && pre > 0)
      pairs.push({ now: (now.numerators[at] ?? 0) / n, before: (before.numerators[at] ?? 0) / pre });
  }
  return pairs;
}

/** One θ and one mean for both arms: with one per arm the adjustment would move the difference itself. */
export function covariateOf(arms: readonly { readonly now: BucketSums; readonly before: BucketSums }[]): Covariate {
  const pairs = arms.flatMap(({ now, before }) => pairsOf(now, before));
  const mean = pairs.reduce((sum, pair) => sum + pair.before, 0) / Math.max(1, pairs.length);
  const meanNow = pairs.reduce((sum, pair) => sum + pair.now, 0) / Math.max(1, pairs.length);
  let covariance = 0;
  let variance = 0;
  for (const { now, before } of pairs) {
    covariance += (now - meanNow) * (before - mean);
    variance += (before - mean) ** 2;
  }
  return { theta: variance === 0 ? 0 : covariance / variance, mean };
}

/** Numerators as they would be had every bucket been average before: y' = y - θ (x - x̄) n. */
export function adjust(now: BucketSums, before: BucketSums, { theta, mean }: Covariate): BucketSums {
  const numerators = Array.from(now.numerators, (y, at) => {
    const n = now.denominators[at] ?? 0;
    const pre = before.denominators[at] ?? 0;
    return pre === 0 ? y : y - theta * ((before.numerators[at] ?? 0) / pre - mean) * n;
  });
  return { numerators, denominators: now.denominators };
}
