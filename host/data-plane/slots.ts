// Turns slot messages into chain slots: which generation a request gets. Outside experiments that is one constant; inside,
// a bucket of the request's unit looks it up (experiments.md 3).
import { Assignment } from "../experiment/assignment.ts";
import { readUnit, type UnitPeer } from "../experiment/unit.ts";
import type { HeaderList } from "../abi/headers.ts";
import type { Arm, ChainSlot } from "../chain/slot.ts";
import type { SlotMessage } from "../link/messages.ts";
import type { Generation } from "../plugin/generation.ts";
import type { ArmLedger } from "./arm-ledger.ts";

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
    choose(headers: HeaderList, requestId: string, peer: UnitPeer): Arm {
      const unit = readUnit(message.unit, headers, requestId, peer);
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
    counts: source.ledger.countsOf({ filter: slot.filter, experiment: slot.experiment, arm: name }, version),
  };
}
