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
  sharedData: null,
  layer: null,
  targeting: null,
  overrides: null,
  metrics: { primary: null, guardrails: [], secondary: [] },
  analysis: DEFAULT_ANALYSIS,
  steps: [],
  diagnosisMs: 300_000,
  hooks: [],
};

const SHADOW = { kind: "shadow", percent: 10, ms: 30_000, ignore: [] } as const;

/** A rehearsal alone: what differs is for somebody to judge. */
export const SHADOW_STEPS: readonly RolloutStep[] = [{ ...SHADOW, onDiff: "hold" }];

/** 1, 5, 25, 50, 100 percent, half a minute each (experiments.md 8). */
export const WEIGHT_STEPS: readonly RolloutStep[] = [1, 5, 25, 50, 100].flatMap((percent): RolloutStep[] => [
  { kind: "weight", percent },
  ...(percent === 100 ? [] : [{ kind: "pause", ms: 30_000 } as const]),
]);

/** The same after half a minute in the shadow. A canary is meant to differ: only a trap or a failed start stops it there. */
export const DEFAULT_STEPS: readonly RolloutStep[] = [{ ...SHADOW, onDiff: "continue" }, ...WEIGHT_STEPS];
