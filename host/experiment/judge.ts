// Looks at the sums of an experiment and says what they show. Pure: the same sums give the same judgement, and looking often
// changes nothing, since every interval and every e-value holds at all times at once (experiments.md 5).
import type { ErrorJudgement, Judgement, MetricJudgement, RatioJudgement, Stop } from "./judgement.ts";
import { judgeMetrics } from "./judge-metrics.ts";
import { countOf, failureSteps, type JudgeInput, type PhaseCounts, shareOf } from "./judge-input.ts";
import { evidenceOf, isWorse } from "./statistics/beta-binomial.ts";
import { sampleRatio } from "./statistics/sample-ratio.ts";
import { type Verdict, worst } from "./statistics/verdict.ts";
import { percent, shortE } from "./words.ts";

export function judge(input: JudgeInput): Judgement {
  const phase = input.phases.findLast(({ kind }) => kind === "step");
  const units = input.arms.map((_, at) => countOf(phase, at, "units"));
  const requests = input.arms.map((_, at) => countOf(phase, at, "requests"));
  const candidates = input.arms.slice(1).map((name, at) => ({ name, at: at + 1 }));
  const errors = candidates.map(({ name, at }) => judgeErrors(input, name, at));
  const ratios = candidates.map(({ name, at }) => judgeRatio(input, { name, at, units, phase }));
  const metrics = candidates.flatMap(({ name, at }) => judgeMetrics(input, { name, at, units }));
  const stop = stopOf(input, { errors, ratios, metrics });
  const gate = gateOf(errors, ratios, metrics, input);
  const promotion = worst([gate, ...promotionOf(input, units, metrics)]);
  const summary = summaryOf({ stop, promotion, metrics, units, input });
  return { units, requests, errors, sampleRatio: ratios, metrics, stop, gate, promotion, summary };
}

function judgeErrors(input: JudgeInput, arm: string, at: number): ErrorJudgement {
  const evidence = evidenceOf(failureSteps(input, at, 0));
  const { events, candidate, expected, logE } = evidence;
  const worse = isWorse(evidence, input.analysis.errorAlpha / (input.arms.length - 1));
  return { arm, events, candidate, expected, eValue: Math.exp(logE), worse };
}

interface Candidate {
  readonly name: string;
  readonly at: number;
  readonly units: readonly number[];
  readonly phase: PhaseCounts | undefined;
}

function judgeRatio({ analysis }: JudgeInput, { name, at, units, phase }: Candidate): RatioJudgement {
  const candidate = units[at] ?? 0;
  const share = phase === undefined ? 0 : shareOf(phase, at);
  const found = sampleRatio({ events: candidate + (units[0] ?? 0), candidate, share }, analysis.srmAlpha);
  const { observedShare: observed, chiSquare, mismatch, logE } = found;
  return { arm: name, units: found.units, planned: share, observed, eValue: Math.exp(logE), chiSquare, mismatch };
}

interface Parts {
  readonly errors: readonly ErrorJudgement[];
  readonly ratios: readonly RatioJudgement[];
  readonly metrics: readonly MetricJudgement[];
}

function stopOf({ metrics: { guardrails }, analysis }: JudgeInput, { errors, ratios, metrics }: Parts): Stop | null {
  const bad = errors.find(({ worse }) => worse);
  if (bad !== undefined) {
    const expected = bad.expected.toFixed(1);
    const reason = `${bad.arm} has ${bad.candidate} of ${bad.events} failures, ${expected} were its share (e = ${shortE(bad.eValue)})`;
    return { action: "rollback", reason };
  }
  const failed = metrics.filter(({ role, verdict }) => role === "guardrail" && verdict === "fail");
  const actionOf = (name: string): "abort" | "hold" => guardrails.find((one) => one.name === name)?.action ?? "abort";
  const worstOne = failed.find(({ name }) => actionOf(name) === "abort") ?? failed[0];
  if (worstOne !== undefined) {
    const reason = `guardrail ${worstOne.name} of ${worstOne.arm}: ${worstOne.reason}`;
    return { action: actionOf(worstOne.name) === "abort" ? "rollback" : "hold", reason };
  }
  const uneven = ratios.find(({ mismatch }) => mismatch);
  if (uneven === undefined || analysis.srmAction === "warn") return null;
  return { action: analysis.srmAction === "rollback" ? "rollback" : "hold", reason: ratioReason(uneven) };
}

const ratioReason = ({ arm, observed, planned, units }: RatioJudgement): string =>
  `sample ratio mismatch: ${arm} got ${percent(observed)} of ${units} units, planned were ${percent(planned)}`;

function gateOf(
  errors: readonly ErrorJudgement[],
  ratios: readonly RatioJudgement[],
  metrics: readonly MetricJudgement[],
  { analysis }: JudgeInput,
): Verdict {
  const guardrails = metrics.filter(({ role }) => role === "guardrail").map(({ verdict }) => verdict);
  const bad = errors.some(({ worse }) => worse);
  const uneven = analysis.srmAction !== "warn" && ratios.some(({ mismatch }) => mismatch);
  return worst([...guardrails, bad ? "fail" : "pass", uneven ? "inconclusive" : "pass"]);
}

/** What a promotion asks for beyond a further step. */
function promotionOf(input: JudgeInput, units: readonly number[], metrics: readonly MetricJudgement[]): Verdict[] {
  const { analysis, mode } = input;
  const enough = units.every((own) => own >= analysis.minSamples) && input.elapsedMs >= analysis.minRuntimeMs;
  const primary = metrics.filter(({ role }) => role === "primary").map(({ verdict }) => verdict);
  const wished = mode === "canary" ? [] : primary.length === 0 ? (["inconclusive"] as const) : primary;
  return [enough ? "pass" : "inconclusive", ...wished];
}

interface Said {
  readonly stop: Stop | null;
  readonly promotion: Verdict;
  readonly metrics: readonly MetricJudgement[];
  readonly units: readonly number[];
  readonly input: JudgeInput;
}

function summaryOf({ stop, promotion, metrics, units, input }: Said): string {
  if (stop !== null) return stop.reason;
  if (promotion === "pass") return "the candidate may be promoted";
  const primary = metrics.find(({ role, verdict }) => role === "primary" && verdict === "fail");
  if (primary !== undefined) return `${primary.name} moved the wrong way: ${primary.reason}`;
  const { minSamples, minRuntimeMs } = input.analysis;
  const least = Math.min(...units);
  if (least < minSamples) return `no decision yet: ${least} of ${minSamples} units in the smallest arm`;
  if (input.elapsedMs < minRuntimeMs)
    return `no decision yet: ${Math.ceil((minRuntimeMs - input.elapsedMs) / 1000)} s to go`;
  const open = metrics.find(({ role, verdict }) => role !== "secondary" && verdict === "inconclusive");
  return open === undefined ? "no decision yet" : `no decision yet: ${open.name}: ${open.reason}`;
}
