// GrowthBook's assignment arithmetic, version 2 of its hash and what stands on it, kept to the letter so that the published
// vectors hold (growthbook/growthbook packages/sdk-js/test/cases.json) and a unit lands where GrowthBook would put it.
import { fnv1a32 } from "../base/hash.ts";

/** From, inclusive, to, exclusive; ratios. */
export type RatioRange = readonly [number, number];

/** A point in [0, 1), or null for an unknown version. Version 2 hashes twice, because version 1 was visibly uneven. */
export function hashToRatio(seed: string, value: string, version: number): number | null {
  if (version === 1) return (fnv1a32(value + seed) % 1000) / 1000;
  if (version === 2) return bucketOf(seed, value) / BUCKETS;
  return null;
}

/** Buckets a unit can fall into. */
export const BUCKETS = 10_000;

/** The bucket of a unit, 0 to 9999: hash version 2 before the division. */
export function bucketOf(salt: string, unit: string): number {
  return fnv1a32(String(fnv1a32(salt + unit))) % BUCKETS;
}

/** `count` weights that add up to 1; none for a count below 1. */
export function equalWeights(count: number): number[] {
  return count < 1 ? [] : Array.from({ length: count }, () => 1 / count);
}

/**
 * Where each variation's range lies; `coverage` (0 to 1, clamped) keeps that part of each. Weights that are not as many as
 * variations, or do not add up to 1 within a hundredth, count as equal ones.
 */
export function bucketRanges(count: number, coverage: number, weights: readonly number[] | null): RatioRange[] {
  const kept = Math.min(Math.max(coverage, 0), 1);
  const sum = (weights ?? []).reduce((total, weight) => total + weight, 0);
  const usable = weights !== null && weights.length === count && sum >= 0.99 && sum <= 1.01;
  let from = 0;
  return (usable ? weights : equalWeights(count)).map((weight) => {
    const start = from;
    from += weight;
    return [start, start + kept * weight];
  });
}

/** Index of the range that holds `ratio`, or -1. */
export function chooseVariation(ratio: number, ranges: readonly RatioRange[]): number {
  return ranges.findIndex(([from, to]) => ratio >= from && ratio < to);
}

/** A layer: experiments with disjoint parts of one namespace never share a unit. */
export interface Namespace {
  readonly id: string;
  readonly range: RatioRange;
}

export function inNamespace(unit: string, { id, range }: Namespace): boolean {
  const ratio = hashToRatio(`__${id}`, unit, 1) ?? -1;
  return ratio >= range[0] && ratio < range[1];
}
