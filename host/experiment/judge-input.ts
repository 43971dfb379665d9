// What the judge looks at: sums per step and arm with what was planned, and the rules to judge by.
import type { AnalysisOptions, ExperimentMode, MetricsOptions } from "./options.ts";
import type { EventCounts } from "./statistics/beta-binomial.ts";
import { COLUMNS, type Column, columnOf, sumOf, type TallyPlan, type TallySums } from "./tally.ts";

/** One step: what was planned, and what came of it. */
export interface PhaseCounts {
  /** `pre`: both arms ran the control's version; a covariate, never a result. */
  readonly kind: "pre" | "step";
  readonly plan: TallyPlan;
  /** Planned shares of the units by arm, control first; 0 to 1. */
  readonly shares: readonly number[];
  readonly arms: readonly TallySums[];
}

export interface JudgeInput {
  readonly mode: ExperimentMode;
  readonly metrics: MetricsOptions;
  readonly analysis: AnalysisOptions;
  /** Names, control first. */
  readonly arms: readonly string[];
  /** Oldest first; the last is the present one. */
  readonly phases: readonly PhaseCounts[];
  /** Since the experiment began. */
  readonly elapsedMs: number;
}

/** Share of arm `at` among itself and the control. */
export function shareOf({ shares }: PhaseCounts, at: number): number {
  const control = shares[0] ?? 0;
  const own = shares[at] ?? 0;
  return control + own === 0 ? 0 : own / (control + own);
}

/** Failures of one kind, step by step. */
export function failureSteps(input: JudgeInput, at: number, kind: number): readonly EventCounts[] {
  return input.phases
    .filter((phase) => phase.kind === "step")
    .map((phase) => {
      const own = phase.arms[at]?.failures[kind] ?? 0;
      return { events: own + (phase.arms[0]?.failures[kind] ?? 0), candidate: own, share: shareOf(phase, at) };
    });
}

export function countOf(phase: PhaseCounts | undefined, at: number, column: Column): number {
  const sums = phase?.arms[at];
  return phase === undefined || sums === undefined ? 0 : sumOf(columnOf(sums, phase.plan, COLUMNS.indexOf(column)));
}
