// One metric after the other: estimate, interval, verdict, and the reason in words. Part of the judge (judge.ts).
import { effectOf, type Looked, ratioIn } from "./effect.ts";
import { failureSteps, type JudgeInput } from "./judge-input.ts";
import type { MetricJudgement } from "./judgement.ts";
import { betterOf, isQuantile, metricOf, type QuantileMetric, type RatioMetric } from "./metrics.ts";
import type { Guardrail } from "./options.ts";
import { boundWithoutEvents, evidenceOf, isWorse } from "./statistics/beta-binomial.ts";
import { eValue, intervalOf, type Level, oneSidedWidth } from "./statistics/confidence-sequence.ts";
import type { Estimate } from "./statistics/estimate.ts";
import { discoveries } from "./statistics/false-discovery.ts";
import { quantileOf } from "./statistics/latency-bins.ts";
import { type Limit, movedAs, type Verdict, withinLimit } from "./statistics/verdict.ts";
import { binsOf, COLUMNS } from "./tally.ts";
import { percent, shortE, shortNumber } from "./words.ts";

/** The arm under judgement. */
export interface Candidate {
  readonly name: string;
  /** Place among the arms. */
  readonly at: number;
  readonly units: readonly number[];
}

export function judgeMetrics(input: JudgeInput, candidate: Candidate): readonly MetricJudgement[] {
  const phase = input.phases.findLast(({ kind }) => kind === "step");
  if (phase === undefined) return [];
  const { metrics, analysis } = input;
  const arms = input.arms.length - 1;
  const level = (tests: number): Level => ({ alpha: analysis.alpha / tests / arms, tuning: analysis.tuning });
  const given = { input, candidate, phase };
  const { primary, guardrails, secondary } = metrics;
  return [
    ...(primary === null ? [] : [judgePrimary(given, level(1))]),
    ...guardrails.map((guardrail) => judgeGuardrail(given, guardrail, level(guardrails.length))),
    ...judgeSecondary(given, secondary, level(1)),
  ];
}

