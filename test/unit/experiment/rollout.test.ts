import { describe, expect, test } from "vitest";
import type { Judgement } from "../../../host/experiment/judgement.ts";
import type { RolloutStep } from "../../../host/experiment/options.ts";
import { nextMove, resumeMove, safeStart } from "../../../host/experiment/rollout.ts";
import { DEFAULT_ANALYSIS } from "../../../host/experiment/rules.ts";

const STEPS: readonly RolloutStep[] = [
  { kind: "weight", percent: 5 },
  { kind: "pause", ms: 30_000 },
  { kind: "weight", percent: 50 },
  { kind: "analysis", ms: 60_000 },
  { kind: "weight", percent: 100 },
];
const plan = { steps: STEPS, analysis: { ...DEFAULT_ANALYSIS, minRuntimeMs: 0 } };
const judgement = (more: Partial<Judgement> = {}): Judgement => ({
  units: [],
  requests: [],
  errors: [],
  sampleRatio: [],
  metrics: [],
  stop: null,
  gate: "pass",
  promotion: "pass",
  summary: "why",
  ...more,
});
const at = (step: number, stepMs: number, totalMs = 1e6) => ({ step, stepMs, totalMs });

describe("the next move of a rollout", () => {
  test("waits for the pause, then grows, then promotes as soon as the analysis passes", () => {
    expect(nextMove(plan, at(1, 29_999), judgement())).toEqual({ kind: "wait" });
    expect(nextMove(plan, at(1, 30_000), judgement())).toEqual({ kind: "weight", step: 3, percent: 50 });
    expect(nextMove(plan, at(3, 1), judgement())).toEqual({ kind: "promote" });
    expect(nextMove(plan, at(3, 1), judgement({ promotion: "inconclusive" }))).toEqual({ kind: "wait" });
  });

  test("a further step asks for less than a promotion", () => {
    const open = judgement({ promotion: "inconclusive" });
    expect(nextMove(plan, at(1, 30_000), open)).toMatchObject({ kind: "weight" });
    expect(nextMove(plan, at(3, 60_000), open)).toEqual({ kind: "hold", cause: "gate", reason: "inconclusive: why" });
  });

  test("what is inconclusive when the time is over is held, continued or aborted, as configured", () => {
    const open = judgement({ gate: "inconclusive" });
    const how = (onInconclusive: "hold" | "continue" | "abort") =>
      nextMove({ ...plan, analysis: { ...plan.analysis, onInconclusive } }, at(1, 30_000), open).kind;
    expect([how("hold"), how("continue"), how("abort")]).toEqual(["hold", "weight", "rollback"]);
  });

  test("a promotion waits for minRuntime instead of being held", () => {
    const slow = { ...plan, analysis: { ...plan.analysis, minRuntimeMs: 90_000 } };
    const open = judgement({ promotion: "inconclusive" });
    expect(nextMove(slow, at(3, 60_000, 80_000), open)).toEqual({ kind: "wait" });
    expect(nextMove(slow, at(3, 60_000, 90_000), open)).toMatchObject({ kind: "hold" });
  });

  test("what broke does not wait for the step", () => {
    const stop = { action: "rollback", reason: "bad" } as const;
    expect(nextMove(plan, at(1, 0), judgement({ stop }))).toEqual({ kind: "rollback", reason: "bad" });
    const hold = { action: "hold", reason: "uneven" } as const;
    expect(nextMove(plan, at(1, 0), judgement({ stop: hold }))).toEqual({
      kind: "hold",
      cause: "stop",
      reason: "uneven",
    });
    expect(nextMove(plan, at(3, 0), judgement({ promotion: "fail" }))).toEqual({ kind: "rollback", reason: "why" });
  });

  test("a clock that jumps ends a step's time, not the need for a verdict", () => {
    const open = judgement({ gate: "inconclusive", promotion: "inconclusive" });
    expect(nextMove(plan, at(1, 1e12, 1e12), open)).toMatchObject({ kind: "hold", cause: "gate" });
    expect(nextMove(plan, at(1, -1e12, -1e12), open)).toEqual({ kind: "wait" });
  });

  test("an endless pause waits for somebody, and beyond the last step weights stay", () => {
    const endless = { ...plan, steps: [STEPS[0]!, { kind: "pause", ms: null } as const, STEPS[2]!] };
    expect(nextMove(endless, at(1, 1e9), judgement())).toMatchObject({ kind: "hold", cause: "pause" });
    expect(resumeMove(endless, 1, "pause")).toEqual({ kind: "weight", step: 3, percent: 50 });
    expect(nextMove(endless, at(3, 1e9), judgement())).toEqual({ kind: "wait" });
    const last = { ...plan, steps: STEPS.slice(0, 2) };
    expect(nextMove(last, at(1, 30_000), judgement())).toEqual({ kind: "step", step: 2 });
  });

  test("resume goes past an open question, and begins the step anew after a stop", () => {
    expect(resumeMove(plan, 1, "gate")).toEqual({ kind: "weight", step: 3, percent: 50 });
    expect(resumeMove(plan, 3, "hook")).toEqual({ kind: "promote" });
    expect(resumeMove(plan, 1, "stop")).toEqual({ kind: "step", step: 1 });
    expect(resumeMove(plan, 3, "manual")).toEqual({ kind: "step", step: 3 });
  });

  test("a restart resumes at the last weight that passed", () => {
    expect(safeStart(plan, 0)).toEqual({ step: 1, percent: 5 });
    expect(safeStart(plan, 2)).toEqual({ step: 3, percent: 50 });
    expect(safeStart(plan, 99)).toEqual({ step: 5, percent: 100 });
    expect(safeStart({ ...plan, steps: [] }, 0)).toEqual({ step: 0, percent: null });
  });
});
