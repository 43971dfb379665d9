// What filters under test did, callback by callback, with every host call in words: `exchange.trace` and the tail of a
// failure's message. One story per generation, because context ids are counted per VM.
import type { Generation } from "../plugin/generation.ts";
import type { StreamWatch } from "../chain/watched-stream.ts";
import { type Phase, Story } from "../vm/story.ts";
import type { VmTrace } from "../vm/trace.ts";

/** One callback of one filter. */
export interface TracedPhase extends Phase {
  readonly filter: string;
}

/** Host calls kept per callback, and callbacks kept of everything. */
const MAX_CALLS = 1000;
const MAX_PHASES = 200;

/** A filter's phases, and whose they are. */
export class FilterStory {
  readonly trace: VmTrace;
  readonly #owners = new Map<number, TracedPhase[]>();

  constructor(filter: string, budget: number | null, all: TracedPhase[]) {
    this.trace = new Story({
      now: () => 0,
      budget,
      maxCalls: MAX_CALLS,
      tell: (phase, contextId) => {
        const traced = { ...phase, filter };
        all.push(traced);
        if (all.length > MAX_PHASES) all.shift();
        this.#owners.get(contextId)?.push(traced);
      },
    });
  }

  claim(contextId: number, owner: TracedPhase[]): void {
    this.#owners.set(contextId, owner);
  }

  release(owner: TracedPhase[]): void {
    for (const [id, known] of this.#owners) if (known === owner) this.#owners.delete(id);
  }
}

export class Recorder {
  /** The newest callbacks of all filters, those without a stream included. */
  readonly phases: TracedPhase[] = [];
  readonly #stories = new Map<Generation, FilterStory>();

  /** The story of a filter that is about to start: its start is part of it. */
  story(filter: string, budget: number | null): FilterStory {
    return new FilterStory(filter, budget, this.phases);
  }

  add(generation: Generation, story: FilterStory): void {
    this.#stories.set(generation, story);
  }

  /** Sees to it that the callbacks of one stream land in `owner`. */
  watch(owner: TracedPhase[]): StreamWatch {
    return {
      slots: (own) => own,
      // The VM is traced as a whole: all there is to say is whose context this is.
      entered: ({ generation }, id) => void this.#stories.get(generation)?.claim(id, owner),
      ended: () => {
        for (const story of this.#stories.values()) story.release(owner);
      },
    };
  }
}

/** Lines without times, so that the same run gives the same text: for snapshots and messages. */
export function storyOf(phases: readonly TracedPhase[]): readonly string[] {
  return phases.flatMap(({ filter, name, args, action, hostCalls, omitted }) => [
    `${filter} ${name}(${args.join(", ")})${action === "" ? "" : ` = ${action}`}`,
    ...hostCalls.map((call) => `    ${call}`),
    ...(omitted === 0 ? [] : [`    ... and ${omitted} more`]),
  ]);
}
