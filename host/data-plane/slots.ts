// Turns slot messages into chain slots: which generation a request gets. Outside experiments that is one constant; inside,
// a bucket of the request's unit looks it up (experiment-slot.ts).
import type { Random } from "../base/random.ts";
import type { Arm, ChainSlot } from "../chain/slot.ts";
import { UnitBook } from "../experiment/unit-book.ts";
import type { SlotMessage } from "../link/messages.ts";
import type { Generation } from "../plugin/generation.ts";
import type { ArmLedger } from "./arm-ledger.ts";
import { ExperimentSlot } from "./experiment-slot.ts";

export interface SlotSource {
  readonly generations: ReadonlyMap<string, Generation>;
  readonly ledger: ArmLedger;
  readonly random: Random;
}

/** @param place `listener/route`: picks the configuration merged for it */
export function buildSlot(message: SlotMessage, place: string, source: SlotSource): ChainSlot {
  const { trial } = message;
  const book = trial === undefined ? null : new UnitBook(trial.book);
  const arms = message.arms.map((_, at) => buildArm(message, at, { place, source, book }));
  const [only, ...others] = arms;
  if (only === undefined) return { filter: message.filter, choose: () => null };
  if (trial === undefined || book === null) return { filter: message.filter, choose: () => only };
  const { ledger, random } = source;
  return new ExperimentSlot({ message, trial, arms: [only, ...others], book, ledger, random });
}

interface Where {
  readonly place: string;
  readonly source: SlotSource;
  readonly book: UnitBook | null;
}

function buildArm(slot: SlotMessage, at: number, { place, source, book }: Where): Arm {
  const { name = "", generation: key = "" } = slot.arms[at] ?? {};
  const generation = source.generations.get(key);
  if (generation === undefined) throw new Error(`slot ${slot.filter}: generation ${key} is not in the snapshot`);
  const { options, version, overrides } = generation.spec;
  const spot = { filter: slot.filter, experiment: slot.experiment, arm: name };
  const { trial } = slot;
  return {
    generation,
    config: overrides[place] ?? options.pluginConfig,
    name,
    counts: source.ledger.countsOf(spot, version),
    tally: trial === undefined || book === null ? null : source.ledger.tallyOf(spot, at, trial, book),
  };
}
