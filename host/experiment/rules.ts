// What an experiment does when nobody says otherwise, and the steps of a canary that names none.
import type { AnalysisOptions, ExperimentRules, RolloutStep } from "./options.ts";

export const DEFAULT_ANALYSIS: AnalysisOptions = {
  alpha: 0.05,
  tuning: 5000,
  minSamples: 500,
  minRuntimeMs: 60_000,
  errorAlpha: 0.01,
  srmAlpha: 0.001,
  srmAction: "hold",
  onInconclusive: "hold",
  prePeriodMs: 0,
};

export const DEFAULT_RULES: ExperimentRules = {
  mode: "ab",
  layer: null,
  targeting: null,
  overrides: null,
  metrics: { primary: null, guardrails: [], secondary: [] },
  analysis: DEFAULT_ANALYSIS,
  steps: [],
  hooks: [],
};

/** 1, 5, 25, 50, 100 percent, half a minute each (experiments.md 8). */
export const DEFAULT_STEPS: readonly RolloutStep[] = [1, 5, 25, 50, 100].flatMap((percent): RolloutStep[] => [
  { kind: "weight", percent },
  ...(percent === 100 ? [] : [{ kind: "pause", ms: 30_000 } as const]),
]);
