// An experiment as the API, the CLI and the report show it: its state with what the data threads have counted.
import type { RolloutStep } from "../experiment/options.ts";
import type { ArmReport, ThreadReport } from "../link/messages.ts";
import { armVersion } from "./composer.ts";
import { type ExperimentState, formatUnit, isOpen } from "./experiment-state.ts";
import type { Counts } from "./rollout/counts.ts";
import type { Runtime } from "./runtime.ts";
import type { ArmStatus, ExperimentStatus, RolloutStatus } from "./types.ts";

/** @param counts of the present run; null before the first look */
export function statusOf(
  runtime: Runtime,
  experiment: ExperimentState,
  reports: readonly ThreadReport[],
  counts: Counts | null,
): ExperimentStatus {
  const counted = reports.flatMap((report) => report.arms).filter((arm) => arm.experiment === experiment.name);
  const missing = reports.map((report) => report.unitMissing[experiment.name] ?? 0);
  const { name, filter, state, salt, rules } = experiment;
  return {
    name,
    filter,
    state,
    salt,
    unit: experiment.unit.map(formatUnit),
    arms: experiment.arms.map((arm) => armStatus(runtime, experiment, arm, counted)),
    unitMissing: missing.reduce((a, b) => a + b, 0),
    mode: rules.mode,
    layer: rules.layer,
    rollout: rolloutStatus(runtime, experiment, counts),
  };
}

function rolloutStatus(runtime: Runtime, experiment: ExperimentState, counts: Counts | null): RolloutStatus {
  const { rules, step, hold, log } = experiment;
  return {
    steps: rules.steps.map(stepText),
    step,
    hold: hold?.reason ?? null,
    multipleExposure: isOpen(experiment) ? runtime.trials.of(experiment).book.mixed : 0,
    summary: isOpen(experiment) ? (counts?.judgement?.summary ?? "no decision yet") : (log.at(-1)?.what ?? ""),
    log,
  };
}

export function stepText(step: RolloutStep): string {
  if (step.kind === "weight") return `setWeight ${step.percent}`;
  if (step.kind === "shadow") return `shadow ${step.percent} % ${step.ms / 1000}s`;
  return step.ms === null ? "pause" : `${step.kind} ${step.ms / 1000}s`;
}

function armStatus(
  { config, book, experiments }: Runtime,
  experiment: ExperimentState,
  arm: ExperimentState["arms"][number],
  counted: readonly ArmReport[],
): ArmStatus {
  const mine = counted.filter((report) => report.arm === arm.name);
  const sum = (read: (report: ArmReport) => number): number => mine.reduce((total, report) => total + read(report), 0);
  const responses = Object.fromEntries(
    [1, 2, 3, 4, 5].map((digit) => [`${digit}xx`, sum((report) => report.responses[digit] ?? 0)]),
  );
  const record = book.records.get(experiment.filter);
  // An ended experiment is remembered longer than its versions are.
  const isKept = arm.version === "current" || record?.versions.some(({ label }) => label === arm.version) === true;
  const version =
    isKept && record?.live !== null
      ? armVersion({ config, records: book.records, experiments }, experiment.filter, arm.version)
      : { label: arm.version, sha256: "" };
  const { name, weight, ranges } = arm;
  const counts = {
    requests: sum((r) => r.requests),
    responses,
    localReplies: sum((r) => r.localReplies),
    faults: sum((r) => r.faults),
  };
  return { name, version: version.label, sha256: version.sha256, weight, ranges, ...counts };
}
