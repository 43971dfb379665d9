// How a rollout goes on: from the step it is at, the time it has been there and what the judge says, to the next move. Pure;
// the control side makes the moves (control/rollout).
import type { Judgement } from "./judgement.ts";
import type { AnalysisOptions, RolloutStep, ShadowStep } from "./options.ts";
import { judgeRehearsal, type Rehearsed } from "./rehearsal.ts";

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
  /** What the shadow of the present step has found; null before the first look at it. */
  readonly rehearsed?: Rehearsed | null;
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
  if (step.kind === "shadow") return rehearse(plan, progress, step);
  if (step.kind === "pause" && step.ms === null)
    return { kind: "hold", cause: "pause", reason: "the step waits until somebody resumes" };
  const over = step.ms !== null && progress.stepMs >= step.ms;
  if (step.kind === "pause" && !over) return WAIT;
  return pass(plan, { ...progress, over }, judgement);
}

/** The judge has seen nothing of a candidate that answers nobody: only what its shadow found counts here. */
function rehearse(plan: Plan, { step: at, stepMs, rehearsed = null }: Progress, step: ShadowStep): Move {
  const verdict = judgeRehearsal(step, rehearsed, stepMs >= step.ms);
  switch (verdict.kind) {
    case "open":
      return WAIT;
    case "missing":
      return { kind: "hold", cause: "stop", reason: verdict.reason };
    case "bad":
      return step.onDiff === "abort"
        ? { kind: "rollback", reason: verdict.reason }
        : { kind: "hold", cause: "gate", reason: verdict.reason };
    case "unknown":
      return undecided(plan, at, verdict.reason);
    case "pass":
      return rehearsedMove(plan, at, verdict.reason);
  }
}

/** A shadow that no weight follows leaves the decision to somebody; `resume` begins it anew. */
function rehearsedMove(plan: Plan, at: number, reason: string): Move {
  if (plan.steps[at + 1] !== undefined) return enter(plan, at + 1);
  return { kind: "hold", cause: "stop", reason: `${reason}; promote, abort, or resume to rehearse again` };
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
  return undecided(plan, progress.step, judgement.summary);
}

function undecided(plan: Plan, step: number, summary: string): Move {
  switch (plan.analysis.onInconclusive) {
    case "hold":
      return { kind: "hold", cause: "gate", reason: `inconclusive: ${summary}` };
    case "continue":
      return plan.steps[step + 1] === undefined ? rehearsedMove(plan, step, summary) : enter(plan, step + 1);
    case "abort":
      return { kind: "rollback", reason: `inconclusive: ${summary}` };
  }
}

/** What `resume` does: past a pause or an open question, else the same step from its beginning. */
export function resumeMove(plan: Plan, step: number, cause: HoldCause): Move {
  if ((cause === "gate" || cause === "pause" || cause === "hook") && !isLastShadow(plan, step))
    return enter(plan, step + (isWeight(plan, step) ? 0 : 1));
  return { kind: "step", step };
}

/** There is nothing beyond it to go on to. */
const isLastShadow = ({ steps }: Plan, at: number): boolean =>
  steps[at]?.kind === "shadow" && steps[at + 1] === undefined;

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
  // No weight was safe yet, and there is a way to try it that harms nobody.
  return { step: 0, percent: steps[0]?.kind === "shadow" ? 0 : null };
}
