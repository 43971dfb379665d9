// Leads one module through the life of one recorded instance, step by step, and tells what it did in the same words. Used by
// `sluice replay`, by the shadow thread, and by the testing kit; there is no other engine.
import { newArmCounts, type ChainSlot } from "../chain/slot.ts";
import { Generation } from "../plugin/generation.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { PluginServices } from "../plugin/services.ts";
import type { SharedStore } from "../vm/ports.ts";
import { Answers } from "./answers.ts";
import type { Facts, InLine, VmLine } from "./events.ts";
import { toStreamFacts } from "./facts.ts";
import { close, feed, type Life, prepare } from "./feed.ts";
import { Recorder } from "./recorder.ts";
import { type ReplayParts, ReplayStream } from "./replay-stream.ts";
import { type CallbackStep, type Step, Steps } from "./steps.ts";
import { EMPTY_TAPE, Tape } from "./tape.ts";
import { World } from "./world.ts";

export interface Subject {
  /** `v1`, a file's name: for reports. */
  readonly name: string;
  readonly module: WebAssembly.Module;
  readonly sha256: string;
  readonly options: FilterOptions;
  /** Absent: the configurations that were recorded. */
  readonly config?: string;
}

/** What was asked for and is not in the recording. */
export interface Divergence {
  readonly what: string;
  readonly callback: string;
  /** Context of the recorded stream. */
  readonly c: number;
  readonly line: number;
}

export class Player {
  readonly #subject: Subject;
  readonly #world: World;
  readonly #answers: Answers;
  readonly #recorder: Recorder;
  readonly #upcoming: () => Iterable<Step>;
  readonly #diverged: (divergence: Divergence) => void;
  readonly #lives = new Map<number, Life>();
  /** Context of this module -> recorded context. */
  readonly #own = new Map<number, number>();
  /** Steps that have run by themselves, before it was their turn. */
  readonly #done = new Set<CallbackStep>();
  readonly #steps = new Steps();
  readonly #told: (c: number, step: CallbackStep) => void;
  #telling: CallbackStep | null = null;
  #step: CallbackStep | null = null;
  #generation: Generation | null = null;
  readonly #configs: readonly string[];
  readonly #services: PluginServices;
  /** The instance died: the next stream meets another, at once. How long a proxy would wait says nothing about the version. */
  #died = false;
  #vm: VmLine;
  #fault = "";
  #closing = false;

  constructor(subject: Subject, vm: VmLine, seat: Seat) {
    this.#subject = subject;
    this.#vm = vm;
    this.#upcoming = seat.upcoming;
    this.#told = seat.told;
    this.#diverged = seat.diverged;
    this.#world = new World((what) => this.#missing(what), seat.live ?? null);
    this.#answers = new Answers(this.#world, () => this.#coming());
    const budget = subject.options.limits.fuel;
    const say = (line: Parameters<Steps["add"]>[0]): void => this.#heard(line);
    this.#recorder = new Recorder({ clock: this.#world.clock, budget, maxBodyBytes: 0, tells: "decisions", say });
    this.#configs = subject.config === undefined ? vm.configs : [subject.config];
    this.#services = this.#surroundings();
    this.#start();
  }

  /** Why the module does not start; "" when it does. */
  get fault(): string {
    return this.#fault;
  }

  /** The recorded context that stands for one of this module's. */
  recordedOf(own: number): number {
    return this.#own.get(own) ?? own;
  }

  #missing(what: string): void {
    // A second start-up was never recorded.
    if (this.#died) return;
    const step = this.#step;
    this.#diverged({ what, callback: step?.in.fn ?? "", c: step?.in.c ?? 0, line: step?.line ?? 0 });
  }

