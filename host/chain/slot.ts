// A place in a chain: which generation of which filter a stream gets there. Chosen when the chain reaches it and kept for
// the life of the stream (decisions.md 7).
import type { HeaderList } from "../abi/headers.ts";
import type { Exposure } from "../experiment/exposure.ts";
import type { ArmTally } from "../experiment/tally.ts";
import type { UnitPeer } from "../experiment/unit.ts";
import type { Generation } from "../plugin/generation.ts";
import type { StreamFacts } from "./ports.ts";

/** Counts per version and arm, on one data thread. Plain numbers: they are read by addition. */
export interface ArmCounts {
  requests: number;
  /** By first digit of the status, index 1..5. */
  readonly responses: number[];
  localReplies: number;
  faults: number;
}

export const newArmCounts = (): ArmCounts => ({
  requests: 0,
  responses: [0, 0, 0, 0, 0, 0],
  localReplies: 0,
  faults: 0,
});

export interface Arm {
  readonly generation: Generation;
  /** The configuration of the plugin context to use (a route may override the filter's own). */
  readonly config: string;
  /** Arm name while an experiment runs, else "". */
  readonly name: string;
  readonly counts: ArmCounts;
  /** What its streams add up to while an experiment runs, else null. */
  readonly tally: ArmTally | null;
}

export interface ChainSlot {
  readonly filter: string;
  /**
   * `headers` as the request looks when the chain reaches this filter; a connection has none, and its number for a request
   * id. Null = no version ever loaded: refuse the stream.
   */
  choose(headers: HeaderList, requestId: string, peer: UnitPeer): Arm | null;
  /** After {@link choose}, once per stream that runs the filter: notes that its unit has met the arm. Absent: no experiment. */
  expose?(arm: Arm, facts: StreamFacts): void;
}

/** The version `slot` has for this stream, noted in the facts and counted; null as in {@link ChainSlot.choose}. */
export function chooseArm(slot: ChainSlot, headers: HeaderList, requestId: string, facts: StreamFacts): Arm | null {
  const arm = slot.choose(headers, requestId, facts);
  if (arm === null) return null;
  if (arm.name !== "") facts.arms += `${facts.arms === "" ? "" : ";"}${slot.filter}=${arm.name}`;
  arm.counts.requests++;
  slot.expose?.(arm, facts);
  return arm;
}

/** The exposure of this stream to `arm`, or null: no experiment, or it is left out of the analysis. */
export function exposureOf({ tally }: Arm, { exposure }: StreamFacts): Exposure | null {
  for (let found = exposure ?? null; found !== null; found = found.next) if (found.tally === tally) return found;
  return null;
}

/** The arm's version has failed this stream, or could not serve it. */
export function countFault(arm: Arm, facts: StreamFacts): void {
  arm.counts.faults++;
  if (arm.tally === null) return;
  arm.tally.fault();
  const exposure = exposureOf(arm, facts);
  if (exposure !== null) exposure.failed = true;
}

/** The stream has ended: adds it to the arms it met. `isFailed`: its answer says so (a connection has none). */
export function settleExposures(facts: StreamFacts, isFailed: boolean): void {
  for (let one = facts.exposure ?? null; one !== null; one = one.next)
    one.tally.add(one, facts, isFailed || one.failed);
}

export function countResponse({ counts }: Arm, responseCode: number): void {
  const digit = Math.floor(responseCode / 100);
  counts.responses[digit] = (counts.responses[digit] ?? 0) + 1;
}
