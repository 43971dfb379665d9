// One sampled request: hears its filters' callbacks, and makes the record when it has ended.
import type { HeaderList } from "../../abi/headers.ts";
import type { Clock } from "../../base/clock.ts";
import { redactQuery } from "../../base/secrets.ts";
import type { StreamFacts } from "../../chain/ports.ts";
import type { Arm, ChainSlot } from "../../chain/slot.ts";
import type { StreamWatch } from "../../chain/watched-stream.ts";
import type { TapFilter, TapRecord } from "../../link/tap.ts";
import type { Generation } from "../../plugin/generation.ts";
import { type Phase, Story } from "../../vm/story.ts";
import type { VmTrace } from "../../vm/trace.ts";
import { hasStatus, methodOf, type OpenTap, pathOf } from "./selection.ts";
import type { TapOutbox } from "./outbox.ts";
import { MAX_CALLS, type Twin, type Twins } from "./twins.ts";

/** Phases kept per filter: a streamed body has one per piece. */
const MAX_PHASES = 32;
/** Characters of host calls and reasons kept per request. */
const MAX_CHARS = 32 * 1024;
const MAX_PATH = 2048;

export interface SampleParts {
  readonly taps: readonly OpenTap[];
  readonly twins: Twins;
  readonly outbox: TapOutbox;
  readonly clock: Clock;
  readonly thread: number;
  readonly facts: StreamFacts;
  readonly method: string;
  readonly path: string;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Told = Writable<Omit<TapFilter, "phases">> & { readonly phases: Phase[] };

/** As the client sent them: filters may change both. */
export function requestLine(headers: HeaderList): { method: string; path: string } {
  return { method: methodOf(headers).slice(0, 64), path: redactQuery(pathOf(headers).slice(0, MAX_PATH)) };
}

export class Sample implements StreamWatch {
  readonly #parts: SampleParts;
  readonly #told: Told[] = [];
  readonly #twins = new Map<Generation, Twin>();
  readonly #heard: (readonly [Twin, number])[] = [];
  #chars = 0;

  constructor(parts: SampleParts) {
    this.#parts = parts;
  }

  #wants(filter: string): boolean {
    return this.#parts.taps.some(({ selection }) => selection.filter === "" || selection.filter === filter);
  }

  slots(own: readonly ChainSlot[]): readonly ChainSlot[] {
    if (!this.#parts.taps.some(({ selection }) => selection.trace)) return own;
    return own.map((slot) => (this.#wants(slot.filter) ? this.#traced(slot) : slot));
  }

  #traced(slot: ChainSlot): ChainSlot {
    return {
      filter: slot.filter,
      expose: (arm, facts) => slot.expose?.(arm, facts),
      choose: (headers, requestId, peer) => {
        const arm = slot.choose(headers, requestId, peer);
        const twin = arm === null ? null : this.#parts.twins.of(arm.generation, arm.config);
        if (arm === null || twin === null) return arm;
        this.#twins.set(twin.generation, twin);
        return { ...arm, generation: twin.generation };
      },
    };
  }

  entered(arm: Arm, id: number): VmTrace | undefined {
    const { options, version } = arm.generation.spec;
    if (!this.#wants(options.name)) return undefined;
    const twin = this.#twins.get(arm.generation);
    const instance = twin === undefined ? "serving" : "twin";
    const told: Told = { filter: options.name, version, arm: arm.name, instance, phases: [], omitted: 0 };
    this.#told.push(told);
    const tell = (phase: Phase): void => this.#add(told, phase);
    if (twin === undefined) return this.#story(options.limits.fuel, tell);
    twin.hear(id, tell);
    this.#heard.push([twin, id]);
    return undefined;
  }

  #story(budget: number | null, tell: (phase: Phase) => void): Story {
    return new Story({ now: () => this.#parts.clock.monotonicMs(), budget, maxCalls: MAX_CALLS, tell });
  }

  #add(told: Told, phase: Phase): void {
    if (told.phases.length >= MAX_PHASES) {
      told.omitted++;
      return;
    }
    const lines = [...phase.hostCalls, ...phase.refusals];
    const chars = lines.reduce((sum, line) => sum + line.length, 0);
    if (this.#chars + chars > MAX_CHARS) {
      told.phases.push({ ...phase, hostCalls: [], refusals: [], omitted: phase.omitted + lines.length });
      return;
    }
    this.#chars += chars;
    told.phases.push(phase);
  }

  ended(): void {
    for (const [twin, id] of this.#heard) twin.unhear(id);
    const { taps, outbox, facts } = this.#parts;
    const chars = this.#chars + MAX_PATH + this.#told.length * MAX_CALLS;
    for (const { id, selection } of taps) {
      if (!hasStatus(selection, facts.responseCode)) continue;
      const filters = this.#told.filter(({ filter }) => selection.filter === "" || selection.filter === filter);
      outbox.add(id, this.#record(filters), chars);
    }
  }

  #record(filters: readonly TapFilter[]): TapRecord {
    const { facts, thread, method, path } = this.#parts;
    return {
      time: new Date(Math.floor(facts.startMs)).toISOString(),
      thread,
      listener: facts.listener,
      route: facts.routeName,
      requestId: facts.requestId.slice(0, 256),
      method,
      path,
      protocol: facts.protocol,
      status: facts.responseCode,
      flags: facts.responseFlags,
      details: facts.responseCodeDetails.slice(0, 256),
      durationMs: Math.round(facts.durationMs * 1000) / 1000,
      cluster: facts.clusterName,
      upstream: facts.upstreamAddress === "" ? "" : `${facts.upstreamAddress}:${facts.upstreamPort}`,
      arms: facts.arms,
      filters,
    };
  }
}
