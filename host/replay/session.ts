// Several versions on one recording, side by side: each instance of the recording gets a player per version; when a stream
// ends, what they decided is compared, with what was recorded or with each other.
import type { SharedStore } from "../vm/ports.ts";
import { compare, Judge, type Judged } from "./compare.ts";
import type { BeginLine, RecordLine } from "./events.ts";
import { type Divergence, Player, type Subject } from "./player.ts";
import { type CallbackStep, type Step, Steps } from "./steps.ts";
import { Tally } from "./tally.ts";

/** Steps looked at ahead: what one callback may set off lies close behind it. */
const MAX_AHEAD = 4096;
const MAX_DIVERGENCES = 100;

export interface SessionOptions {
  /** Fields that are not compared. */
  readonly ignore: readonly string[];
  readonly live?: SharedStore;
  /** The second version is a sample: it plays so many streams of each instance, and is not compared with the first. */
  readonly sampleStreams?: number;
  /** Hears every callback of every version; for tests of determinism. */
  readonly heard?: (subject: string, step: CallbackStep) => void;
}

export interface FuelSum {
  count: number;
  fuel: number;
}

/** One version against what was recorded. */
export class Result {
  readonly subject: Subject;
  readonly tally = new Tally();
  readonly fuel = new Map<string, FuelSum>();
  readonly divergences: Divergence[] = [];
  diverged = 0;
  /** Why it did not start. */
  fault = "";

  constructor(subject: Subject) {
    this.subject = subject;
  }

  note(divergence: Divergence): void {
    this.diverged++;
    if (this.divergences.length < MAX_DIVERGENCES) this.divergences.push(divergence);
  }
}

interface Side {
  readonly result: Result;
  readonly player: Player;
  readonly judge: Judge;
  readonly judged: Map<number, Judged[]>;
}

/** One recorded instance. */
interface Instance {
  readonly recorded: Judge;
  readonly judged: Map<number, Judged[]>;
  readonly begins: Map<number, BeginLine>;
  readonly routes: Map<number, string>;
  sides: Side[];
  ended: number;
}

export class Session {
  readonly results: readonly Result[];
  /** Second version against the first; null with one version. */
  readonly between: Tally | null;
  readonly recordedFuel = new Map<string, FuelSum>();
  lost = 0;
  readonly #options: SessionOptions;
  readonly #instances = new Map<string, Instance>();
  readonly #assembly: Steps;
  #steps: Step[] = [];
  #at = 0;

  /** @param firstLine number of the line that comes first, for reports */
  constructor(subjects: readonly Subject[], options: SessionOptions, firstLine = 1) {
    this.results = subjects.map((subject) => new Result(subject));
    this.between = subjects.length === 2 && options.sampleStreams === undefined ? new Tally() : null;
    this.#options = options;
    this.#assembly = new Steps(firstLine);
  }

  add(lines: Iterable<RecordLine>): void {
    for (const line of lines) {
      const step = this.#assembly.add(line);
      if (step !== null) this.#steps.push(step);
    }
  }

  /** Plays what has been added. @param enough asked between steps: true stops, what is left waits for the next run */
  run(enough: () => boolean = () => false): void {
    while (this.#at < this.#steps.length && !enough()) {
      const step = this.#steps[this.#at];
      if (step !== undefined) this.#play(step);
      this.#at++;
    }
    // What has been played goes, also while more keeps coming.
    this.#steps.splice(0, this.#at);
    this.#at = 0;
  }

  *#ahead(): Generator<Step> {
    const end = Math.min(this.#steps.length, this.#at + MAX_AHEAD);
    for (let at = this.#at; at < end; at++) {
      const step = this.#steps[at];
      if (step !== undefined) yield step;
    }
  }

