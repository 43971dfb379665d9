// Rollouts under a clock that is moved by hand, with data threads that are played by the test: what they would count is put
// into tallies of the same books.
import { afterEach, describe, expect, test } from "vitest";
import { problemError } from "../../../host/base/problem.ts";
import { type ExperimentState, resumed } from "../../../host/control/experiment-state.ts";
import { countEvents } from "../../../host/control/rollout/conversions.ts";
import type { FaultReport } from "../../../host/plugin/services.ts";

import { countUsersFrom, Stage, version } from "./rollout-stage.ts";

let stage = new Stage();
afterEach(() => {
  stage.rollouts.close();
  expect(stage.clock.pending).toBe(0);
  stage = new Stage();
});

const CANARY = {
  mode: "canary",
  analysis: { minSamples: 20, minRuntime: "1s" },
  rollout: { steps: [{ setWeight: 5 }, { pause: "10s" }, { setWeight: 50 }, { pause: "10s" }, { setWeight: 100 }] },
};
const fault = (more: object): FaultReport =>
  ({
    filter: "f",
    version: "v2",
    renewInMs: 0,
    fault: {
      reason: "trap",
      cause: "trap",
      callback: "proxy_on_tick",
      contextId: 1,
      message: "m",
      frames: [],
      ...more,
    },
  }) as unknown as FaultReport;

describe("a rollout", () => {
  test("begins at its first step's weight, grows with time and verdict, and ends in a promotion", async () => {
    await stage.start(CANARY);
    expect([stage.weight, stage.state.step]).toEqual([5, 1]);
    stage.serve(1000);
    await stage.pass(9000);
    expect(stage.weight).toBe(5);
    await stage.pass(2000);
    expect([stage.weight, stage.state.step, stage.state.safeStep]).toEqual([50, 3, 0]);
    stage.serve(1000);
    await stage.pass(11_000);
    expect(stage.state.state).toBe("promoted");
    expect(stage.record.live?.label).toBe("v2");
    expect(stage.drafts.length).toBe(3);
    expect(stage.state.log.map(({ by, what }) => `${by}: ${what}`)).toEqual([
      "admin: started: a (v1) 95 %, b (v2) 5 %",
      expect.stringMatching(/^rollout: weight 50 %: guardrails hold after \d+ and \d+ units$/),
      "rollout: b (v2) promoted",
    ]);
    // Nothing is open any more: nothing looks any more.
    await stage.pass(2000);
    expect(stage.clock.pending).toBe(0);
  });

  test("is held when nothing can be said, and says what is missing", async () => {
    await stage.start(CANARY);
    stage.serve(300);
    await stage.pass(11_000);
    await stage.pass(12_000);
    expect(stage.state).toMatchObject({ state: "held", hold: { cause: "gate" } });
    expect(stage.state.hold!.reason).toMatch(/^inconclusive: no decision yet: 0 of 20 units/);
    expect(stage.weight).toBe(50);
    await stage.pass(60_000);
    expect(stage.state.state).toBe("held");
    await stage.rollouts.resume("e");
    expect(stage.state.state).toBe("promoted");
  });

  test("goes back by itself when the candidate fails more often, also while it is held", async () => {
    await stage.start(CANARY);
    await stage.rollouts.hold(stage.state, "manual", "paused by hand");
    stage.serve(2000, [0.01, 0.6]);
    await stage.pass(1000);
    expect(stage.state.state).toBe("rolledBack");
    expect(stage.state.log.at(-1)!.what).toMatch(/^rolled back: b has \d+ of \d+ failures/);
    expect(stage.record.live?.label).toBe("v1");
  });

  test("a pause by hand holds it until it is resumed, and the step begins anew", async () => {
    await stage.start(CANARY);
    stage.serve(1000);
    await stage.pass(8000);
    await stage.rollouts.hold(stage.state, "manual", "paused by hand");
    await stage.pass(60_000);
    expect([stage.weight, stage.state.hold?.reason]).toEqual([5, "paused by hand"]);
    await stage.rollouts.resume("e");
    await stage.pass(9000);
    expect(stage.weight).toBe(5);
    await stage.pass(2000);
    expect(stage.weight).toBe(50);
    await expect(stage.rollouts.resume("e")).rejects.toThrow(/is running, not held/);
  });

  test("weights set by hand hold it too: two hands must not steer", async () => {
    await stage.start(CANARY);
    await stage.desk.setWeights("e", { a: 80, b: 20 });
    expect(stage.state).toMatchObject({ state: "held", hold: { cause: "weights" }, phase: 1 });
  });

  test("a jump of the clock ends steps, not the need for a verdict", async () => {
    await stage.start(CANARY);
    stage.clock.advance(86_400_000);
    await stage.settle();
    await stage.pass(1000);
    expect(stage.state.arms[1]!.weight).toBeLessThanOrEqual(50);
    expect(stage.state.state).not.toBe("promoted");
  });

  test("a weight that a data thread refuses is tried again", async () => {
    await stage.start(CANARY);
    stage.serve(1000);
    stage.refusal = problemError("state", "prepare_timeout", "data thread 2 did not answer");
    await stage.pass(11_000);
    expect(stage.weight).toBe(5);
    expect(stage.texts.some((text) => text.includes("could not be moved: data thread 2 did not answer"))).toBe(true);
    stage.refusal = null;
    await stage.pass(1000);
    expect(stage.weight).toBe(50);
  });
});

