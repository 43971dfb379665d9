// Estimates of a ratio of sums (errors per request, milliseconds per request) when users, not requests, were randomised.
// Users are hashed into buckets; buckets are independent of each other, requests of one user are not.
import type { Estimate } from "./estimate.ts";

/** Buckets with something in them that an arm needs before anything is said of it (experiments.md 5.1). */
export const MIN_BUCKETS = 30;

/** Of one arm and metric: a numerator and a denominator per bucket, empty buckets included. */
export interface BucketSums {
  readonly numerators: ArrayLike<number>;
  readonly denominators: ArrayLike<number>;
}

/** How many buckets have seen anything. */
export function filledBuckets(denominators: ArrayLike<number>): number {
  let filled = 0;
  for (let at = 0; at < denominators.length; at++) if ((denominators[at] ?? 0) > 0) filled++;
  return filled;
}

/**
 * The ratio Σy/Σn with its variance by the delta method:
 * Var(R) = (s_yy - 2 R s_yn + R² s_nn) / (K n̄²), s = sample (co)variances over the K buckets (experiments.md 5.1).
 * @param units units of randomisation in the arm
 */
export function ratioOf({ numerators, denominators }: BucketSums, units: number): Estimate {
  const count = denominators.length;
  let sumY = 0;
  let sumN = 0;
  for (let at = 0; at < count; at++) {
    sumY += numerators[at] ?? 0;
    sumN += denominators[at] ?? 0;
  }
  if (sumN === 0 || count < 2) return { value: 0, variance: 0, units };
  const value = sumY / sumN;
  const meanN = sumN / count;
  // The residual y - R n has mean 0, so its sample variance is the bracket above without cancellation.
  let squares = 0;
  for (let at = 0; at < count; at++) {
    const residual = (numerators[at] ?? 0) - value * (denominators[at] ?? 0);
    squares += residual * residual;
  }
  return { value, variance: squares / (count - 1) / (count * meanN * meanN), units };
}
