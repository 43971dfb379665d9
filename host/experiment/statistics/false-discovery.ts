// e-BH: which of many secondary metrics moved, with the share of false ones among them at most α however they depend on each
// other (Wang and Ramdas, JRSS B 2022). Reported, never decided on.

/** @param eValues one per metric. @returns whether each counts as a discovery */
export function discoveries(eValues: readonly number[], alpha: number): boolean[] {
  const order = eValues.map((value, at) => ({ value, at })).sort((a, b) => b.value - a.value);
  const count = eValues.length;
  let kept = 0;
  order.forEach(({ value }, index) => {
    if (value >= count / (alpha * (index + 1))) kept = index + 1;
  });
  const found = Array.from({ length: count }, () => false);
  for (const { at } of order.slice(0, kept)) found[at] = true;
  return found;
}