describe("what does not wait for statistics", () => {
  test("three harmed requests close the book at once, before anything is committed", async () => {
    const { run } = await stage.start(CANARY);
    const { book } = stage.runtime.trials.of(stage.state);
    stage.runtime.ears.alarm("e", `${run}.0`, 2);
    expect(book.closed).toBe(false);
    stage.runtime.ears.alarm("e", "r99.0", 3);
    expect(book.closed).toBe(false);
    stage.runtime.ears.alarm("e", `${run}.0`, 3);
    expect(book.closed).toBe(true);
    stage.runtime.ears.alarm("e", `${run}.0`, 4);
    await stage.settle();
    expect(stage.state.state).toBe("rolledBack");
    expect(stage.drafts.length).toBe(2);
    expect(stage.drafts[1]!.snapshot.slots[0]).toMatchObject({ experiment: "", arms: [{ name: "" }] });
  });

  test.each([
    ["the memory cap", { reason: "oom" }],
    ["a start that fails", { cause: "start" }],
    ["a configuration it refuses", { cause: "config" }],
  ])("%s is reason enough", async (_what, more) => {
    await stage.start(CANARY);
    stage.runtime.ears.fault(fault(more));
    await stage.settle();
    expect(stage.state.state).toBe("rolledBack");
  });

  test("ticks that trap count like requests, and one within a minute is forgiven", async () => {
    await stage.start({ ...CANARY, analysis: { onInconclusive: "hold" } });
    const tick = fault({ cause: "tick" });
    stage.runtime.ears.fault(tick);
    stage.runtime.ears.fault(tick);
    await stage.pass(61_000);
    stage.runtime.ears.fault(tick);
    expect(stage.state.state).not.toBe("rolledBack");
    stage.runtime.ears.fault(tick);
    stage.runtime.ears.fault(tick);
    await stage.settle();
    expect(stage.state.state).toBe("rolledBack");
  });

  test("faults of the control, or of another filter, are none of its business", async () => {
    await stage.start(CANARY);
    stage.runtime.ears.fault({ ...fault({ reason: "oom" }), version: "v1" });
    stage.runtime.ears.fault({ ...fault({ reason: "oom" }), filter: "g" });
    await stage.settle();
    expect(stage.state.state).toBe("running");
  });

  test("a rollback that a data thread refuses is in force all the same, and made lasting later", async () => {
    await stage.start(CANARY);
    const { book } = stage.runtime.trials.of(stage.state);
    stage.refusal = problemError("state", "thread_lost", "data thread 1 ended");
    stage.runtime.ears.fault(fault({ reason: "oom" }));
    await stage.settle();
    expect([book.closed, stage.state.state]).toEqual([true, "running"]);
    stage.refusal = null;
    await stage.pass(1000);
    expect(stage.state.state).toBe("rolledBack");
  });
});

