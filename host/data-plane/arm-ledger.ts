// Counts of every arm that ran on this thread; they outlive snapshots, so that a new weight does not start them anew. They
// do not outlive everything: a filter reloaded ten times a second would else have a line per reload in every report.
import { type ArmCounts, newArmCounts } from "../chain/slot.ts";
import { ArmTally } from "../experiment/tally.ts";
import type { UnitBook } from "../experiment/unit-book.ts";
import type { ArmReport, TallyReport, TrialMessage } from "../link/messages.ts";

/** Versions of one arm that are counted apart, more than control keeps of a filter; the others are counted together. */
const MAX_VERSIONS = 32;
/** Steps of experiments whose sums are still taken, for streams that outlive the step they began in. */
const MAX_TRIALS = 32;
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

/** Told when a candidate has harmed a request. */
export type Alarm = (experiment: string, trial: string, harmed: number) => void;

export class ArmLedger {
  readonly #entries = new Map<string, Entry>();
  /** By trial id, its arms in order. */
  readonly #tallies = new Map<string, { readonly experiment: string; readonly arms: Map<string, ArmTally> }>();
  readonly #alarm: Alarm;
  /** experiment -> requests without a unit. */
  readonly unitMissing = new Map<string, number>();

  constructor(alarm: Alarm = () => {}) {
    this.#alarm = alarm;
  }

  /** The sums of an arm in a step; the same ones however many snapshots have that step. `at`: its place, 0 = control. */
  tallyOf({ experiment, arm }: ArmPlace, at: number, trial: TrialMessage, book: UnitBook): ArmTally {
    const entry = this.#tallies.get(trial.id) ?? { experiment, arms: new Map<string, ArmTally>() };
    this.#tallies.set(trial.id, entry);
    const alarm = (harmed: number): void => this.#alarm(experiment, trial.id, harmed);
    const tally = entry.arms.get(arm) ?? new ArmTally(trial.plan, at, book, alarm);
    entry.arms.set(arm, tally);
    if (this.#tallies.size > MAX_TRIALS) for (const [oldest] of this.#tallies) return this.#drop(oldest, tally);
    return tally;
  }

  #drop(trial: string, kept: ArmTally): ArmTally {
    this.#tallies.delete(trial);
    return kept;
  }

  /** What has been counted since the last time; it is counted anew from here. */
  takeTallies(): readonly TallyReport[] {
    return [...this.#tallies].flatMap(([trial, { experiment, arms }]) =>
      [...arms].flatMap(([arm, tally]) => {
        const sums = tally.take();
        return sums === null ? [] : [{ experiment, trial, arm, sums }];
      }),
    );
  }

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
