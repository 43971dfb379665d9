// Smooth weighted round robin (nginx): each turn every candidate gains its weight, the richest is chosen and pays the sum,
// so a heavy one is spread out instead of served in a row. Starts at a random place, lest all data threads begin alike.
import type { Random } from "../../base/random.ts";
import type { Balancer, Candidate } from "./balancer.ts";

export class RoundRobin implements Balancer {
  readonly #weights: readonly number[];
  readonly #credit: number[];
  readonly #total: number;
  readonly #even: boolean;
  #next: number;

  constructor(candidates: readonly Candidate[], random: Random) {
    this.#weights = candidates.map((candidate) => candidate.weight);
    this.#credit = this.#weights.map(() => 0);
    this.#total = this.#weights.reduce((sum, weight) => sum + weight, 0);
    this.#even = this.#weights.every((weight) => weight === this.#weights[0]);
    this.#next = Math.floor(random.fraction() * this.#weights.length);
  }

  pick(avoid: number): number {
    const first = this.#step();
    return first === avoid && this.#weights.length > 1 ? this.#stepPast(avoid) : first;
  }

  #stepPast(avoid: number): number {
    for (let turn = 0; turn < this.#weights.length; turn++) {
      const next = this.#step();
      if (next !== avoid) return next;
    }
    return (avoid + 1) % this.#weights.length;
  }

  #step(): number {
    const count = this.#weights.length;
    if (count < 2) return count - 1;
    if (!this.#even) return this.#stepWeighted();
    const at = this.#next;
    this.#next = at + 1 === count ? 0 : at + 1;
    return at;
  }

  #stepWeighted(): number {
    let best = 0;
    for (let at = 0; at < this.#weights.length; at++) {
      this.#credit[at] = (this.#credit[at] as number) + (this.#weights[at] as number);
      if ((this.#credit[at] as number) > (this.#credit[best] as number)) best = at;
    }
    this.#credit[best] = (this.#credit[best] as number) - this.#total;
    return best;
  }
}
