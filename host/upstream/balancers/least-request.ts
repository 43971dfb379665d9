// Power of two choices (Mitzenmacher 2001, as in Envoy's LEAST_REQUEST): of two random candidates the one with less load.
// Differs from Envoy with unequal weights: candidates are drawn in proportion to weight and load is compared per weight.
import type { Random } from "../../base/random.ts";
import type { Balancer, Candidate } from "./balancer.ts";
import { WeightedPicker } from "./weighted.ts";

export class LeastRequest implements Balancer {
  readonly #candidates: readonly Candidate[];
  readonly #picker: WeightedPicker;

  constructor(candidates: readonly Candidate[], random: Random) {
    this.#candidates = candidates;
    this.#picker = new WeightedPicker(
      candidates.map((candidate) => candidate.weight),
      random,
    );
  }

  pick(avoid: number): number {
    const first = this.#picker.pickOther(avoid);
    if (this.#candidates.length < 2) return first;
    const second = this.#picker.pickOther(first);
    if (second === avoid) return first;
    return this.#loadOf(second) < this.#loadOf(first) ? second : first;
  }

  #loadOf(at: number): number {
    const candidate = this.#candidates[at];
    return candidate === undefined ? Infinity : candidate.load / candidate.weight;
  }
}