interface Given extends Looked {
  readonly candidate: Candidate;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

function ratioMetric(name: string, { input, phase }: Given): RatioMetric | null {
  const metric = metricOf(name, input.metrics, phase.plan);
  return metric.kind === "ratio" ? metric : null;
}

/** The difference to the control with its two-sided interval. */
function judgeDifference(given: Given, name: string, level: Level): MetricJudgement {
  const { candidate } = given;
  const metric = ratioMetric(name, given);
  const base = { name, role: "secondary" as const, arm: candidate.name, about: "difference" as const };
  const nothing = { effect: null, low: null, high: null, eValue: 1, verdict: "inconclusive" as const };
  if (metric === null) return { ...base, ...quantiles(given, name), ...nothing, reason: "a quantile has no interval" };
  const { control, own, effect, reason } = effectOf(given, candidate, metric);
  const values = { control: control?.value ?? null, candidate: own?.value ?? null };
  if (effect === null) return { ...base, ...values, ...nothing, reason };
  const { low, high } = intervalOf(effect, level);
  const told = `${shortNumber(effect.value)} [${shortNumber(low)}, ${shortNumber(high)}]`;
  const e = eValue(effect, level);
  const bounds = { low: finite(low), high: finite(high) };
  return { ...base, ...values, effect: effect.value, ...bounds, eValue: e, verdict: "inconclusive", reason: told };
}

function judgePrimary(given: Given, level: Level): MetricJudgement {
  const { name, direction } = given.input.metrics.primary ?? { name: "", direction: "increase" as const };
  const found = { ...judgeDifference(given, name, level), role: "primary" as const };
  if (found.low === null || found.high === null) return found;
  return { ...found, verdict: movedAs({ low: found.low, high: found.high }, direction) };
}

/** Reported after e-BH, never decided on. */
function judgeSecondary(given: Given, names: readonly string[], level: Level): readonly MetricJudgement[] {
  const all = names.map((name) => judgeDifference(given, name, level));
  const found = discoveries(
    all.map((one) => one.eValue),
    level.alpha,
  );
  return all.map((one, at) => {
    if (found[at] !== true || one.effect === null) return one;
    const better = betterOf(one.name);
    const wished = better === null || one.effect > 0 === (better === "increase");
    return { ...one, verdict: wished ? "pass" : "fail", reason: `${one.reason}, e = ${shortE(one.eValue)}` };
  });
}

function judgeGuardrail(given: Given, guardrail: Guardrail, level: Level): MetricJudgement {
  if (isQuantile(guardrail.name)) return judgeQuantile(given, guardrail, level);
  return guardrail.margin === null ? judgeValue(given, guardrail, level) : judgeMargin(given, guardrail, level);
}

/** The candidate's own value against `max` and `min`. */
function judgeValue(given: Given, guardrail: Guardrail, level: Level): MetricJudgement {
  const { name, max, min } = guardrail;
  const { candidate } = given;
  const metric = ratioMetric(name, given);
  const { control, own, reason } = metric === null ? NOTHING : effectOf(given, candidate, metric);
  const values = { control: control?.value ?? null, candidate: own?.value ?? null };
  const base = { name, role: "guardrail" as const, arm: candidate.name, about: "value" as const, ...values, eValue: 1 };
  if (own === null || metric === null)
    return { ...base, effect: null, low: null, high: null, verdict: "inconclusive", reason };
  const { estimate, half } = boundsOf(own, metric, level);
  const verdict = own.variance > 0 ? withinLimit(own, { max, min }, level) : inside(estimate.value, half, { max, min });
  const { proportion } = metric;
  const low = finite(proportion ? Math.max(0, own.value - half.below) : own.value - half.below);
  const high = finite(proportion ? Math.min(1, own.value + half.above) : own.value + half.above);
  return { ...base, effect: own.value, low, high, verdict, reason: limitReason(own.value, guardrail, [low, high]) };
}

const NOTHING = { control: null, own: null, effect: null, reason: "" } as const;

interface Half {
  readonly below: number;
  readonly above: number;
}

/**
 * How far the true value may be away. A proportion of which not one event has been seen has no variance to go by, but so many
 * units without any bound it all the same (RATIONALE: "What does a guardrail say when nothing went wrong?").
 */
function boundsOf(own: Estimate, { proportion }: RatioMetric, level: Level): { estimate: Estimate; half: Half } {
  if (own.variance > 0 || !proportion) {
    const width = oneSidedWidth(own, level);
    return { estimate: own, half: { below: width, above: width } };
  }
  const possible = boundWithoutEvents(own.units, level.alpha);
  if (own.value === 0) return { estimate: own, half: { below: 0, above: possible } };
  if (own.value === 1) return { estimate: own, half: { below: possible, above: 0 } };
  return { estimate: own, half: { below: Infinity, above: Infinity } };
}

function inside(value: number, half: Half, { max, min }: Limit): Verdict {
  const above = max === null || value + half.above <= max;
  const below = min === null || value - half.below >= min;
  return above && below ? "pass" : "inconclusive";
}

function limitReason(value: number, { max, min }: Guardrail, [low, high]: readonly (number | null)[]): string {
  const limits = [max === null ? "" : `max ${shortNumber(max)}`, min === null ? "" : `min ${shortNumber(min)}`];
  const end = (bound: number | null | undefined): string =>
    bound === null || bound === undefined ? "?" : shortNumber(bound);
  return `${shortNumber(value)}, bounds ${end(low)} to ${end(high)}, ${limits.filter((text) => text !== "").join(", ")}`;
}

/** Not worse than the control by more than the margin. */
function judgeMargin(given: Given, { name, margin }: Guardrail, level: Level): MetricJudgement {
  const { candidate } = given;
  const metric = ratioMetric(name, given);
  const { control, own, effect, reason } = metric === null ? NOTHING : effectOf(given, candidate, metric);
  const values = { control: control?.value ?? null, candidate: own?.value ?? null };
  const base = {
    name,
    role: "guardrail" as const,
    arm: candidate.name,
    about: "difference" as const,
    ...values,
    eValue: 1,
  };
  if (effect === null || own === null || metric === null)
    return { ...base, effect: null, low: null, high: null, verdict: "inconclusive", reason };
  const room = margin ?? 0;
  const limit = metric.better === "increase" ? { max: null, min: -room } : { max: room, min: null };
  const { half } = effect.variance > 0 ? { half: both(oneSidedWidth(effect, level)) } : boundsOf(own, metric, level);
  const verdict = effect.variance > 0 ? withinLimit(effect, limit, level) : inside(effect.value, half, limit);
  const low = finite(effect.value - half.below);
  const high = finite(effect.value + half.above);
  const told = limitReason(effect.value, { name, action: "abort", margin, ...limit }, [low, high]);
  return { ...base, effect: effect.value, low, high, verdict, reason: told };
}

const both = (width: number): Half => ({ below: width, above: width });

function quantiles({ phase, candidate }: Given, name: string): { control: number | null; candidate: number | null } {
  const metric = /^p(\d+)_ms$/.exec(name);
  const of = (at: number): number | null => {
    const sums = phase.arms[at];
    return sums === undefined ? null : quantileOf(binsOf(sums, 0), Number(metric?.[1] ?? 0) / 100);
  };
  return { control: of(0), candidate: of(candidate.at) };
}

/** Requests above the threshold, counted one by one like failures (experiments.md 5.4). */
function judgeQuantile(given: Given, { name, max }: Guardrail, level: Level): MetricJudgement {
  const { input, candidate, phase } = given;
  const metric = metricOf(name, input.metrics, phase.plan) as QuantileMetric;
  const threshold = phase.plan.slowMs[metric.slow] ?? Infinity;
  const values = quantiles(given, name);
  const base = { name, role: "guardrail" as const, arm: candidate.name, about: "value" as const, ...values };
  const open = { effect: values.candidate, low: null, high: null, verdict: "inconclusive" as const };
  if (!Number.isFinite(threshold))
    return { ...base, ...open, eValue: 1, reason: "the control's quantile is not known yet" };
  const known = {
    ...input,
    phases: input.phases.filter(({ plan }) => Number.isFinite(plan.slowMs[metric.slow] ?? Infinity)),
  };
  const evidence = evidenceOf(failureSteps(known, candidate.at, 1 + metric.slow));
  const e = Math.exp(evidence.logE);
  const told = `${evidence.candidate} of ${evidence.events} requests over ${shortNumber(threshold)} ms, ${evidence.expected.toFixed(1)} were its share`;
  if (isWorse(evidence, level.alpha))
    return { ...base, ...open, eValue: e, verdict: "fail", reason: `${told} (e = ${shortE(e)})` };
  if (max === null) {
    const enough = (candidate.units[candidate.at] ?? 0) >= input.analysis.minSamples;
    return { ...base, ...open, eValue: e, verdict: enough ? "pass" : "inconclusive", reason: told };
  }
  const share = ratioIn(given, candidate.at, { ...SLOW, numerator: COLUMNS.length + metric.slow }, candidate.units);
  const most = share === null ? Infinity : share.value + boundsOf(share, SLOW, level).half.above;
  const verdict = most <= 1 - metric.quantile ? "pass" : "inconclusive";
  const bound = Number.isFinite(most) ? `, at most ${percent(most)} in truth` : "";
  return { ...base, ...open, eValue: e, verdict, reason: `${told}${bound}` };
}

const SLOW: RatioMetric = {
  kind: "ratio",
  name: "",
  numerator: 0,
  denominator: "requests",
  complement: false,
  proportion: true,
  better: "decrease",
};
