// Turns slot messages into chain slots: which generation a request gets. Outside experiments that is one constant; inside,
// a bucket of the request's unit looks it up (experiments.md 3).
import { Assignment } from "../experiment/assignment.ts";
import { readUnit } from "../experiment/unit.ts";
import type { HeaderList } from "../abi/headers.ts";
import { newArmCounts, type Arm, type ArmCounts, type ChainSlot } from "../chain/slot.ts";
import type { ArmReport, SlotMessage } from "../link/messages.ts";
import type { Generation } from "../plugin/generation.ts";

interface Counted {
  readonly filter: string;
  readonly version: string;
  readonly experiment: string;
  readonly arm: string;
  readonly counts: ArmCounts;
}

/** Counts of every arm that ran on this thread; they outlive snapshots, so that a new weight does not start them anew. */
export class ArmLedger {
  readonly #entries = new Map<string, Counted>();
  /** experiment -> requests without a unit. */
  readonly unitMissing = new Map<string, number>();

  countsOf(slot: SlotMessage, arm: string, version: string): ArmCounts {
    const key = JSON.stringify([slot.filter, slot.experiment, arm, version]);
    const known = this.#entries.get(key);
    if (known !== undefined) return known.counts;
    const entry = { filter: slot.filter, version, experiment: slot.experiment, arm, counts: newArmCounts() };
    this.#entries.set(key, entry);
    return entry.counts;
  }

  report(): readonly ArmReport[] {
    return [...this.#entries.values()].map(({ counts, ...names }) => ({
      ...names,
      ...counts,
      responses: [...counts.responses],
    }));
  }
}

export interface SlotSource {
  readonly generations: ReadonlyMap<string, Generation>;
  readonly ledger: ArmLedger;
}

/** @param place `listener/route`: picks the configuration merged for it */
export function buildSlot(message: SlotMessage, place: string, source: SlotSource): ChainSlot {
  const arms = message.arms.map((arm) => buildArm(message, arm.name, arm.generation, { place, source }));
  const [only] = arms;
  if (only === undefined) return { filter: message.filter, choose: () => null };
  if (arms.length === 1) return { filter: message.filter, choose: () => only };
  const assignment = new Assignment(
    message.salt,
    message.arms.map((arm) => arm.ranges),
  );
  const { unitMissing } = source.ledger;
  return {
    filter: message.filter,
    choose(headers: HeaderList, requestId: string): Arm {
      const unit = readUnit(message.unit, headers, requestId);
      if (unit === null) unitMissing.set(message.experiment, (unitMissing.get(message.experiment) ?? 0) + 1);
      return arms[assignment.assign(unit)] ?? only;
    },
  };
}

function buildArm(slot: SlotMessage, name: string, key: string, where: { place: string; source: SlotSource }): Arm {
  const { place, source } = where;
  const generation = source.generations.get(key);
  if (generation === undefined) throw new Error(`slot ${slot.filter}: generation ${key} is not in the snapshot`);
  const { options, version, overrides } = generation.spec;
  return {
    generation,
    config: overrides[place] ?? options.pluginConfig,
    name,
    counts: source.ledger.countsOf(slot, name, version),
  };
}
