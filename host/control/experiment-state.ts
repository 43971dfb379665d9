// A running experiment: which version each arm has and which part of the bucket space. Ranges only grow while a weight
// rises, so a user who moved to an arm stays there (experiments.md 3).
import { problemError } from "../base/problem.ts";
import { planRanges } from "../experiment/ranges.ts";
import { parseUnit as readUnitText } from "../config/read-experiments.ts";
import type { ExperimentRules, UnitSource } from "../experiment/options.ts";
import { type HoldCause, safeStart } from "../experiment/rollout.ts";
import { DEFAULT_RULES } from "../experiment/rules.ts";

export type Ranges = readonly (readonly [number, number])[];

export interface ArmState {
  readonly name: string;
  /** Version label, or `current`: follows the filter's live version. */
  readonly version: string;
  readonly weight: number;
  /** Namespace of shared data and queues; absent: the filter's. */
  readonly space?: string;
  readonly ranges: Ranges;
}

export interface ExperimentState {
  readonly name: string;
  readonly filter: string;
  readonly salt: string;
  readonly unit: readonly UnitSource[];
  /** `held`: the weights stay, nothing goes on by itself but a rollback. */
  readonly state: "running" | "held" | "promoted" | "aborted" | "rolledBack";
  readonly arms: readonly ArmState[];
  readonly rules: ExperimentRules;
  /** Names this run of it: counts of another run, before a restart too, are not its own. */
  readonly run: string;
  /** Counts up with every change of weights; sums are kept per phase. */
  readonly phase: number;
  /** The A/A phase before the first step is under way: the candidate's units get the control's version. */
  readonly pre: boolean;
  /** Index of the rollout step that runs. */
  readonly step: number;
  /** The step whose weight was the last to pass: where a restart resumes. */
  readonly safeStep: number;
  /** Quantile metric -> the control's own, fixed before what is counted against it, ms. */
  readonly thresholds: Readonly<Record<string, number>>;
  readonly hold: { readonly cause: HoldCause; readonly reason: string } | null;
  /** Identities of versions that experiments of this name have rolled back (refused-versions.ts). */
  readonly refused: readonly string[];
  /** What happened and why, oldest first; bounded. */
  readonly log: readonly LogEntry[];
}

export interface LogEntry {
  /** ISO 8601. */
  readonly at: string;
  /** `admin`, `config`, `rollout`. */
  readonly by: string;
  readonly what: string;
}

const MAX_LOG = 100;

export const noted = (state: ExperimentState, entry: LogEntry): ExperimentState => ({
  ...state,
  log: [...state.log, entry].slice(-MAX_LOG),
});

/** It still has arms in traffic. */
export const isOpen = ({ state }: ExperimentState): boolean => state === "running" || state === "held";

const TOTAL = 100;

/** `header:x-user`, `cookie:sid`, `claim:sub`, `tag:user`, `requestId`, `sourceIp`, `connection`. @throws ProblemError */
export function parseUnit(text: string): UnitSource {
  const unit = readUnitText(text);
  if (unit !== null) return unit;
  throw problemError("config", "bad_unit", `unit "${text}" is not known`, {
    hint: "use header:NAME, cookie:NAME, claim:NAME, tag:NAME, sourceIp, connection or requestId",
  });
}

export function formatUnit(unit: UnitSource): string {
  if (unit.kind === "cookie" && unit.set === true) return `set-cookie:${unit.name}`;
  return "name" in unit ? `${unit.kind}:${unit.name}` : unit.kind;
}

export interface NewExperiment {
  readonly name: string;
  readonly filter: string;
  readonly salt: string;
  readonly unit: readonly UnitSource[];
  readonly arms: readonly Omit<ArmState, "ranges">[];
  readonly rules: ExperimentRules;
  readonly run: string;
  readonly refused?: readonly string[];
}

/** @throws ProblemError when the arms do not make sense together */
export function startExperiment(wanted: NewExperiment): ExperimentState {
  const names = wanted.arms.map((arm) => arm.name);
  if (wanted.arms.length < 2) throw refusal(wanted.name, "needs at least two variants");
  if (new Set(names).size !== names.length) throw refusal(wanted.name, "has two variants of one name");
  checkWeights(
    wanted.name,
    wanted.arms.map((arm) => arm.weight),
  );
  const { name, filter, salt, unit, rules, run, refused = [] } = wanted;
  const weights = firstWeights(wanted);
  const ranges = planRanges(null, weights);
  const arms = wanted.arms.map((arm, index) => ({ ...arm, weight: weights[index] ?? 0, ranges: ranges[index] ?? [] }));
  const step = rules.steps[0]?.kind === "weight" && !isAskedFirst(rules) ? 1 : 0;
  const begun = { phase: 0, pre: rules.analysis.prePeriodMs > 0, step, safeStep: 0 };
  return {
    name,
    filter,
    salt,
    unit,
    state: "running",
    arms,
    rules,
    run,
    ...begun,
    thresholds: {},
    hold: null,
    refused,
    log: [],
  };
}

