// How a rollout goes on: from the step it is at, the time it has been there and what the judge says, to the next move. Pure;
// the control side makes the moves (control/rollout).
import type { Judgement } from "./judgement.ts";
import type { AnalysisOptions, RolloutStep } from "./options.ts";

/** Why a rollout is held, which decides what `resume` means. */
export type HoldCause = "gate" | "pause" | "stop" | "manual" | "hook" | "weights" | "refused";

export type Move =
  | { readonly kind: "wait" }
  /** The step at `step` begins; the candidate's weight stays. */
  | { readonly kind: "step"; readonly step: number }
  /** The candidate gets `percent`, and the step at `step` begins. */
  | { readonly kind: "weight"; readonly step: number; readonly percent: number }
  | { readonly kind: "promote" }
  | { readonly kind: "hold"; readonly cause: HoldCause; readonly reason: string }
  | { readonly kind: "rollback"; readonly reason: string };

export interface Progress {
  /** Index of the step that runs; beyond the last one nothing more is planned. */
  readonly step: number;
  /** Since that step began. */
  readonly stepMs: number;
  /** Since the experiment began. */
  readonly totalMs: number;
}

export interface Plan {
  readonly steps: readonly RolloutStep[];
  readonly analysis: AnalysisOptions;
}

const WAIT: Move = { kind: "wait" };

export function nextMove(plan: Plan, progress: Progress, judgement: Judgement): Move {
  const { stop } = judgement;
  if (stop !== null && stop.action === "rollback") return { kind: "rollback", reason: stop.reason };
  if (stop !== null) return { kind: "hold", cause: "stop", reason: stop.reason };
  const step = plan.steps[progress.step];
  if (step === undefined) return WAIT;
  if (step.kind === "weight") return enter(plan, progress.step);
  if (step.kind === "pause" && step.ms === null)
    return { kind: "hold", cause: "pause", reason: "the step waits until somebody resumes" };
  const over = step.ms !== null && progress.stepMs >= step.ms;
  if (step.kind === "pause" && !over) return WAIT;
  return pass(plan, { ...progress, over }, judgement);
}

/** The move that makes step `at` begin. */
export function enter({ steps }: Plan, at: number): Move {
  const step = steps[at];
  if (step?.kind !== "weight") return { kind: "step", step: at };
  return step.percent >= 100 ? { kind: "promote" } : { kind: "weight", step: at + 1, percent: step.percent };
}

/** A step's time is over, or (analysis) what it waits for may be known. */
function pass(plan: Plan, progress: Progress & { readonly over: boolean }, judgement: Judgement): Move {
  const next = plan.steps[progress.step + 1];
  if (next === undefined) return progress.over ? { kind: "step", step: progress.step + 1 } : WAIT;
  const isLast = next.kind === "weight" && next.percent >= 100;
  const verdict = isLast ? judgement.promotion : judgement.gate;
  if (verdict === "fail") return { kind: "rollback", reason: judgement.summary };
  if (verdict === "pass") return enter(plan, progress.step + 1);
  if (!progress.over || (isLast && progress.totalMs < plan.analysis.minRuntimeMs)) return WAIT;
  return undecided(plan, progress.step, judgement);
}

function undecided(plan: Plan, step: number, { summary }: Judgement): Move {
  switch (plan.analysis.onInconclusive) {
    case "hold":
      return { kind: "hold", cause: "gate", reason: `inconclusive: ${summary}` };
    case "continue":
      return enter(plan, step + 1);
    case "abort":
      return { kind: "rollback", reason: `inconclusive: ${summary}` };
  }
}

/** What `resume` does: past a pause or an open question, else the same step from its beginning. */
export function resumeMove(plan: Plan, step: number, cause: HoldCause): Move {
  if (cause === "gate" || cause === "pause" || cause === "hook")
    return enter(plan, step + (isWeight(plan, step) ? 0 : 1));
  return { kind: "step", step };
}

const isWeight = ({ steps }: Plan, at: number): boolean => steps[at]?.kind === "weight";

/** Where a restart resumes: the step that set the last weight which was seen to be safe. */
export function safeStart(
  { steps }: Plan,
  safeStep: number,
): { readonly step: number; readonly percent: number | null } {
  for (let at = Math.min(safeStep, steps.length - 1); at >= 0; at--) {
    const step = steps[at];
    if (step?.kind === "weight") return { step: at + 1, percent: step.percent };
  }
  return { step: 0, percent: null };
}
