// A histogram of times that any two threads can add up: eight bins per doubling from a microsecond to over an hour, so a
// quantile read from it is at most 9 % too high. Also where the threshold of the latency guardrail comes from.

const PER_DOUBLING = 8;
export const LATENCY_BINS = 256;

/** Bin of a time in ms. */
export function binOf(ms: number): number {
  const micros = ms * 1000;
  if (!(micros > 1)) return 0;
  return Math.min(LATENCY_BINS - 1, 1 + Math.floor(Math.log2(micros) * PER_DOUBLING));
}

/** Greatest time of a bin, ms. */
export function upperEdge(bin: number): number {
  return 2 ** (bin / PER_DOUBLING) / 1000;
}

/** The time below which `quantile` (0 to 1) of the observations lie, or null without any. */
export function quantileOf(bins: ArrayLike<number>, quantile: number): number | null {
  let total = 0;
  for (let bin = 0; bin < bins.length; bin++) total += bins[bin] ?? 0;
  if (total === 0) return null;
  let seen = 0;
  for (let bin = 0; bin < bins.length; bin++) {
    seen += bins[bin] ?? 0;
    if (seen >= quantile * total) return upperEdge(bin);
  }
  return upperEdge(bins.length - 1);
}