  #play(step: Step): void {
    if (step.kind === "vm") return this.#open(step);
    if (step.kind === "lost") this.lost += step.lost.streams;
    const instance = this.#instances.get(step.vm);
    if (instance === undefined) return;
    if (step.kind === "begin") instance.begins.set(step.begins.c, step.begins);
    if (step.kind === "callback") this.#recorded(instance, step);
    for (const { player } of instance.sides) player.play(step);
    if (step.kind === "end") this.#ended(instance, step.ends.c);
  }

  #open({ vm, begins }: Extract<Step, { kind: "vm" }>): void {
    // A thread's twin has been renewed: what it was before does not come back.
    const [thread] = vm.split(".");
    for (const known of this.#instances.keys()) if (known.split(".")[0] === thread) this.#close(known);
    const judged = new Map<number, Judged[]>();
    const instance: Instance = {
      recorded: new Judge(),
      judged,
      begins: new Map(),
      routes: new Map(),
      sides: [],
      ended: 0,
    };
    this.#instances.set(vm, instance);
    for (const result of this.results) {
      // Asked about the player only once it exists: what is told while it starts concerns no stream.
      const made: { player: Player | null } = { player: null };
      const judge = new Judge((c) => made.player?.recordedOf(c) ?? c);
      const own = new Map<number, Judged[]>();
      const told = (c: number, step: CallbackStep): void => this.#told({ result, judge, judged: own }, c, step);
      const seat = {
        upcoming: () => this.#ahead(),
        told,
        diverged: (divergence: Divergence) => result.note(divergence),
        ...(this.#options.live === undefined ? {} : { live: this.#options.live }),
      };
      const player = new Player(result.subject, begins, seat);
      made.player = player;
      if (player.fault !== "") result.fault ||= player.fault;
      instance.sides.push({ result, player, judge, judged: own });
    }
  }

  #recorded(instance: Instance, step: CallbackStep): void {
    const judged = instance.recorded.judge(step);
    const stream = [step.out?.c, step.in.c].find((c) => c !== undefined && instance.begins.has(c)) ?? 0;
    const route = step.in.facts?.["routeName"];
    if (route !== undefined) instance.routes.set(step.in.c, String(route));
    if (step.out !== null && isDecision(step)) push(instance.judged, stream, judged);
    addFuel(this.recordedFuel, judged);
  }

  #told(side: Omit<Side, "player">, c: number, step: CallbackStep): void {
    this.#options.heard?.(side.result.subject.name, step);
    const judged = side.judge.judge(step);
    if (isDecision(step)) push(side.judged, c, judged);
    addFuel(side.result.fuel, judged);
  }

  #ended(instance: Instance, c: number): void {
    const begin = instance.begins.get(c);
    if (begin === undefined) return;
    const isIgnored = (field: string): boolean => this.#options.ignore.includes(field);
    const about = {
      requestId: String(begin.facts["requestId"] ?? ""),
      route: instance.routes.get(c) ?? String(begin.facts["routeName"] ?? ""),
      timeMs: Number(begin.facts["startMs"] ?? 0),
    };
    const recorded = instance.judged.get(c) ?? [];
    for (const { result, judged } of instance.sides)
      if (result.fault === "")
        result.tally.add({ ...about, differences: compare(recorded, judged.get(c) ?? [], isIgnored) });
    const [a, b] = instance.sides;
    if (a !== undefined && b !== undefined)
      this.between?.add({ ...about, differences: compare(a.judged.get(c) ?? [], b.judged.get(c) ?? [], isIgnored) });
    if (++instance.ended === this.#options.sampleStreams) this.#dropSample(instance);
    instance.begins.delete(c);
    instance.judged.delete(c);
    instance.recorded.forget(c);
    for (const { judged, judge } of instance.sides) {
      judged.delete(c);
      judge.forget(c);
    }
  }

  #dropSample(instance: Instance): void {
    const [first, ...rest] = instance.sides;
    for (const { player } of rest) player.close();
    instance.sides = first === undefined ? [] : [first];
  }

  /** What waits is not played, and what runs has lost its thread: only instances that begin from now on are. */
  giveUp(): void {
    this.#steps = [];
    this.#at = 0;
    this.close();
  }

  /** Steps that wait. */
  get waiting(): number {
    return this.#steps.length - this.#at;
  }

  #close(vm: string): void {
    const instance = this.#instances.get(vm);
    this.#instances.delete(vm);
    for (const { player } of instance?.sides ?? []) player.close();
  }

  /** Nothing more comes: streams that have not ended are left out. */
  close(): void {
    for (const vm of this.#instances.keys()) this.#close(vm);
  }
}

/** Start-up and end of an instance decide nothing about traffic. */
const isDecision = ({ in: { fn } }: CallbackStep): boolean =>
  fn !== "_initialize" && !fn.endsWith("_on_context_create");

function push(lists: Map<number, Judged[]>, c: number, judged: Judged): void {
  // Outside any stream: ticks and the like.
  if (c === 0) return;
  const list = lists.get(c);
  if (list === undefined) lists.set(c, [judged]);
  else list.push(judged);
}

function addFuel(sums: Map<string, FuelSum>, { fn, fuel }: Judged): void {
  if (fuel === null) return;
  const sum = sums.get(fn) ?? { count: 0, fuel: 0 };
  sums.set(fn, sum);
  sum.count++;
  sum.fuel += fuel;
}