/** Somebody outside has to agree before the candidate meets anybody. */
export const isAskedFirst = ({ hooks, steps }: ExperimentRules): boolean =>
  steps.length > 0 && hooks.some(({ name }) => name === "confirm-rollout" || name === "pre-rollout");

/** The first step's, if there are steps; nothing in the shadow or while it is to be agreed on; else those that were declared. */
function firstWeights({ arms, rules }: NewExperiment): readonly number[] {
  const declared = arms.map(({ weight }) => weight);
  const [first] = rules.steps;
  if (isAskedFirst(rules) || first?.kind === "shadow") return shareOut(declared, 0);
  return first?.kind === "weight" ? shareOut(declared, first.percent) : declared;
}

/** `percent` for the candidates, in proportion to what they have; the rest for the control. */
export function shareOut(weights: readonly number[], percent: number): readonly number[] {
  const [, ...candidates] = weights;
  const sum = candidates.reduce((total, weight) => total + weight, 0);
  const shares = candidates.map((weight) => (sum === 0 ? percent / candidates.length : (weight / sum) * percent));
  return [TOTAL - percent, ...shares];
}

/** The candidates get `percent` together. */
export function shiftTo(experiment: ExperimentState, percent: number): ExperimentState {
  const weights = shareOut(
    experiment.arms.map(({ weight }) => weight),
    percent,
  );
  return moveWeights(experiment, Object.fromEntries(experiment.arms.map(({ name }, at) => [name, weights[at] ?? 0])));
}

/** As a restart finds it: at the last weight that was seen to be safe, its step begun anew, under a new run. */
export function resumed(stored: ExperimentState, run: string): ExperimentState {
  // Written by an older version, it has no rules of its own.
  const {
    rules: kept = DEFAULT_RULES,
    safeStep = 0,
    hold = null,
    log = [],
    refused = [],
  } = stored as Partial<ExperimentState>;
  const rules = { ...DEFAULT_RULES, ...kept };
  const whole = { ...stored, rules, safeStep, hold, log, refused, run, phase: 0, pre: false, thresholds: {} };
  const { step, percent } = safeStart(rules, safeStep);
  // Not agreed on yet: it still is to nobody's harm.
  const isAsked = whole.step === 0 && isAskedFirst(rules);
  if (!isOpen(whole) || percent === null || isAsked) return { ...whole, step: whole.step ?? 0 };
  return { ...shiftTo(whole, percent), step, phase: 0 };
}

/** Moves the weights; arms keep as much of their ranges as their weight allows. @throws ProblemError */
export function moveWeights(experiment: ExperimentState, weights: Readonly<Record<string, number>>): ExperimentState {
  const unknown = Object.keys(weights).filter((name) => !experiment.arms.some((arm) => arm.name === name));
  if (unknown.length > 0) throw refusal(experiment.name, `has no variant "${unknown.join('", "')}"`);
  const next = experiment.arms.map((arm) => weights[arm.name]);
  if (next.some((weight) => weight === undefined)) throw refusal(experiment.name, "needs a weight for every variant");
  const numbers = next.map(Number);
  checkWeights(experiment.name, numbers);
  const ranges = planRanges(
    experiment.arms.map((arm) => arm.ranges),
    numbers,
  );
  return {
    ...experiment,
    phase: experiment.phase + 1,
    arms: experiment.arms.map((arm, index) => ({ ...arm, weight: numbers[index] ?? 0, ranges: ranges[index] ?? [] })),
  };
}

function checkWeights(name: string, weights: readonly number[]): void {
  if (weights.some((weight) => !(weight >= 0 && weight <= TOTAL))) throw refusal(name, "has a weight outside 0-100");
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum === 0) throw refusal(name, "has weights that are all 0");
  if (Math.abs(sum - TOTAL) > 1e-9) throw refusal(name, `has weights that add up to ${sum}, not 100`);
}

function refusal(name: string, what: string) {
  return problemError("config", "bad_experiment", `experiment ${name} ${what}`);
}
