// Figures out of samples. The minimum is what counts: on a shared machine disturbance only adds.

/** @throws on an empty list: a figure made of nothing must not be printed */
export function minimum(values: readonly number[]): number {
  return percentile(values, 0);
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** Linear between the two nearest ranks. @param percent 0 to 100 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new RangeError("no samples");
  return below + (above - below) * (place - Math.floor(place));
}

/** A figure with the two statistics of every row. */
export interface Figure {
  readonly min: number;
  readonly median: number;
}

export const figureOf = (values: readonly number[]): Figure => ({ min: minimum(values), median: median(values) });

/** Minimum by minimum, median by median. */
export function combine(a: Figure, b: Figure, how: (a: number, b: number) => number): Figure {
  return { min: how(a.min, b.min), median: how(a.median, b.median) };
}

export const ratio = (a: Figure, b: Figure): Figure => combine(a, b, (x, y) => x / y);
