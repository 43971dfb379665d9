// Everything that is known of an experiment, for the API, the page and the terminal.
import { effectOf } from "../../experiment/effect.ts";
import { countOf, type JudgeInput, type PhaseCounts } from "../../experiment/judge-input.ts";
import { isQuantile, metricOf } from "../../experiment/metrics.ts";
import { intervalOf } from "../../experiment/statistics/confidence-sequence.ts";
import { combine } from "../../experiment/statistics/estimate.ts";
import { quantileOf } from "../../experiment/statistics/latency-bins.ts";
import { binsOf } from "../../experiment/tally.ts";
import { type ExperimentState, isOpen } from "../experiment-state.ts";
import type { ArmFigures, CombinedEffect, ExperimentReport } from "../report-types.ts";
import type { ExperimentStatus } from "../types.ts";
import type { Counts } from "./counts.ts";

export function reportOf(
  state: ExperimentState,
  status: ExperimentStatus,
  counts: Counts | null,
  nowMs: number,
): Omit<ExperimentReport, "shadow"> {
  const { alpha, tuning } = state.rules.analysis;
  const phase = counts?.phases.at(-1);
  return {
    experiment: status,
    runtimeMs: counts === null ? 0 : Math.round(isOpen(state) ? nowMs - counts.startedMs : lookedMs(counts)),
    looks: counts?.looks ?? 0,
    alpha,
    tuning,
    judgement: counts?.judgement ?? null,
    combined: counts === null ? [] : combined(state, counts),
    arms: state.arms.map(({ name }, at) => figures(name, phase, at)),
    points: counts?.points ?? [],
  };
}

/** An experiment that has ended grows no older. */
const lookedMs = ({ points }: Counts): number => points.at(-1)?.ms ?? 0;

/** Steps are estimated apart and combined: pooled counts would mix weights with times of day. */
function combined({ rules, arms }: ExperimentState, { phases }: Counts): readonly CombinedEffect[] {
  const { metrics, analysis, mode } = rules;
  const names = [...(metrics.primary === null ? [] : [metrics.primary.name]), ...metrics.secondary];
  const input: JudgeInput = { mode, metrics, analysis, arms: arms.map(({ name }) => name), phases, elapsedMs: 0 };
  return names
    .filter((name) => !isQuantile(name))
    .flatMap((name) =>
      arms.slice(1).flatMap((arm, index) => combineOne(input, { name, arm: arm.name, at: index + 1 })),
    );
}

interface Wanted {
  readonly name: string;
  readonly arm: string;
  readonly at: number;
}

function combineOne(input: JudgeInput, { name, arm, at }: Wanted): readonly CombinedEffect[] {
  const steps = input.phases
    .filter(({ kind }) => kind === "step")
    .flatMap((phase) => {
      const metric = metricOf(name, input.metrics, phase.plan);
      const units = input.arms.map((_, index) => countOf(phase, index, "units"));
      const effect = metric.kind === "ratio" ? effectOf({ input, phase }, { at, units }, metric).effect : null;
      return effect === null || effect.variance === 0 ? [] : [effect];
    });
  const whole = combine(steps);
  if (whole === null) return [];
  const { alpha, tuning } = input.analysis;
  return [{ name, arm, effect: whole.value, ...intervalOf(whole, { alpha, tuning }), steps: steps.length }];
}

function figures(name: string, phase: PhaseCounts | undefined, at: number): ArmFigures {
  const sums = phase?.arms[at];
  const count = (column: Parameters<typeof countOf>[2]): number => countOf(phase, at, column);
  const quantile = (histogram: number, share: number): number | null =>
    sums === undefined ? null : quantileOf(binsOf(sums, histogram), share);
  const requests = count("requests");
  const mean = (sum: number): number | null => (requests === 0 ? null : sum / requests);
  const classes = [1, 2, 3, 4, 5].map((digit) => [`${digit}xx`, sums?.responses[digit] ?? 0]);
  return {
    name,
    requests,
    units: count("units"),
    responses: Object.fromEntries(classes),
    errors: count("errors"),
    localReplies: count("localReplies"),
    faults: sums?.faults ?? 0,
    p50: quantile(0, 0.5),
    p99: quantile(0, 0.99),
    addedP50: quantile(1, 0.5),
    addedP99: quantile(1, 0.99),
    filterP50: quantile(2, 0.5),
    filterP99: quantile(2, 0.99),
    upstreamMean: mean(count("upstream")),
    fuelMean: mean(count("fuel")),
    requestBytes: sums?.requestBytes ?? 0,
    responseBytes: count("bytes"),
    attempts: sums?.attempts ?? 0,
    memoryBytes: sums?.memoryBytes ?? 0,
  };
}
