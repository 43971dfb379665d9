// Asymptotic confidence sequences: intervals that hold at all times at once, so that looking as often as one likes costs
// nothing (Waudby-Smith et al., arXiv 2103.06476v7, eq. 9, 134 and 161; the same formulas as GrowthBook's sequential test).
import type { Estimate } from "./estimate.ts";

export interface Level {
  /** Chance of ever being wrong. */
  readonly alpha: number;
  /** Units at which the interval is tightest, N*. */
  readonly tuning: number;
}

/** How wide the mixture is, so that the interval is tightest at N* units. */
export function mixtureWidth({ alpha, tuning }: Level): number {
  const twice = -2 * Math.log(alpha);
  return Math.sqrt((twice + Math.log(twice + 1)) / tuning);
}

/** Infinite as long as nothing is known of the variance. */
export function halfWidth({ variance, units }: Estimate, level: Level): number {
  if (variance <= 0 || units <= 0) return Infinity;
  const drift = units * mixtureWidth(level) ** 2;
  const spread = variance * units;
  return Math.sqrt(((2 * spread * (drift + 1)) / (units * drift)) * Math.log(Math.sqrt(drift + 1) / level.alpha));
}

/** Of the bound on one side only: tighter, since all of α is spent there. */
export function oneSidedWidth({ variance, units }: Estimate, { alpha, tuning }: Level): number {
  if (variance <= 0 || units <= 0) return Infinity;
  const drift = units * mixtureWidth({ alpha: Math.min(2 * alpha, 0.999), tuning }) ** 2;
  const spread = variance * units;
  const log = Math.log(1 + Math.sqrt(drift + 1) / (2 * alpha));
  return Math.sqrt(((2 * spread * (drift + 1)) / (units * drift)) * log);
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Both ends at α. */
export function intervalOf(estimate: Estimate, level: Level): Interval {
  const half = halfWidth(estimate, level);
  return { low: estimate.value - half, high: estimate.value + half };
}

/**
 * Evidence against "the difference is 0": at least 1/α exactly when the two-sided interval at α leaves 0 out. 1 = none.
 */
export function eValue({ value, variance, units }: Estimate, level: Level): number {
  if (variance <= 0 || units <= 0) return 1;
  const drift = units * mixtureWidth(level) ** 2;
  return Math.exp(((value * value) / variance) * (drift / (2 * (drift + 1)))) / Math.sqrt(drift + 1);
}
