// What a rollout reads out of an experiment's state: the step it may fall back to, its versions, what hooks are told.
import type { ExperimentState } from "../experiment-state.ts";
import type { Counts } from "./counts.ts";

export const judged = (counts: Counts | undefined): string => {
  const units = counts?.judgement?.units.join(" and ") ?? "0";
  return `guardrails hold after ${units} units`;
};

/** Index of the step that set the present weight: it has been looked at, and passed. */
export function safeStepOf({ rules, step }: ExperimentState): number {
  for (let at = Math.min(step, rules.steps.length) - 1; at >= 0; at--)
    if (rules.steps[at]?.kind === "weight") return at;
  return 0;
}

export function bodyOf({ name, filter, state, arms, step }: ExperimentState): object {
  const weights = Object.fromEntries(arms.map((arm) => [arm.name, arm.weight]));
  return { experiment: name, filter, state, step, weights };
}

/** The versions a filter's experiments need. */
export function pinnedOf(open: readonly ExperimentState[], filter: string): ReadonlySet<string> {
  const mine = open.filter((state) => state.filter === filter);
  return new Set(mine.flatMap(({ arms }) => arms.map(({ version }) => version)));
}

/** Whether a version runs as a candidate, and not as the control as well. */
export function isCandidate({ arms }: ExperimentState, version: string, live: string | undefined): boolean {
  const [control, ...candidates] = arms.map((arm) => (arm.version === "current" ? live : arm.version));
  return version !== control && candidates.includes(version);
}
