// The fuel counter of one instance, seen from the host: globals that module/fuel.ts added. Filled by the module itself at
// each callback; read here for reports and metrics, which is rare.
import { MAX_FUEL, START_FUEL_FACTOR } from "../abi/limits.ts";
import { FuelTank } from "./fuel-tank.ts";

/** What a callback has used since the instance began. */
export interface FuelUse {
  readonly calls: number;
  readonly points: number;
}

const USED = "__fuel_used:";
const CALLS = "__fuel_calls:";

const globalOf = (value: WebAssembly.ExportValue | undefined): WebAssembly.Global | null =>
  value instanceof WebAssembly.Global ? value : null;

export class FuelMeter {
  /** Points per callback; null = no CPU limit. */
  readonly #perCallback: number | null;
  #counter: WebAssembly.Global | null = null;
  /** What the module fills its counter with at the start of each callback. */
  #budget: WebAssembly.Global | null = null;
  /** The counters of a component, which the host fills. */
  #tank: FuelTank | null = null;
  readonly #uses = new Map<string, FuelUse>();
  #exports: WebAssembly.Exports = {};
  /** Most points that one step of the start-up may use, where that is known from the canary. */
  #forStart: number;
  #startUse = 0;
  /** The callback that ended it, whose tail never ran. */
  #last: readonly [string, FuelUse] | null = null;

  constructor(perCallback: number | null, forStart: number | null = null) {
    this.#perCallback = perCallback;
    this.#forStart = forStart ?? MAX_FUEL;
  }

  /** @param parts exports of each core instance: of a module there is one, its own */
  attach(exports: WebAssembly.Exports, parts: readonly WebAssembly.Exports[]): void {
    this.#exports = exports;
    if (parts[0] !== exports) this.#tank = new FuelTank(parts);
    this.#counter = globalOf(exports["__fuel"]);
    this.#budget = globalOf(exports["__fuel_budget"]);
    if (this.#tank === null) this.#budgetForStart();
    else this.#setBudget(1, MAX_FUEL);
  }

  /** What `_initialize` and `_start` may use; a start section has run already, on the counter's first value. */
  #budgetForStart(): void {
    const { left } = this;
    if (this.#counter === null || this.#budget === null || left === null) return;
    this.#counter.value = Math.min(left, this.#forStart);
    this.#budget.value = this.#counter.value;
  }

  /** A step of the start-up has ended: callbacks have the ordinary budget from here on. */
  startStepEnded(): void {
    this.#startUse = Math.max(this.#startUse, this.used ?? 0);
    this.#setBudget(1, MAX_FUEL);
  }

  /** The most points that a step of the start-up has used. */
  get startUse(): number {
    return this.#startUse;
  }

  /** The module has functions of its own before its callbacks. */
  get isThere(): boolean {
    return this.#budget !== null;
  }

  /** Points that the last callback left over, or the running one may still use; null without a budget. */
  get left(): number | null {
    if (this.#tank !== null) return this.#tank.left;
    return this.#counter === null ? null : Number(this.#counter.value);
  }

  get isOut(): boolean {
    if (this.#tank !== null) return this.#tank.isEmpty;
    return this.#counter !== null && Number(this.#counter.value) < 0;
  }

  /** Of the callback that runs, or ran last; null without a budget. */
  get used(): number | null {
    const { left } = this;
    if (this.#tank !== null) return this.#tank.used;
    return left === null || this.#budget === null ? null : Number(this.#budget.value) - Math.max(0, left);
  }

  /** For a step of the start-up. */
  setStartBudget(): void {
    this.#setBudget(START_FUEL_FACTOR, this.#forStart);
  }

  #setBudget(factor: number, most: number): void {
    if (this.#perCallback === null) return;
    const points = Math.min(this.#perCallback * factor, most);
    if (this.#budget !== null) this.#budget.value = points;
    this.#tank?.setBudget(points);
  }

  /** What follows the canary has not seen: configurations of routes. */
  liftStartLimit(): void {
    this.#forStart = MAX_FUEL;
  }

  /** Of a component, at the start of a callback: it cannot fill its counters by itself. */
  fill(): void {
    this.#tank?.fill();
  }

  /** Of a component, at the end of a callback. */
  count(callback: string): void {
    addUse(this.#uses, callback, { calls: 1, points: this.used ?? 0 });
  }

  /** What the host did for the guest. Below zero, its next charge point traps, which it cannot catch. */
  charge(points: number): void {
    this.#tank?.take(points);
    const { left } = this;
    if (this.#counter !== null && left !== null) this.#counter.value = Math.max(-1, left - points);
  }

  ended(callback: string): void {
    this.#last = [callback, { calls: 1, points: this.used ?? 0 }];
  }

  /** By callback; the allocator and the start are not among them. */
  get uses(): ReadonlyMap<string, FuelUse> {
    const uses = new Map<string, FuelUse>(this.#uses);
    for (const name of Object.keys(this.#exports)) {
      if (!name.startsWith(USED)) continue;
      const callback = name.slice(USED.length);
      const calls = Number(globalOf(this.#exports[CALLS + callback])?.value ?? 0n);
      const points = Number(globalOf(this.#exports[name])?.value ?? 0n);
      if (calls > 0) uses.set(callback, { calls, points });
    }
    return this.#last === null ? uses : addUse(uses, ...this.#last);
  }
}

/** @param into changed */
export function addUse(into: Map<string, FuelUse>, callback: string, { calls, points }: FuelUse): typeof into {
  const known = into.get(callback);
  return into.set(callback, { calls: calls + (known?.calls ?? 0), points: points + (known?.points ?? 0) });
}
