// Random by weight: no state to share between data threads.
import type { Random } from "../../base/random.ts";
import type { Balancer, Candidate } from "./balancer.ts";
import { WeightedPicker } from "./weighted.ts";

export class RandomPick implements Balancer {
  readonly #picker: WeightedPicker;

  constructor(candidates: readonly Candidate[], random: Random) {
    this.#picker = new WeightedPicker(
      candidates.map((candidate) => candidate.weight),
      random,
    );
  }

  pick(avoid: number): number {
    return this.#picker.pickOther(avoid);
  }
}