  #start(): void {
    const { options, module, sha256, name } = this.#subject;
    const configs = this.#configs;
    const recorded = { ...options, pluginConfig: configs[0] ?? "" };
    const spec = { options: recorded, version: name, configs, key: name, sha256, semver: "", overrides: {} };
    this.#recorder.instance(this.#vm);
    this.#enter("_initialize", 0);
    try {
      this.#generation = new Generation(spec, module, this.#services);
      this.#generation.hold();
    } catch (error) {
      this.#fault = error instanceof Error ? error.message : String(error);
    }
    this.#settle();
  }

  #renew(): void {
    const old = this.#generation;
    this.#generation = null;
    old?.drain(0, () => {});
    old?.unhold();
    this.#own.clear();
    this.#start();
    this.#died = false;
  }

  #surroundings(): PluginServices {
    const { clock, random, shared, queues, metrics, bell } = this.#world;
    const { callouts, grpc, dns } = this.#answers;
    const recorder = this.#recorder;
    return {
      clock,
      random,
      shared,
      queues,
      metrics,
      bell,
      callouts,
      grpc,
      dns,
      ...(this.#vm.worker === undefined ? {} : { worker: this.#vm.worker }),
      logLevel: () => this.#vm.logLevel,
      log: () => {},
      faulted: ({ fault }) => {
        this.#died = true;
        recorder.faulted(fault);
      },
      trace: this.#trace(recorder),
    };
  }

  /** Before each callback: which recorded one it is. */
  #trace(recorder: Recorder): Recorder {
    const began = recorder.callbackBegan.bind(recorder);
    recorder.callbackBegan = (fn, c, args, guest) => {
      this.#enter(fn, this.#own.get(c) ?? c);
      began(fn, c, args, guest);
    };
    return recorder;
  }

  /** A callback of this module begins: it is the one that is fed, or one that the chain runs by itself. */
  #enter(fn: string, c: number): void {
    const step = this.#step;
    const isIt = (one: CallbackStep): boolean => one.in.fn === fn && one.in.c === c && !this.#done.has(one);
    const found = step !== null && isIt(step) ? step : this.#upcomingStep(isIt);
    this.#world.tape = found === null || found.calls.length === 0 ? EMPTY_TAPE : new Tape(found.calls);
    if (found === null) return;
    this.#done.add(found);
    this.#step = found;
    this.#at(found.in);
  }

  /** Callbacks of the recorded instance that are known and not played yet. */
  *#coming(): Generator<CallbackStep> {
    for (const step of this.#upcoming()) if (step.kind === "callback" && step.vm === this.#vm.vm) yield step;
  }

  #upcomingStep(fits: (step: CallbackStep) => boolean): CallbackStep | null {
    for (const step of this.#coming()) if (fits(step)) return step;
    return null;
  }

  #at({ now, mono }: InLine): void {
    this.#world.now = BigInt(now);
    this.#world.mono = mono;
  }

  /** One step of the recording. */
  play(step: Step): void {
    if (this.#generation === null) return;
    if (step.kind === "begin") this.#begin(step.begins.c, step.begins.config, step.begins.facts);
    if (step.kind === "end") this.#end(step.ends.c);
    if (step.kind === "callback") this.#callback(step);
    this.#settle();
    // Not earlier: until here it is one of those that are coming.
    if (step.kind === "callback") this.#done.delete(step);
  }

  #begin(c: number, config: number, facts: Facts): void {
    if (this.#died) this.#renew();
    const generation = this.#generation;
    if (generation === null) return;
    const text = this.#configs[config] ?? this.#configs[0] ?? "";
    const arm = { generation, config: text, name: "", counts: newArmCounts(), tally: null };
    const slot: ChainSlot = { filter: this.#subject.options.name, choose: () => arm };
    const live = toStreamFacts(facts);
    const parts: ReplayParts = {
      world: this.#world,
      answers: this.#answers,
      entered: (context, stream) => {
        this.#own.set(context.id, c);
        this.#recorder.begin(context.id, config, live, (map) => stream.mapWritable(map, true));
      },
    };
    const stream = new ReplayStream(slot, live, parts);
    const known = live as unknown as Record<string, unknown>;
    this.#lives.set(c, { stream, facts: known, recorded: new Map(), ended: false });
  }

  #end(c: number): void {
    const life = this.#lives.get(c);
    if (life === undefined) return;
    close(life);
    this.#settle();
    this.#lives.delete(c);
    for (const [own, recorded] of this.#own) if (recorded === c) this.#forget(own);
  }

  #forget(own: number): void {
    this.#own.delete(own);
    this.#recorder.end(own);
  }

  #callback(step: CallbackStep): void {
    this.#step = step;
    this.#at(step.in);
    const life = this.#lives.get(step.in.c);
    const isDone = this.#done.has(step);
    if (life !== undefined) prepare(life, step.in, isDone);
    if (!isDone && life !== undefined) feed(life, step.in);
    else if (!isDone) this.#plugin(step.in);
    const { out } = step;
    const left = out === null ? undefined : this.#lives.get(out.c);
    for (const map in out?.maps) left?.recorded.set(Number(map), out.maps[map] ?? []);
    this.#step = null;
  }

  /** A callback of a plugin context. Start-up runs by itself; the end of the instance is not replayed. */
  #plugin(line: InLine): void {
    if (line.fn === "proxy_on_tick") return this.#world.fire();
    if (line.fn === "proxy_on_queue_ready") return this.#world.bell.ring(line.a[0] ?? 0);
    this.#answers.deliver(line);
  }

  #settle(): void {
    this.#world.tape = EMPTY_TAPE;
    this.#answers.settle();
    this.#recorder.flush();
    this.#tell();
  }

  #heard(line: Parameters<Steps["add"]>[0]): void {
    const step = this.#steps.add(line);
    if (step === null) return;
    this.#tell();
    if (step.kind === "callback") this.#telling = step;
  }

  /** A callback is told when everything of it is known. */
  #tell(): void {
    const step = this.#telling;
    if (step === null || step.out === null) return;
    this.#telling = null;
    if (this.#closing) return;
    this.#told(this.#own.get(step.out.c) ?? this.#own.get(step.in.c) ?? 0, step);
  }

  /** The instance is not needed any more. What it does at its end is not part of the recording. */
  close(): void {
    this.#closing = true;
    for (const c of this.#lives.keys()) this.#end(c);
    this.#settle();
    this.#generation?.drain(0, () => {});
    this.#generation?.unhold();
    this.#generation = null;
  }
}

/** What surrounds a player. */
export interface Seat {
  /** Steps that are known and not played yet. */
  readonly upcoming: () => Iterable<Step>;
  /** A callback has ended. `c`: recorded context of the stream it acted on, 0 = of none. */
  readonly told: (c: number, step: CallbackStep) => void;
  readonly diverged: (divergence: Divergence) => void;
  /** Shared data as it is now (shadow). */
  readonly live?: SharedStore;
}
