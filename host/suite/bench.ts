// A test's benchmark: its phases over and over on one instance, with other streams beside it if the suite wants them. Tells
// time and fuel per phase and never fails: figures are for people.
import { seededRandom, type Random } from "../base/random.ts";
import type { Harness } from "../testing/harness.ts";
import type { ReadyBody, ReadyTest } from "./ready.ts";
import { type FilterSetup, newHarness, Session, type Side } from "./session.ts";

export interface PhaseFigures {
  readonly phase: string;
  /** Time of one round, host included: median and 99th percentile. */
  readonly medianNanos: number;
  readonly p99Nanos: number;
  /** Fuel points of all its callbacks (see `limits.fuel`); null when the module has no budget. */
  readonly fuel: number | null;
}

export interface Benchmark {
  readonly rounds: number;
  readonly phases: readonly PhaseFigures[];
  /** Linear memory afterwards. */
  readonly memoryBytes: number;
}

export interface BenchOptions {
  readonly moreStreams: number;
  readonly advanceRate: number;
  /** Monotonic time. */
  readonly nowMs: () => number;
  /** When to stop, at least {@link MIN_ROUNDS} and at most {@link MAX_ROUNDS} rounds. */
  readonly budgetMs: number;
}

const MIN_ROUNDS = 20;
const MAX_ROUNDS = 10_000;
/** Rounds before counting, so that code and caches are warm. */
const WARM_UP = 10;
/** Logs are off in benchmarks, as in Google's runner: CRITICAL. */
const QUIET = 5;
/** The harness's default budget (host/testing/harness.ts). */
const FUEL = 10_000_000;

interface Measured extends Omit<Benchmark, "phases"> {
  readonly phases: readonly Omit<PhaseFigures, "fuel">[];
}

interface Step {
  readonly phase: string;
  run(session: Session): void;
}

function stepsOf(test: ReadyTest): readonly Step[] {
  const headers = (side: Side, phase: ReadyTest["requestHeaders"]): readonly Step[] =>
    phase === null ? [] : [{ phase: `${side}_headers`, run: (session) => void session.headers(side, phase.list) }];
  const bodies = (side: Side, list: readonly ReadyBody[]): readonly Step[] =>
    list.length === 0 ? [] : [{ phase: `${side}_body`, run: (session) => sendBodies(side, list, session) }];
  return [
    ...headers("request", test.requestHeaders),
    ...bodies("request", test.requestBody),
    ...headers("response", test.responseHeaders),
    ...bodies("response", test.responseBody),
  ];
}

function sendBodies(side: Side, list: readonly ReadyBody[], session: Session): void {
  for (const [at, { chunks }] of list.entries()) session.body(side, chunks, at === list.length - 1);
}

/** A stream beside the measured one: it moves a phase whenever it is picked, and begins anew after its end. */
class Bystander {
  readonly #harness: Harness;
  readonly #test: ReadyTest;
  #session: Session;
  #at = 0;

  constructor(harness: Harness, test: ReadyTest) {
    this.#harness = harness;
    this.#test = test;
    this.#session = new Session(harness, test);
  }

  advance(steps: readonly Step[]): void {
    const step = steps[this.#at++];
    if (step !== undefined) {
      step.run(this.#session);
      return;
    }
    this.#session.end();
    this.#session = new Session(this.#harness, this.#test);
    this.#at = 0;
  }

  end(): void {
    this.#session.end();
  }
}

class Bench {
  readonly #harness: Harness;
  readonly #test: ReadyTest;
  readonly #options: BenchOptions;
  readonly #others: readonly Bystander[];
  readonly #random: Random = seededRandom(1);
  /** Per phase, ms of every counted round. */
  readonly #times = new Map<string, number[]>();

  constructor(harness: Harness, test: ReadyTest, options: BenchOptions) {
    this.#harness = harness;
    this.#test = test;
    this.#options = options;
    this.#others = Array.from({ length: options.moreStreams }, () => new Bystander(harness, test));
    for (const other of this.#others) other.advance(stepsOf(test));
  }

  run(): Measured {
    const { nowMs, budgetMs } = this.#options;
    for (let round = 0; round < WARM_UP; round++) this.#round();
    this.#times.clear();
    const until = nowMs() + budgetMs;
    let rounds = 0;
    while (rounds < MIN_ROUNDS || (rounds < MAX_ROUNDS && nowMs() < until)) {
      this.#round();
      rounds++;
    }
    const memoryBytes = this.#harness.memoryBytes();
    for (const other of this.#others) other.end();
    return { rounds, phases: [...this.#times.keys()].map((phase) => this.#figures(phase)), memoryBytes };
  }

  #round(): void {
    this.#moveOthers();
    const { nowMs } = this.#options;
    playRound(this.#harness, this.#test, (phase, run) => {
      const began = nowMs();
      run();
      this.#timesOf(phase).push(nowMs() - began);
    });
    this.#harness.logs.length = 0;
  }

  #timesOf(phase: string): number[] {
    const times = this.#times.get(phase) ?? [];
    this.#times.set(phase, times);
    return times;
  }

  #moveOthers(): void {
    if (this.#others.length === 0) return;
    for (let moved = 0; moved < this.#options.advanceRate; moved++) {
      const picked = this.#others[Math.floor(this.#random.fraction() * this.#others.length)];
      picked?.advance(stepsOf(this.#test));
    }
  }

  #figures(phase: string): Omit<PhaseFigures, "fuel"> {
    const times = [...(this.#times.get(phase) ?? [])].sort((a, b) => a - b);
    const at = (share: number): number => Math.round((times[Math.floor(times.length * share)] ?? 0) * 1e6);
    return { phase, medianNanos: at(0.5), p99Nanos: at(0.99) };
  }
}

/** One stream from its creation to its end; `around` is given every phase to run. */
function playRound(harness: Harness, test: ReadyTest, around: (phase: string, run: () => void) => void): void {
  let session: Session | null = null;
  around("stream_init", () => void (session = new Session(harness, test)));
  for (const { phase, run } of stepsOf(test)) around(phase, () => session !== null && run(session));
  around("stream_destroy", () => void session?.end());
}

/** Fuel per phase, from a round of its own: listening costs time. Null when the module has no budget. */
function measureFuel(test: ReadyTest, setup: FilterSetup): ReadonlyMap<string, number> | null {
  let sum = 0;
  let harness: Harness | null = null;
  const callbackEnded = (): void => {
    sum += FUEL - (harness?.generations[0]?.fuelLeft ?? FUEL);
  };
  harness = newHarness(setup, { callbackBegan: () => {}, callbackEnded, hostCall: () => {} });
  const fuel = new Map<string, number>();
  playRound(harness, test, (phase, run) => {
    sum = 0;
    run();
    fuel.set(phase, sum);
  });
  const hasBudget = harness.generations[0]?.fuelLeft !== null;
  harness.close();
  return hasBudget ? fuel : null;
}

/** @throws ProblemError as newHarness does */
export function benchTest(test: ReadyTest, setup: FilterSetup, options: BenchOptions): Benchmark {
  const quiet = { ...setup, logLevel: QUIET };
  const fuel = measureFuel(test, quiet);
  const harness = newHarness(quiet);
  try {
    const measured = new Bench(harness, test, options).run();
    const phases = measured.phases.map((one) => ({ ...one, fuel: fuel?.get(one.phase) ?? null }));
    return { ...measured, phases };
  } finally {
    harness.close();
  }
}
