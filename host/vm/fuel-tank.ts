// The fuel counters of several core instances at once: the parts of a component, or a program of the runner. The host fills
// them; a filter's core module does so by itself (fuel-meter.ts).
import { BUDGET_EXPORT, FUEL_EXPORT } from "../module/fuel.ts";

const isGlobal = (value: unknown): value is WebAssembly.Global => value instanceof WebAssembly.Global;

export class FuelTank {
  readonly #counters: readonly WebAssembly.Global[];
  readonly #budgets: readonly WebAssembly.Global[];
  #budget = 0;

  /** @param parts the exports of each core instance; those without a counter have no limit */
  constructor(parts: readonly WebAssembly.Exports[]) {
    this.#counters = parts.map((exports) => exports[FUEL_EXPORT]).filter(isGlobal);
    this.#budgets = parts.map((exports) => exports[BUDGET_EXPORT]).filter(isGlobal);
  }

  /** What a callback may use from now on. */
  setBudget(points: number): void {
    this.#budget = points;
    for (const budget of this.#budgets) budget.value = points;
  }

  /** At the start of a callback of a component: each part may use the budget. */
  fill(): void {
    for (const counter of this.#counters) counter.value = this.#budget;
  }

  /** The host works on behalf of the guest: the next charge point traps if nothing is left. */
  take(points: number): void {
    for (const counter of this.#counters) counter.value = Math.max((counter.value as number) - points, -1);
  }

  /** Points left over by the last callback, or by the running one so far; null without a counter. */
  get left(): number | null {
    const { used } = this;
    return used === null ? null : this.#budget - used;
  }

  /** Points that all parts have used together; null without a counter. */
  get used(): number | null {
    if (this.#counters.length === 0) return null;
    let used = 0;
    for (const counter of this.#counters) used += this.#budget - (counter.value as number);
    return used;
  }

  get isEmpty(): boolean {
    for (const counter of this.#counters) if ((counter.value as number) < 0) return true;
    return false;
  }
}
