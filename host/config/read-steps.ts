// `rollout.steps` of an experiment -> steps. What makes no sense as a way up is refused here.
import type { RolloutStep } from "../experiment/options.ts";
import { DEFAULT_STEPS } from "../experiment/rules.ts";
import { onlyOne } from "./read-listeners.ts";
import type { Reader } from "./reader.ts";

const DEFAULT_ANALYSIS_MS = 300_000;

function readStep(reader: Reader): RolloutStep {
  const kind = onlyOne(reader, ["setWeight", "pause", "analysis"]);
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
  if (steps.length > 0 && steps[0]?.kind !== "weight") {
    items[0]?.problem("first_step", "the first step must be setWeight", { hint: "for example { setWeight: 1 }" });
  }
  const end = steps.findIndex((step) => step.kind === "weight" && step.percent >= 100);
  if (end >= 0 && end < steps.length - 1)
    items[end + 1]?.problem("after_the_end", "nothing can follow setWeight: 100, which promotes the candidate");
}

/** A canary without steps gets the default ones; an A/B test without stays at its weights. */
export function readSteps(reader: Reader, mode: "ab" | "canary"): readonly RolloutStep[] {
  const list = reader.get("steps");
  if (!list.isPresent) return mode === "canary" ? DEFAULT_STEPS : [];
  const { items } = list;
  if (items.length === 0 && mode === "canary")
    list.problem("missing_steps", "a canary needs at least one step", {
      hint: "leave steps out for 1, 5, 25, 50, 100",
    });
  const steps = items.map(readStep);
  checkOrder(items, steps);
  return steps;
}
