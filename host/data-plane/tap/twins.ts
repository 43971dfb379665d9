// Traced twins: instances of the generations that run, from the same module and configuration, whose host calls are heard.
// Built when a tap with `trace` first needs one, given back when the last such tap closes or the generation leaves. A twin
// shares data, queues and metrics with its original, but not its module's memory (RATIONALE: "What is a traced
// twin, and what is it not?").
import { ERROR } from "../../../sdk/assembly/abi/log-level.ts";
import { discreet } from "../../base/secrets.ts";
import type { Generation } from "../../plugin/generation.ts";
import { QueueBell } from "../../plugin/queue-bell.ts";
import type { FaultReport, PluginServices, SharedQueues } from "../../plugin/services.ts";
import { type Phase, Story } from "../../vm/story.ts";
import { TwinSet } from "../twin-set.ts";

/** Host calls kept per phase. */
export const MAX_CALLS = 64;

type Tell = (phase: Phase) => void;

export class Twin {
  readonly generation: Generation;
  /** Context -> who hears of its phases. */
  readonly #heard = new Map<number, Tell>();

  /** @throws ProblemError when it does not start */
  constructor(live: Generation, services: PluginServices) {
    const trace = new Story({
      now: () => services.clock.monotonicMs(),
      budget: live.spec.options.limits.fuel,
      maxCalls: MAX_CALLS,
      // A call-out's answer arrives on the plugin context; the guest then switches to the stream it belongs to.
      tell: (phase, began, ended) => (this.#heard.get(began) ?? this.#heard.get(ended))?.(phase),
      show: discreet,
    });
    const queues = borrowed(services.queues);
    const faulted = (report: FaultReport): void => services.log(lineOf(report), live.spec.options.limits.logLines);
    this.generation = live.twin({
      ...services,
      trace,
      queues,
      bell: new QueueBell({ later: () => {}, nowMs: () => 0 }),
      faulted,
    });
    this.generation.hold();
  }

  hear(contextId: number, tell: Tell): void {
    this.#heard.set(contextId, tell);
    this.generation.hold();
  }

  unhear(contextId: number): void {
    this.#heard.delete(contextId);
    this.generation.unhold();
  }

  /** Ends with its last stream, or at the deadline. */
  leave(deadlineMs: number, gone: () => void): void {
    this.generation.drain(deadlineMs, gone);
    this.generation.unhold();
  }
}

/** A fault of a twin is no reason to take its version out of service: it is told, and not counted. */
export function lineOf({ filter, version, fault }: FaultReport) {
  const message = `a traced twin (sluice tap) ended in ${fault.callback}: ${fault.reason}: ${fault.message}`;
  return { level: ERROR, filter, version, contextId: fault.contextId, message };
}

/** A queue that exists keeps the owner it has: items are announced to the original, never to a twin. */
export function borrowed(queues: SharedQueues): SharedQueues {
  return {
    resolve: (namespace, name) => queues.resolve(namespace, name),
    enqueue: (id, value) => queues.enqueue(id, value),
    dequeue: (id) => queues.dequeue(id),
    register: (namespace, name) => queues.resolve(namespace, name) || queues.register(namespace, name),
  };
}

export class Twins {
  readonly #set: TwinSet<Twin>;

  constructor(services: PluginServices) {
    this.#set = new TwinSet((live) => new Twin(live, services));
  }

  /** Instances that exist, those that still drain included. */
  get size(): number {
    return this.#set.size;
  }

  /** The twin that can take a stream with `config` now; null: use the serving instance, without host calls. */
  of(live: Generation, config: string): Twin | null {
    const twin = this.#set.of(live);
    // Dead and not yet renewed: what only the twin suffers from must not become the failure of a request.
    return twin === null || twin.generation.context(config) === null ? null : twin;
  }

  /** Gives back the twins of generations that leave, or all of them. */
  settle(keep: boolean, deadlineMs: number): void {
    this.#set.settle(keep, deadlineMs);
  }
}
