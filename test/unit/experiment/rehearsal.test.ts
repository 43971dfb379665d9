// From what a shadow has found to the next move of a rollout.
import { describe, expect, test } from "vitest";
import type { Judgement } from "../../../host/experiment/judgement.ts";
import type { RolloutStep, ShadowStep } from "../../../host/experiment/options.ts";
import type { Rehearsed } from "../../../host/experiment/rehearsal.ts";
import { nextMove, resumeMove, safeStart } from "../../../host/experiment/rollout.ts";
import { DEFAULT_ANALYSIS } from "../../../host/experiment/rules.ts";

const shadow = (onDiff: ShadowStep["onDiff"]): ShadowStep => ({
  kind: "shadow",
  percent: 10,
  ms: 30_000,
  onDiff,
  ignore: [],
});
const plan = (onDiff: ShadowStep["onDiff"], ...rest: RolloutStep[]) => ({
  steps: [shadow(onDiff), ...rest],
  analysis: DEFAULT_ANALYSIS,
});
const WEIGHT: RolloutStep = { kind: "weight", percent: 1 };
/** Nobody has met the candidate: what the judge says of it means nothing. */
const NOTHING = { stop: null, gate: "inconclusive", promotion: "inconclusive", summary: "" } as Judgement;
const SAME: Rehearsed = {
  compared: 40,
  differing: 0,
  fields: [],
  diverged: 0,
  trapped: 0,
  fault: "",
  problem: "",
};
const DIFFERS: Rehearsed = { ...SAME, differing: 4, fields: ["request_headers action"] };
const move = (onDiff: ShadowStep["onDiff"], stepMs: number, rehearsed: Rehearsed | null) =>
  nextMove(plan(onDiff, WEIGHT), { step: 0, stepMs, totalMs: stepMs, rehearsed }, NOTHING);

describe("a shadow step", () => {
  test("waits for its time, then goes on to the first weight when nothing differs beyond the noise", () => {
    expect(move("hold", 29_999, SAME)).toEqual({ kind: "wait" });
    expect(move("hold", 30_000, SAME)).toEqual({ kind: "weight", step: 2, percent: 1 });
    expect(move("hold", 30_000, { ...SAME, differing: 2 })).toMatchObject({ kind: "weight" });
    expect(move("hold", 1e9, null)).toEqual({ kind: "wait" });
  });

  test("holds, aborts or goes on when decisions differ, as configured, once the noise is known", () => {
    expect(move("hold", 1000, DIFFERS)).toEqual({ kind: "wait" });
    const reason = "in the shadow 4 of 40 streams differ in request_headers action";
    expect(move("hold", 30_000, DIFFERS)).toEqual({ kind: "hold", cause: "gate", reason });
    expect(move("abort", 30_000, DIFFERS)).toEqual({ kind: "rollback", reason });
    expect(move("continue", 30_000, DIFFERS)).toMatchObject({ kind: "weight" });
  });

  test("takes a call that the control had not made for a difference", () => {
    const asked = { ...SAME, diverged: 5 };
    const held = move("hold", 30_000, asked);
    expect(held).toMatchObject({ kind: "hold", reason: expect.stringMatching(/5 times it asked for what/) });
    expect(move("continue", 30_000, asked)).toMatchObject({ kind: "weight" });
  });

  test("does not wait for the third trap, nor for a candidate that does not start, whatever differences mean", () => {
    const trapped = (count: number) => ({ ...SAME, trapped: count });
    expect(move("continue", 1000, trapped(2))).toEqual({ kind: "wait" });
    expect(move("continue", 1000, trapped(3))).toMatchObject({ kind: "hold", cause: "gate" });
    expect(move("abort", 1000, trapped(3))).toMatchObject({ kind: "rollback" });
    expect(move("continue", 30_000, trapped(1))).toMatchObject({ kind: "hold" });
    const fault = { ...SAME, compared: 0, fault: "no memory" };
    expect(move("abort", 0, fault)).toMatchObject({
      kind: "rollback",
      reason: expect.stringMatching(/does not start: no memory/),
    });
  });

  test("without a stream is inconclusive, without a shadow held; neither stops one that differences do not stop", () => {
    const empty = { ...SAME, compared: 0 };
    expect(move("hold", 30_000, empty)).toEqual({
      kind: "hold",
      cause: "gate",
      reason: "inconclusive: the shadow compared no stream",
    });
    const missing = { ...SAME, problem: "it was stopped" };
    expect(move("abort", 1000, missing)).toEqual({ kind: "hold", cause: "stop", reason: "no shadow: it was stopped" });
    expect(move("continue", 1000, missing)).toEqual({ kind: "wait" });
    for (const one of [empty, missing]) expect(move("continue", 30_000, one)).toMatchObject({ kind: "weight" });
  });

  test("that no weight follows leaves the decision to somebody, and resume begins it anew", () => {
    const alone = plan("hold");
    const over = { step: 0, stepMs: 30_000, totalMs: 30_000, rehearsed: SAME };
    expect(nextMove(alone, over, NOTHING)).toMatchObject({
      kind: "hold",
      cause: "stop",
      reason: expect.stringMatching(/none differs beyond the noise; promote, abort/),
    });
    for (const cause of ["stop", "gate"] as const)
      expect(resumeMove(alone, 0, cause)).toEqual({ kind: "step", step: 0 });
  });

  test("that was held for a difference is passed by resume, and a restart begins it anew", () => {
    expect(resumeMove(plan("hold", WEIGHT), 0, "gate")).toEqual({ kind: "weight", step: 2, percent: 1 });
    expect(safeStart(plan("hold", WEIGHT), 0)).toEqual({ step: 0, percent: 0 });
    expect(safeStart(plan("hold", WEIGHT), 1)).toEqual({ step: 2, percent: 1 });
  });
});
