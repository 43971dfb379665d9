// `rollout.steps` of an experiment -> steps. What makes no sense as a way up is refused here.
import type { ExperimentMode, RolloutStep } from "../experiment/options.ts";
import { DEFAULT_STEPS, SHADOW_STEPS, WEIGHT_STEPS } from "../experiment/rules.ts";
import { onlyOne } from "./read-listeners.ts";
import type { Reader } from "./reader.ts";

const DEFAULT_ANALYSIS_MS = 300_000;
const DEFAULT_SHADOW_MS = 30_000;
const DEFAULT_SHADOW_PERCENT = 10;

function readShadow(reader: Reader): RolloutStep {
  const percent = reader.get("percent").number(DEFAULT_SHADOW_PERCENT);
  if (percent === 0) reader.get("percent").problem("bad_value", "a shadow of 0 % compares nothing");
  return {
    kind: "shadow",
    percent,
    ms: reader.get("for").durationMs(DEFAULT_SHADOW_MS),
    onDiff: reader.get("onDiff").oneOf(["hold", "abort", "continue"], "hold"),
    ignore: reader.get("ignore").strings(),
  };
}

function readStep(reader: Reader): RolloutStep {
  const kind = onlyOne(reader, ["setWeight", "pause", "analysis", "shadow"]);
  if (kind === "shadow") return readShadow(reader.get("shadow"));
  if (kind === "setWeight") return { kind: "weight", percent: reader.get("setWeight").number(0) };
  if (kind === "analysis")
    return { kind: "analysis", ms: reader.get("analysis").get("duration").durationMs(DEFAULT_ANALYSIS_MS) };
  const pause = reader.get("pause");
  const duration = pause.isObject ? pause.get("duration") : pause;
  return { kind: "pause", ms: duration.isPresent ? duration.durationMs(0) : null };
}

function checkOrder(items: readonly Reader[], steps: readonly RolloutStep[]): void {
  let before = 0;
  steps.forEach((step, at) => {
    if (step.kind !== "weight") return;
    const reader = items[at]?.get("setWeight");
    if (step.percent < before) {
      reader?.problem("lower_weight", `weight ${step.percent} is lower than the ${before} before it`, {
        hint: "a rollout only grows; a rollback is the way down",
      });
    }
    if (step.percent === 0) reader?.problem("bad_weights", "a step with weight 0 shows the candidate to nobody");
    before = Math.max(before, step.percent);
  });
  const late = steps.findIndex(({ kind }, at) => kind === "shadow" && at > 0);
  if (late > 0) items[late]?.problem("late_shadow", "a shadow comes before everything else", { hint: "put it first" });
  const end = steps.findIndex((step) => step.kind === "weight" && step.percent >= 100);
  if (end >= 0 && end < steps.length - 1)
    items[end + 1]?.problem("after_the_end", "nothing can follow setWeight: 100, which promotes the candidate");
}

/** The candidate meets somebody: first a weight, at most after a shadow. */
function checkFirst(items: readonly Reader[], steps: readonly RolloutStep[]): void {
  const first = steps[0]?.kind === "shadow" ? 1 : 0;
  if (steps.length === 0 || steps[first]?.kind === "weight") return;
  if (steps[first] === undefined)
    items[0]?.problem("missing_steps", "nothing follows the shadow", {
      hint: "add a setWeight, or say mode: shadow to rehearse and stop there",
    });
  else
    items[first]?.problem("first_step", "the first step must be setWeight, or a shadow and then setWeight", {
      hint: "for example { setWeight: 1 }",
    });
}

function checkShadowOnly(items: readonly Reader[], steps: readonly RolloutStep[]): void {
  steps.forEach((step, at) => {
    if (step.kind === "shadow") return;
    items[at]?.problem("shadow_only", "mode: shadow shows the candidate to nobody, its only step is a shadow", {
      hint: "say mode: canary, which goes on with weights after the shadow",
    });
  });
}

export interface StepsOf {
  readonly mode: ExperimentMode;
  /** A shadow is of one candidate, without an A/A phase before it. */
  readonly canShadow: boolean;
}

/** A canary or a shadow without steps gets the default ones; an A/B test without stays at its weights. */
export function readSteps(reader: Reader, { mode, canShadow }: StepsOf): readonly RolloutStep[] {
  const list = reader.get("steps");
  if (!list.isPresent) return defaultSteps(mode, canShadow);
  const { items } = list;
  if (items.length === 0 && mode !== "ab")
    list.problem("missing_steps", `a ${mode} needs at least one step`, {
      hint: mode === "shadow" ? "leave steps out for 10 % for 30s" : "leave steps out for 1, 5, 25, 50, 100",
    });
  const steps = items.map(readStep);
  checkOrder(items, steps);
  if (mode === "shadow") checkShadowOnly(items, steps);
  else checkFirst(items, steps);
  return steps;
}

function defaultSteps(mode: ExperimentMode, canShadow: boolean): readonly RolloutStep[] {
  if (mode === "ab") return [];
  if (mode === "shadow") return SHADOW_STEPS;
  return canShadow ? DEFAULT_STEPS : WEIGHT_STEPS;
}
