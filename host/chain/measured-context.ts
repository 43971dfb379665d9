// One filter on one stream that belongs to an experiment: the ordinary context, with what its callbacks use noted on the
// stream's exposure. A subclass, so that streams outside experiments know nothing of it and pay nothing.
import type { Exposure } from "../experiment/exposure.ts";
import type { PluginContext } from "../plugin/plugin-context.ts";
import type { GuestCallback } from "../vm/callbacks.ts";
import type { ContextOwner } from "./context-owner.ts";
import type { Arm } from "./slot.ts";
import { StreamContext } from "./stream-context.ts";

export interface Measured {
  readonly index: number;
  readonly plugin: PluginContext;
  readonly arm: Arm;
  readonly exposure: Exposure;
}

export class MeasuredContext extends StreamContext {
  readonly #exposure: Exposure;

  constructor(owner: ContextOwner, { index, plugin, arm, exposure }: Measured) {
    super(owner, index, plugin, arm);
    this.#exposure = exposure;
  }

  override run(callback: GuestCallback, a = 0, b = 0): number {
    const { services, options } = this.plugin;
    const beganMs = services.clock.monotonicMs();
    const result = super.run(callback, a, b);
    this.#exposure.filterMs += services.clock.monotonicMs() - beganMs;
    const left = this.vm.fuelLeft;
    if (left !== null && options.limits.fuel !== null) this.#exposure.fuel += options.limits.fuel - left;
    return result;
  }

  override replied(accepted: boolean): void {
    if (accepted) this.#exposure.replied = true;
    super.replied(accepted);
  }

  override ended(): void {
    this.arm.tally?.memory(this.arm.generation.memoryBytes);
    super.ended();
  }

  /** The guest has recorded a value in its metric `id` while this stream was on. */
  measured(id: number, value: number): void {
    const { filterMetrics } = this.#exposure.tally.plan;
    if (filterMetrics.length === 0) return;
    const name = this.plugin.services.metrics.nameOf?.(id) ?? null;
    const at = name === null ? -1 : filterMetrics.indexOf(name);
    if (at >= 0) this.#exposure.record(at, value);
  }
}
