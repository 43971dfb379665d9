// Counts of every arm that ran on this thread; they outlive snapshots, so that a new weight does not start them anew. They
// do not outlive everything: a filter reloaded ten times a second would else have a line per reload in every report.
import { type ArmCounts, newArmCounts } from "../chain/slot.ts";
import type { ArmReport } from "../link/messages.ts";

/** Versions of one arm that are counted apart, more than control keeps of a filter; the others are counted together. */
const MAX_VERSIONS = 32;
/** The version under which they are. As with metrics that have too many series. */
const OTHER = "other";

export interface ArmPlace {
  readonly filter: string;
  readonly experiment: string;
  readonly arm: string;
}

interface Entry {
  readonly place: ArmPlace;
  /** By version, the one asked for last at the end. */
  readonly versions: Map<string, ArmCounts>;
}

export class ArmLedger {
  readonly #entries = new Map<string, Entry>();
  /** experiment -> requests without a unit. */
  readonly unitMissing = new Map<string, number>();

  /** The counts of an arm, to be added to for as long as it runs. */
  countsOf(place: ArmPlace, version: string): ArmCounts {
    const { filter, experiment, arm } = place;
    const key = JSON.stringify([filter, experiment, arm]);
    const entry = this.#entries.get(key) ?? { place: { filter, experiment, arm }, versions: new Map() };
    this.#entries.set(key, entry);
    const counts = entry.versions.get(version) ?? newArmCounts();
    entry.versions.delete(version);
    entry.versions.set(version, counts);
    if (entry.versions.size > MAX_VERSIONS) foldOldest(entry.versions);
    return counts;
  }

  report(): readonly ArmReport[] {
    return [...this.#entries.values()].flatMap(({ place, versions }) =>
      [...versions].map(([version, counts]) => ({
        ...place,
        version,
        ...counts,
        responses: [...counts.responses],
      })),
    );
  }
}

/** Sums stay what they were: a counter that went down would look like a restart. */
function foldOldest(versions: Map<string, ArmCounts>): void {
  const [oldest] = [...versions].find(([version]) => version !== OTHER) ?? [];
  const from = oldest === undefined ? undefined : versions.get(oldest);
  if (oldest === undefined || from === undefined) return;
  versions.delete(oldest);
  const to = versions.get(OTHER) ?? newArmCounts();
  versions.set(OTHER, to);
  to.requests += from.requests;
  to.localReplies += from.localReplies;
  to.faults += from.faults;
  from.responses.forEach((count, digit) => (to.responses[digit] = (to.responses[digit] ?? 0) + count));
}
