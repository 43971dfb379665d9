// The callbacks of a guest as a story: one phase per callback with the host calls it made. What `sluice call` and
// `sluice tap` show; fed by a VmTrace.
import * as action from "../../sdk/assembly/abi/action.ts";
import type { TracedGuest, VmTrace } from "./trace.ts";

/** One callback. */
export interface Phase {
  readonly name: string;
  /** After the context's id. */
  readonly args: readonly number[];
  /** `continue`, `pause`, `fault`, the number, or "" for callbacks whose result means nothing to the stream. */
  readonly action: string;
  readonly millis: number;
  /** Points used; null without a budget. */
  readonly fuel: number | null;
  /** In words, when the guest is traced. */
  readonly hostCalls: readonly string[];
  /** Why host calls were refused, in order. */
  readonly refusals: readonly string[];
  /** Host calls and refusals beyond what is kept. */
  readonly omitted: number;
}

export interface StoryOptions {
  /** Monotonic ms. */
  readonly now: () => number;
  /** Fuel at the start of a callback. */
  readonly budget: number | null;
  /** Host calls (and refusals) kept per phase. */
  readonly maxCalls: number;
  /** Whom a finished phase belongs to: the context the callback began with, and the one it ended with. */
  readonly tell: (phase: Phase, contextId: number, endedWith: number) => void;
  readonly show?: NonNullable<VmTrace["show"]>;
}

/** Longest line kept, characters: names are as long as a guest makes them. */
const MAX_LINE = 512;
const FAULTED = -1;

/** Turns what a VM says into phases. Callbacks of one VM never nest, so one running phase is enough. */
export class Story implements VmTrace {
  readonly #options: StoryOptions;
  readonly show?: NonNullable<VmTrace["show"]>;
  #args: readonly number[] = [];
  #contextId = 0;
  #calls: string[] = [];
  #refusals: string[] = [];
  #omitted = 0;
  #beganMs = 0;

  constructor(options: StoryOptions) {
    this.#options = options;
    if (options.show !== undefined) this.show = options.show;
  }

  callbackBegan(name: string, contextId: number, args: readonly number[]): void {
    this.#args = args.slice(0, argumentsOf(name));
    this.#contextId = contextId;
    this.#calls = [];
    this.#refusals = [];
    this.#omitted = 0;
    this.#beganMs = this.#options.now();
  }

  callbackEnded(name: string, result: number, guest: TracedGuest): void {
    const { now, budget, tell } = this.#options;
    const { fuelLeft } = guest;
    const phase = {
      name,
      args: this.#args,
      action: actionName(name, result),
      millis: now() - this.#beganMs,
      // Start-up has a larger budget of its own.
      fuel: budget === null || fuelLeft === null || fuelLeft > budget ? null : budget - fuelLeft,
      hostCalls: this.#calls,
      refusals: this.#refusals,
      omitted: this.#omitted,
    };
    tell(phase, this.#contextId, guest.context.id);
  }

  hostCall(words: string): void {
    this.#keep(this.#calls, words);
  }

  refused(reason: string): void {
    this.#keep(this.#refusals, reason);
  }

  #keep(list: string[], line: string): void {
    if (list.length >= this.#options.maxCalls) this.#omitted++;
    else list.push(line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line);
  }
}

/** Streams call every callback with two; how many of them it has. */
function argumentsOf(callback: string): number {
  if (/_on_(log|done|delete)$/.test(callback)) return 0;
  return /_(trailers|create)$/.test(callback) ? 1 : 4;
}

export function actionName(callback: string, result: number): string {
  if (result === FAULTED) return "fault";
  if (!/_(headers|body|trailers)$/.test(callback)) return "";
  if (result === action.CONTINUE) return "continue";
  return result === action.PAUSE ? "pause" : String(result);
}
