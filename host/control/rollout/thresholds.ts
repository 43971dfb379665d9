// The latency a candidate is held against where the config names none: the control's own quantile, of the step before or of
// its first thousand requests. It must be fixed before what is counted against it (experiments.md 5.4).
import { isQuantile, metricOf, namesOf } from "../../experiment/metrics.ts";
import { quantileOf } from "../../experiment/statistics/latency-bins.ts";
import { binsOf, sumOf } from "../../experiment/tally.ts";
import type { ExperimentState } from "../experiment-state.ts";
import type { Counts } from "./counts.ts";

const ENOUGH_REQUESTS = 1000;

/** Quantile metrics whose limit nobody has given. */
function wanted({ rules: { metrics } }: ExperimentState): readonly string[] {
  const given = (name: string): boolean => metrics.guardrails.some((one) => one.name === name && one.max !== null);
  return namesOf(metrics).filter((name) => isQuantile(name) && !given(name));
}

/** Some are not known yet, and now could be. */
export function needsThresholds(state: ExperimentState, counts: Counts): boolean {
  return (
    wanted(state).some((name) => state.thresholds[name] === undefined) && controlRequests(counts) >= ENOUGH_REQUESTS
  );
}

function controlRequests(counts: Counts): number {
  const control = counts.phases.at(-1)?.arms[0];
  return control === undefined ? 0 : sumOf(binsOf(control, 0));
}

/** Those of the present phase, where it has seen enough; else the ones before. */
export function thresholdsOf(state: ExperimentState, counts: Counts): Readonly<Record<string, number>> {
  const phase = counts.phases.at(-1);
  const control = phase?.arms[0];
  if (phase === undefined || control === undefined || controlRequests(counts) < ENOUGH_REQUESTS)
    return state.thresholds;
  const found = wanted(state).flatMap((name) => {
    const metric = metricOf(name, state.rules.metrics, phase.plan);
    const value = metric.kind === "quantile" ? quantileOf(binsOf(control, 0), metric.quantile) : null;
    return value === null ? [] : [[name, value] as const];
  });
  return { ...state.thresholds, ...Object.fromEntries(found) };
}
