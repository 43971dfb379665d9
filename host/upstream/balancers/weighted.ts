// A random pick in proportion to fixed weights; the ground under two of the balancers.
import type { Random } from "../../base/random.ts";

export class WeightedPicker {
  /** Running sums of the weights. */
  readonly #sums: number[] = [];
  readonly #total: number;
  readonly #even: boolean;
  readonly #random: Random;

  constructor(weights: readonly number[], random: Random) {
    let total = 0;
    for (const weight of weights) this.#sums.push((total += weight));
    this.#total = total;
    this.#even = weights.every((weight) => weight === weights[0]);
    this.#random = random;
  }

  /** A number below the count of weights; -1 when there is none. */
  pick(): number {
    const count = this.#sums.length;
    if (count < 2) return count - 1;
    const fraction = this.#random.fraction();
    return this.#even ? Math.floor(fraction * count) : this.#search(fraction * this.#total);
  }

  /** As `pick`, but another than `avoid` if there is another. */
  pickOther(avoid: number): number {
    const count = this.#sums.length;
    const first = this.pick();
    if (first !== avoid || count < 2) return first;
    // A few throws keep the proportions of the others; the neighbour ends a streak of bad luck.
    for (let turn = 0; turn < 4; turn++) {
      const next = this.pick();
      if (next !== avoid) return next;
    }
    return (avoid + 1) % count;
  }

  #search(target: number): number {
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (target < (this.#sums[middle] as number)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
