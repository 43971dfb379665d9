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

export class CallRing {
  readonly #names: string[] = [];
  readonly #which = new Int32Array(KEPT);
  readonly #answers = new Int32Array(KEPT);
  readonly #charge: (points: number) => void;
  #count = 0;
  /** `#count` when the running callback began. */
  #began = 0;

  /** @param charge takes points off the guest's fuel */
  constructor(charge: (points: number) => void) {
    this.#charge = charge;
  }

  callbackBegan(): void {
    // Small integers stay small, and places keep their order.
    if (this.#count > FAR) this.#count = KEPT + (this.#count & (KEPT - 1));
    this.#began = this.#count;
  }

  #enter(which: number): number {
    const at = this.#count & (KEPT - 1);
    this.#count++;
    this.#which[at] = which;
    this.#answers[at] = NEVER_RETURNED;
    if (((this.#count - this.#began) & (CHARGED_CALLS - 1)) === 0) this.#charge(CHARGED_CALLS * CALL_POINTS);
    return at;
  }

  /** `run`, recorded. A host function has as many arguments as its import; closures of few fixed ones are the fast case. */
  record(name: string, run: HostFunction, arity: number): HostFunction {
    const which = this.#names.push(name) - 1;
    const call = run as Call;
    const answers = this.#answers;
    const note = (at: number, answer: number | undefined): number | undefined => {
      answers[at] = answer as number;
      return answer;
    };
    switch (arity) {
      case 0:
        return () => note(this.#enter(which), call());
      case 1:
        return (a: number) => note(this.#enter(which), call(a));
      case 2:
        return (a: number, b: number) => note(this.#enter(which), call(a, b));
      case 3:
        return (a: number, b: number, c: number) => note(this.#enter(which), call(a, b, c));
      case 5:
        return (a: number, b: number, c: number, d: number, e: number) => note(this.#enter(which), call(a, b, c, d, e));
      default:
        return (...args: Numbers) => note(this.#enter(which), call(...args));
    }
  }

  /** Oldest first: `get_header_map_value = OK`. Those of earlier callbacks are marked. */
  get words(): readonly string[] {
    const from = Math.max(0, this.#count - KEPT);
    return Array.from({ length: this.#count - from }, (_, at) => this.#word(from + at));
  }

  #word(count: number): string {
    const at = count & (KEPT - 1);
    const name = (this.#names[this.#which[at] ?? 0] ?? "").replace(/^proxy_/, "");
    const answer = this.#answers[at] ?? 0;
    const said = answer === NEVER_RETURNED ? "did not return" : (STATUS_NAMES.get(answer) ?? String(answer));
    return `${count < this.#began ? "before: " : ""}${name} = ${said}`;
  }
}