describe("hooks", () => {
  const hooks = {
    rollout: "http://h/rollout",
    "confirm-traffic-increase": "http://h/more",
    "confirm-promotion": "http://h/promote",
    "post-rollout": "http://h/post",
    rollback: "http://h/back",
  };

  test("are asked before a step and told afterwards", async () => {
    await stage.start({ ...CANARY, hooks });
    stage.serve(1000);
    await stage.pass(11_000);
    stage.serve(1000);
    await stage.pass(11_000);
    expect(stage.asked.map(({ url }) => url)).toEqual(
      ["rollout", "more", "rollout", "promote", "post"].map((name) => `http://h/${name}`),
    );
    expect(stage.asked[1]!.body).toMatchObject({ hook: "confirm-traffic-increase", experiment: "e", weight: 50 });
    expect(stage.asked[4]!.body).toMatchObject({ outcome: "promoted" });
  });

  test.each([
    [503, "hook confirm-traffic-increase answered 503"],
    [302, "hook confirm-traffic-increase answered 302"],
    [0, "hook confirm-traffic-increase did not answer: connection refused"],
  ])("an answer of %i holds, and resume asks again", async (status, reason) => {
    await stage.start({ ...CANARY, hooks });
    stage.answers.set("http://h/more", status);
    stage.serve(1000);
    await stage.pass(11_000);
    expect(stage.state).toMatchObject({ state: "held", hold: { cause: "hook", reason } });
    expect(stage.weight).toBe(5);
    stage.answers.clear();
    await stage.rollouts.resume("e");
    expect([stage.weight, stage.state.state]).toEqual([50, "running"]);
  });

  test("who is to agree to the start is asked before anybody meets the candidate", async () => {
    const asked = { ...CANARY, hooks: { "confirm-rollout": "http://h/confirm", "pre-rollout": "http://h/pre" } };
    stage.answers.set("http://h/pre", 403);
    await stage.start(asked);
    expect([stage.weight, stage.state.step]).toEqual([0, 0]);
    await stage.pass(1000);
    expect(stage.state).toMatchObject({ state: "held", hold: { reason: "hook pre-rollout answered 403" } });
    expect(stage.weight).toBe(0);
    expect(resumed(stage.state, "r2").arms[1]!.weight).toBe(0);
    stage.answers.clear();
    await stage.rollouts.resume("e");
    expect([stage.weight, stage.state.step]).toEqual([5, 1]);
    expect(stage.asked.map(({ body }) => body["hook"])).toEqual([
      "confirm-rollout",
      "pre-rollout",
      "confirm-rollout",
      "pre-rollout",
    ]);
  });

  test("everything that happens is told, if somebody wants to hear it", async () => {
    await stage.start({ ...CANARY, hooks: { event: "http://h/event" } });
    await stage.desk.abort("e");
    expect(stage.asked.map(({ body }) => body["what"])).toEqual([
      "started: a (v1) 95 %, b (v2) 5 %",
      "aborted: control serves everybody",
    ]);
  });

  test("a rollback waits for no hook", async () => {
    await stage.start({ ...CANARY, hooks });
    stage.answers.set("http://h/back", 500);
    stage.runtime.ears.fault(fault({ reason: "oom" }));
    await stage.settle();
    expect(stage.state.state).toBe("rolledBack");
    expect(stage.asked.map(({ url }) => url)).toEqual(["http://h/back", "http://h/post"]);
  });
});

