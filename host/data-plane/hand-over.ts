// Which generation hands its state to which when a snapshot is committed: per slot and arm, one that goes to one that has
// just been built (abi.md 3.6). Called by data-plane.ts between the two snapshots, on the thread's own instances.
import type { Generation } from "../plugin/generation.ts";
import type { Snapshot } from "./snapshot.ts";

export function handOverStates(old: Snapshot, next: Snapshot): void {
  const before = new Map(old.message.slots.map((slot) => [slot.filter, slot]));
  for (const slot of next.message.slots) {
    for (const { name, generation: key } of slot.arms) {
      const from = before.get(slot.filter)?.arms.find((arm) => arm.name === name)?.generation;
      // One that stays has its state; one that served before the commit has its own.
      if (from === undefined || next.generations.has(from) || old.generations.has(key)) continue;
      handOver(old.generations.get(from), next.generations.get(key));
    }
  }
}

function handOver(from: Generation | undefined, to: Generation | undefined): void {
  if (from !== undefined && to !== undefined) from.handOverTo(to);
}
