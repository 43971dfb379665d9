// From a byte of the rewritten module back to the byte its author's tools know. A stack frame of the rewritten module looked
// up in the original's source map gives null or another line; through this table it gives the right one.

/**
 * The original offset of `offset`, or null when nothing was copied so early. Inserted bytes count as the end of the run
 * before them: what they charge for comes next.
 * @param offsets pairs (rewritten, original), ascending, one per copied run
 */
export function originalOffset(offsets: Uint32Array, offset: number): number | null {
  let low = 0;
  let high = offsets.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle * 2] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return null;
  const from = offsets[low * 2 - 2] ?? 0;
  const original = (offsets[low * 2 - 1] ?? 0) + offset - from;
  const next = offsets[low * 2 + 1];
  return next === undefined ? original : Math.min(original, next);
}