describe("what is counted", () => {
  test("begins anew when the control's own version is swapped under it", async () => {
    const variants = [
      { name: "a", version: "current", weight: 50 },
      { name: "b", version: "v2", weight: 50 },
    ];
    await stage.desk.create({ name: "e", filter: "f", unit: ["header:u"], variants });
    stage.serve(300, [0.2, 0.2]);
    await stage.pass(1000);
    expect(stage.rollouts.counts("e")!.judgement!.errors[0]!.events).toBeGreaterThan(20);
    stage.record.setLive(stage.record.find("v3"));
    stage.runtime.ears.swapped("f", "v3");
    await stage.settle();
    expect(stage.state).toMatchObject({ phase: 1, state: "running" });
    expect(stage.state.log.at(-1)).toMatchObject({ by: "config", what: "v3 is live now: counts begin anew" });
    await stage.pass(1000);
    expect(stage.rollouts.counts("e")!.judgement).toMatchObject({ requests: [0, 0], errors: [{ events: 0 }] });
    stage.runtime.ears.swapped("g", "v9");
    await stage.settle();
    expect(stage.state.phase).toBe(1);
  });

  test("outside events go to the arm in which their unit was seen, others are ignored", async () => {
    const metrics = { primary: { name: "event:paid", direction: "increase" } };
    await stage.start({ metrics });
    countUsersFrom(0);
    stage.serve(50);
    await stage.pass(1000);
    const counts = stage.rollouts.counts("e")!;
    const post = (unit: string, name = "paid") =>
      countEvents(stage.state, counts, stage.runtime.trials, [{ unit, name, value: 2 }]);
    expect(post("user-0")).toEqual({ counted: 1, ignored: 0 });
    expect(post("user-49")).toEqual({ counted: 1, ignored: 0 });
    expect(post("user-50")).toEqual({ counted: 0, ignored: 1 });
    expect(post("user-0", "looked")).toEqual({ counted: 0, ignored: 1 });
  });

  test("a limit taken from the control's own latency is fixed before anything is counted against it", async () => {
    await stage.start({ ...CANARY, metrics: { guardrails: [{ name: "p99_ms" }] } });
    stage.serve(900);
    await stage.pass(1000);
    expect([stage.state.phase, stage.state.thresholds]).toEqual([0, {}]);
    stage.serve(300);
    await stage.pass(1000);
    expect(stage.state.phase).toBe(1);
    expect(stage.state.thresholds["p99_ms"]).toBeGreaterThan(5);
    const { plan } = stage.runtime.trials.of(stage.state).message;
    expect(plan.slowMs).toEqual([stage.state.thresholds["p99_ms"]]);
    expect(stage.rollouts.counts("e")!.judgement).not.toBeNull();
    // The same users in the new phase: the first thousand requests are not counted again.
    stage.serve(200, [0, 0], 50);
    await stage.pass(1000);
    expect(stage.rollouts.counts("e")!.judgement!.requests.reduce((a, b) => a + b)).toBe(200);
  });

  test("an A/A phase comes first if so configured: the candidate's users get the control's version", async () => {
    await stage.start({ ...CANARY, analysis: { ...CANARY.analysis, prePeriod: "5s" } });
    const generations = () =>
      stage.drafts.at(-1)!.snapshot.slots[0]!.arms.map(({ generation }) => generation.split(":")[0]);
    expect([stage.state.pre, generations()]).toEqual([true, ["f@v1", "f@v1"]]);
    stage.serve(500);
    await stage.pass(6000);
    expect([stage.state.pre, stage.state.phase, generations()]).toEqual([false, 1, ["f@v1", "f@v2"]]);
    expect(stage.rollouts.counts("e")!.phases.map(({ kind }) => kind)).toEqual(["pre", "step"]);
  });

  test("counts of another run are not its own", async () => {
    await stage.start();
    stage.serve(100);
    const old = stage.reports.splice(0);
    await stage.desk.abort("e");
    await stage.start();
    stage.reports.push(...old);
    await stage.pass(1000);
    expect(stage.rollouts.counts("e")!.judgement!.requests).toEqual([0, 0]);
  });
});

