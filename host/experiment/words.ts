// Numbers as reports and reasons write them.

export const percent = (share: number): string => `${(100 * share).toFixed(Math.abs(share) < 0.1 ? 2 : 1)} %`;

/** An e-value. */
export const shortE = (value: number): string => (value < 1e4 ? value.toPrecision(3) : value.toExponential(1));

/** A value of a metric. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size === 0 || (size >= 0.01 && size < 1e5)) return String(Number(value.toPrecision(4)));
  return value.toExponential(2);
}

/** A time. Below a hundredth of a millisecond nothing here is exact. */
export function shortMillis(ms: number): string {
  if (ms < 0.01) return "0 ms";
  return ms < 10_000 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms / 1000).toPrecision(3))} s`;
}
