// The newest host calls of one VM, for the report when it dies; and their number, since host work is not covered by the
// guest's own fuel counter (components-and-isolation.md 2.3). Costs a healthy call four stores: names and words are made
// when somebody reads them. imports.ts puts it before every host function.
import { STATUS_NAMES } from "./abi-words.ts";
import type { HostFunction } from "./host-function.ts";

/** A power of two (abi.md 13). */
const KEPT = 16;
/** Host calls between two charges, a power of two: reading and writing the counter from here costs as much as a call. */
const CHARGED_CALLS = 512;
/** Points of one host call, before the bytes it copies (reliability.md 2.2). */
const CALL_POINTS = 100;
const FAR = 2 ** 29;
const NEVER_RETURNED = -0x8000_0000;

type Numbers = (number | bigint)[];
type Call = (...args: Numbers) => number | undefined;

/** Places of `#state`. */
const COUNT = 0;
/** The count when the running callback began. */
const BEGAN = 1;

export class CallRing {
  readonly #names: string[] = [];
  readonly #own = new Set<string>();
  readonly #which = new Int32Array(KEPT);
  readonly #answers = new Int32Array(KEPT);
  readonly #state = new Int32Array(2);
  readonly #charge: (points: number) => void;

  /** @param charge takes points off the guest's fuel */
  constructor(charge: (points: number) => void) {
    this.#charge = charge;
  }

  callbackBegan(): void {
    const state = this.#state;
    const count = state[COUNT] as number;
    // Long before it wraps; places keep their order.
    if (count > FAR) state[COUNT] = KEPT + (count & (KEPT - 1));
    state[BEGAN] = state[COUNT] as number;
  }

  /**
   * A number for a host function that records itself with `began` and `ended`: the few that filters call all the time, which a
   * function around them would keep from becoming one piece of machine code with what they call (bench: P6).
   */
  own(name: string): number {
    this.#own.add(name);
    return this.#names.push(name) - 1;
  }

  /** The place of a call that begins now. */
  began(call: number): number {
    const state = this.#state;
    const count = state[COUNT] as number;
    const at = count & (KEPT - 1);
    state[COUNT] = count + 1;
    this.#which[at] = call;
    this.#answers[at] = NEVER_RETURNED;
    if (((count + 1 - (state[BEGAN] as number)) & (CHARGED_CALLS - 1)) === 0) this.#charge(CHARGED_CALLS * CALL_POINTS);
    return at;
  }

  ended(at: number, answer: number): number {
    this.#answers[at] = answer;
    return answer;
  }

  /**
   * `run`, recorded unless it does that by itself. A host function has as many arguments as its import; closures of few fixed ones are the fast case (bench: P5).
   */
  record(name: string, run: HostFunction, arity: number): HostFunction {
    if (this.#own.has(name)) return run;
    return recorder(this, { which: this.#names.push(name) - 1, run: run as Call, arity });
  }

  /** Oldest first: `get_header_map_value = OK`. Those of earlier callbacks are marked. */
  get words(): readonly string[] {
    const count = this.#state[COUNT] as number;
    const from = Math.max(0, count - KEPT);
    return Array.from({ length: count - from }, (_, at) => this.#word(from + at));
  }

  #word(count: number): string {
    const at = count & (KEPT - 1);
    const name = (this.#names[this.#which[at] ?? 0] ?? "").replace(/^proxy_/, "");
    const answer = this.#answers[at] ?? 0;
    const said = answer === NEVER_RETURNED ? "did not return" : (STATUS_NAMES.get(answer) ?? String(answer));
    return `${count < (this.#state[BEGAN] as number) ? "before: " : ""}${name} = ${said}`;
  }
}

function recorder(ring: CallRing, { which, run, arity }: { which: number; run: Call; arity: number }): HostFunction {
  switch (arity) {
    case 1:
      return (a: number) => {
        const at = ring.began(which);
        return ring.ended(at, run(a) as number);
      };
    case 2:
      return (a: number, b: number) => {
        const at = ring.began(which);
        return ring.ended(at, run(a, b) as number);
      };
    case 3:
      return (a: number, b: number, c: number) => {
        const at = ring.began(which);
        return ring.ended(at, run(a, b, c) as number);
      };
    case 5:
      return (a: number, b: number, c: number, d: number, e: number) => {
        const at = ring.began(which);
        return ring.ended(at, run(a, b, c, d, e) as number);
      };
    default:
      return (...args: Numbers) => {
        const at = ring.began(which);
        return ring.ended(at, run(...args) as number);
      };
  }
}
