// A number that was measured, with how sure one is of it. Every way of estimating ends in this shape, every verdict begins
// with it.

export interface Estimate {
  readonly value: number;
  /** Variance of `value` itself, not of a single observation. 0 = nothing is known of it. */
  readonly variance: number;
  /** Units of randomisation behind it. */
  readonly units: number;
}

/** B minus A, of independent arms. */
export function difference(control: Estimate, candidate: Estimate): Estimate {
  return {
    value: candidate.value - control.value,
    variance: control.variance + candidate.variance,
    units: control.units + candidate.units,
  };
}

/** The mean of `count` observations of independent units, from their sum and sum of squares. */
export function meanOf(count: number, sum: number, sumOfSquares: number): Estimate {
  if (count < 2) return { value: count === 0 ? 0 : sum, variance: 0, units: count };
  const value = sum / count;
  const spread = Math.max(0, (sumOfSquares - count * value * value) / (count - 1));
  return { value, variance: spread / count, units: count };
}

/**
 * One estimate out of several of the same quantity, each weighted by the inverse of its variance; null when none has one.
 * Steps of a rollout are combined so: pooling their raw counts would mix a change of weight with a change of load
 * (Simpson's paradox, experiments.md 4).
 */
export function combine(estimates: readonly Estimate[]): Estimate | null {
  const usable = estimates.filter(({ variance }) => variance > 0);
  if (usable.length === 0) return null;
  const weight = usable.reduce((sum, { variance }) => sum + 1 / variance, 0);
  const value = usable.reduce((sum, one) => sum + one.value / one.variance, 0) / weight;
  return { value, variance: 1 / weight, units: usable.reduce((sum, { units }) => sum + units, 0) };
}
