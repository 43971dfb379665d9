// A running experiment: which version each arm has and which part of the bucket space. Ranges only grow while a weight
// rises, so a user who moved to an arm stays there (experiments.md 3).
import { problemError } from "../base/problem.ts";
import { planRanges } from "../experiment/ranges.ts";
import type { UnitSource } from "../experiment/options.ts";

export type Ranges = readonly (readonly [number, number])[];

export interface ArmState {
  readonly name: string;
  /** Version label, or `current`: follows the filter's live version. */
  readonly version: string;
  readonly weight: number;
  readonly ranges: Ranges;
}

export interface ExperimentState {
  readonly name: string;
  readonly filter: string;
  readonly salt: string;
  readonly unit: readonly UnitSource[];
  readonly state: "running" | "promoted" | "aborted";
  readonly arms: readonly ArmState[];
}

const TOTAL = 100;

/** `header:x-user`, `cookie:sid`, `requestId`, `sourceIp`, `connection`. @throws ProblemError */
export function parseUnit(text: string): UnitSource {
  if (text === "requestId" || text === "sourceIp" || text === "connection") return { kind: text };
  const [kind, name, ...rest] = text.split(":");
  if ((kind === "header" || kind === "cookie") && name !== undefined && name !== "" && rest.length === 0) {
    return { kind, name: kind === "header" ? name.toLowerCase() : name };
  }
  throw problemError("config", "bad_unit", `unit "${text}" is not known`, {
    hint: "use header:NAME, cookie:NAME, sourceIp, connection or requestId",
  });
}

export function formatUnit(unit: UnitSource): string {
  return unit.kind === "header" || unit.kind === "cookie" ? `${unit.kind}:${unit.name}` : unit.kind;
}

export interface NewExperiment {
  readonly name: string;
  readonly filter: string;
  readonly salt: string;
  readonly unit: readonly UnitSource[];
  readonly arms: readonly { readonly name: string; readonly version: string; readonly weight: number }[];
}

/** @throws ProblemError when the arms do not make sense together */
export function startExperiment(wanted: NewExperiment): ExperimentState {
  const names = wanted.arms.map((arm) => arm.name);
  if (wanted.arms.length < 2) throw refused(wanted.name, "needs at least two variants");
  if (new Set(names).size !== names.length) throw refused(wanted.name, "has two variants of one name");
  checkWeights(
    wanted.name,
    wanted.arms.map((arm) => arm.weight),
  );
  const ranges = planRanges(
    null,
    wanted.arms.map((arm) => arm.weight),
  );
  const arms = wanted.arms.map((arm, index) => ({ ...arm, ranges: ranges[index] ?? [] }));
  return { name: wanted.name, filter: wanted.filter, salt: wanted.salt, unit: wanted.unit, state: "running", arms };
}

/** Moves the weights; arms keep as much of their ranges as their weight allows. @throws ProblemError */
export function moveWeights(experiment: ExperimentState, weights: Readonly<Record<string, number>>): ExperimentState {
  const unknown = Object.keys(weights).filter((name) => !experiment.arms.some((arm) => arm.name === name));
  if (unknown.length > 0) throw refused(experiment.name, `has no variant "${unknown.join('", "')}"`);
  const next = experiment.arms.map((arm) => weights[arm.name]);
  if (next.some((weight) => weight === undefined)) throw refused(experiment.name, "needs a weight for every variant");
  const numbers = next.map(Number);
  checkWeights(experiment.name, numbers);
  const ranges = planRanges(
    experiment.arms.map((arm) => arm.ranges),
    numbers,
  );
  return {
    ...experiment,
    arms: experiment.arms.map((arm, index) => ({ ...arm, weight: numbers[index] ?? 0, ranges: ranges[index] ?? [] })),
  };
}

function checkWeights(name: string, weights: readonly number[]): void {
  if (weights.some((weight) => !(weight >= 0 && weight <= TOTAL))) throw refused(name, "has a weight outside 0-100");
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum === 0) throw refused(name, "has weights that are all 0");
  if (Math.abs(sum - TOTAL) > 1e-9) throw refused(name, `has weights that add up to ${sum}, not 100`);
}

function refused(name: string, what: string) {
  return problemError("config", "bad_experiment", `experiment ${name} ${what}`);
}
