// The steps of experiments that are under way, as data threads know them: a book and a plan per phase. Made when a phase is
// first composed, kept while its experiment is open. In memory only: a restart begins a new run.
import { planOf } from "../../experiment/metrics.ts";
import { failureKinds } from "../../experiment/tally.ts";
import { createUnitBook, UnitBook } from "../../experiment/unit-book.ts";
import type { TrialMessage } from "../../link/messages.ts";
import type { ExperimentState } from "../experiment-state.ts";

export interface Trial {
  readonly message: TrialMessage;
  readonly book: UnitBook;
}

export const trialId = ({ run, phase }: ExperimentState): string => `${run}.${phase}`;

export class Trials {
  readonly #trials = new Map<string, Trial>();
  #runs = 0;

  /** A name for a run that no earlier one of this process had. */
  newRun(): string {
    return `r${++this.#runs}`;
  }

  of(state: ExperimentState): Trial {
    const id = trialId(state);
    const known = this.#trials.get(id);
    if (known !== undefined) return known;
    const { layer, targeting, overrides, metrics } = state.rules;
    const plan = planOf(metrics, state.thresholds);
    const handle = createUnitBook(failureKinds(plan));
    const message: TrialMessage = { id, plan, book: handle, layer, targeting, overrides };
    const trial = { message, book: new UnitBook(handle) };
    this.#trials.set(id, trial);
    return trial;
  }

  /** Phases of other experiments, and earlier ones of these, are let go. */
  keep(open: readonly ExperimentState[]): void {
    const ids = new Set(open.map(trialId));
    for (const id of this.#trials.keys()) if (!ids.has(id)) this.#trials.delete(id);
  }
}
