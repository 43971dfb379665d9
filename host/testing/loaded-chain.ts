// What a snapshot is to a data thread, for the harness: filters with the streams that run on them. One that was replaced
// ends with its last stream.
import { newArmCounts, type ArmCounts, type ChainSlot } from "../chain/slot.ts";
import { FilterChain, TcpFilterChain } from "../chain/template.ts";
import type { Generation } from "../plugin/generation.ts";

/** As `drainTimeout` where a config says nothing: virtual time, after which streams go on without the filter. */
const DRAIN_MS = 10_000;

export class LoadedChain {
  readonly generations: readonly Generation[];
  readonly counts: readonly ArmCounts[];
  readonly http: FilterChain;
  readonly tcp: TcpFilterChain;
  open = 0;
  #superseded = false;

  constructor(generations: readonly Generation[]) {
    this.generations = generations;
    for (const generation of generations) generation.hold();
    this.counts = generations.map(() => newArmCounts());
    const slots = generations.map((generation, at) => slotOf(generation, this.counts[at] ?? newArmCounts()));
    const counter = { streamBegan: () => void this.open++, streamEnded: () => this.#ended() };
    this.http = new FilterChain(slots, counter);
    this.tcp = new TcpFilterChain(slots, counter);
  }

  #ended(): void {
    this.open--;
    if (this.#superseded && this.open === 0) this.#release();
  }

  /** No new streams; generations that `kept` has live on. */
  supersede(kept: readonly Generation[]): void {
    if (this.#superseded) return;
    this.#superseded = true;
    for (const generation of this.generations) if (!kept.includes(generation)) generation.drain(DRAIN_MS, () => {});
    if (this.open === 0) this.#release();
  }

  #release(): void {
    for (const generation of this.generations) generation.unhold();
  }
}

function slotOf(generation: Generation, counts: ArmCounts): ChainSlot {
  const { name, pluginConfig } = generation.spec.options;
  const arm = { generation, config: pluginConfig, name: "", counts, tally: null };
  return { filter: name, choose: () => arm };
}