describe("a restart", () => {
  test("resumes at the last weight that passed, under a new run", async () => {
    await stage.start(CANARY);
    stage.serve(1000);
    await stage.pass(11_000);
    expect(stage.weight).toBe(50);
    const again = resumed(JSON.parse(JSON.stringify(stage.state)) as ExperimentState, "r7");
    expect(again).toMatchObject({ step: 1, phase: 0, run: "r7", state: "running" });
    expect(again.arms.map(({ weight }) => weight)).toEqual([95, 5]);
    // The users of the safe part are those it had before.
    expect(again.arms[1]!.ranges).toEqual([[9500, 10_000]]);
  });

  test("what was held stays held, what has ended stays ended, and an older file has the default rules", async () => {
    await stage.start(CANARY);
    await stage.rollouts.hold(stage.state, "manual", "paused by hand");
    expect(resumed(stage.state, "r2")).toMatchObject({ state: "held", hold: { cause: "manual" } });
    await stage.desk.abort("e");
    expect(resumed(stage.state, "r2")).toMatchObject({ state: "aborted" });
    const { rules: _rules, run: _run, log: _log, hold: _hold, safeStep: _safe, ...old } = stage.state;
    const read = resumed({ ...old, state: "running" } as unknown as ExperimentState, "r3");
    expect(read).toMatchObject({ rules: { mode: "ab", steps: [] }, log: [], hold: null, state: "running" });
  });
});

test("versions under experiment are kept however many come after them", async () => {
  await stage.start();
  for (let number = 4; number < 60; number++) stage.record.add(version(`v${number}`));
  expect(stage.record.find("v2").label).toBe("v2");
  expect(stage.record.versions.length).toBe(20);
  await stage.desk.abort("e");
  stage.record.add(version("v60"));
  expect(() => stage.record.find("v2")).toThrow(/no version "v2"/);
});

describe("an experiment that cannot be", () => {
  test("in a layer whose part is taken is refused with its pointer", async () => {
    await stage.start({ layer: { name: "l", range: [0, 0.6] } });
    stage.runtime.experiments.set("x", { ...stage.state, name: "x", filter: "other" });
    await stage.desk.abort("e");
    const second = stage.start({ layer: { name: "l", range: [0.5, 1] } }, "e2");
    await expect(second).rejects.toMatchObject({ problems: [{ code: "layer_overlap", pointer: "/layer" }] });
    expect(await stage.start({ layer: { name: "l", range: [0.6, 1] } }, "e2")).toMatchObject({ state: "running" });
  });

  test("a version that was rolled back is refused, also over a restart, until it is forced", async () => {
    await stage.start(CANARY);
    stage.runtime.ears.fault(fault({ reason: "oom" }));
    await stage.settle();
    await expect(stage.start(CANARY, "e2")).rejects.toThrow(
      /f v2 was rolled back by experiment e: rolled back: v2 oom/,
    );
    // Under the same name as well, and from the file that a restart reads.
    const stored = JSON.parse(JSON.stringify(stage.state)) as ExperimentState;
    stage.runtime.experiments.set("e", resumed(stored, "r9"));
    await expect(stage.start(CANARY)).rejects.toMatchObject({ problems: [{ code: "version_blocked" }] });
    const variants = [
      { name: "a", version: "v1", weight: 50 },
      { name: "b", version: "v3", weight: 50 },
    ];
    const basic = { name: "e", filter: "f", unit: ["header:u"] };
    await stage.desk.create({ ...basic, variants });
    await stage.desk.abort("e");
    await expect(stage.start(CANARY)).rejects.toMatchObject({ problems: [{ code: "version_blocked" }] });
    const again = [variants[0]!, { ...variants[1]!, version: "v2" }];
    expect(await stage.desk.create({ ...basic, variants: again, force: true })).toMatchObject({ state: "running" });
  });

  test("rules that make no sense are refused with pointers, and nothing changes", async () => {
    const bad = stage.start({ rollout: { steps: [{ setWeight: 9 }, { setWeight: 5 }] } });
    await expect(bad).rejects.toMatchObject({
      problems: [{ code: "lower_weight", pointer: "/rollout/steps/1/setWeight" }],
    });
    expect([stage.drafts.length, stage.runtime.experiments.size]).toEqual([0, 0]);
  });
});
