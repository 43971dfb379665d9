// The shadow of a rollout: begun and ended with its step, kept for a while after a rollback, said in the report.
import { afterEach, describe, expect, test } from "vitest";
import type { ExperimentState } from "../../../host/control/experiment-state.ts";
import { resumed } from "../../../host/control/experiment-state.ts";
import type { FaultReport } from "../../../host/plugin/services.ts";
import { Stage, version } from "./rollout-stage.ts";

let stage = new Stage();
afterEach(() => {
  stage.rollouts.close();
  expect(stage.clock.pending).toBe(0);
  stage = new Stage();
});

const rules = (shadow: object, more: object = {}) => ({
  mode: "canary",
  analysis: { minSamples: 20, minRuntime: "1s" },
  rollout: { steps: [{ shadow }, { setWeight: 5 }, { pause: "10s" }, { setWeight: 100 }], ...more },
});
const SAME = { compared: 50, noise: { compared: 10, differing: 0 } };
const field = (name: string, count: number) => ({
  phase: "request_headers",
  field: name,
  count,
  noise: 0,
  shown: true,
  firstSeen: "",
  routes: {},
  examples: [{ requestId: "1", route: "all", line: 0, a: null, b: "secret of a user" }],
});
const DIFFERS = { ...SAME, differing: 9, fields: [field("request.header.x-tag", 9)] };
const oom = {
  filter: "f",
  version: "v2",
  renewInMs: 0,
  fault: { reason: "oom", cause: "oom", callback: "proxy_on_tick", contextId: 1, message: "m", frames: [] },
} as unknown as FaultReport;

describe("a rollout that begins in the shadow", () => {
  test("shows the candidate to nobody, compares it, and goes on to its first weight", async () => {
    await stage.start(rules({ percent: 20, for: "5s", ignore: ["fuel"] }));
    expect([stage.weight, stage.state.step]).toEqual([0, 0]);
    expect(stage.drafts.at(-1)!.snapshot.slots[0]!.arms.map(({ ranges }) => ranges)).toEqual([[[0, 10_000]], []]);
    await stage.pass(1000);
    expect(stage.shadows.asked).toEqual([{ filter: "f", version: "v2", percent: 20, cpuPercent: 5, ignore: ["fuel"] }]);
    stage.shadows.find(SAME);
    await stage.pass(3000);
    expect([stage.weight, stage.shadows.running]).toEqual([0, true]);
    await stage.pass(2000);
    expect([stage.weight, stage.state.step, stage.shadows.running]).toEqual([5, 2, false]);
    expect(stage.rollouts.shadowOf(stage.state)).toMatchObject({ purpose: "rehearsal", compared: 50, differing: 0 });
  });

  test("is held at a difference, goes on when somebody resumes, and rehearses no second time", async () => {
    await stage.start(rules({ for: "3s" }));
    await stage.pass(1000);
    stage.shadows.find(DIFFERS);
    await stage.pass(3000);
    expect(stage.state).toMatchObject({ state: "held", hold: { cause: "gate" } });
    expect(stage.state.hold!.reason).toBe(
      "in the shadow 9 of 50 streams differ in request_headers request.header.x-tag",
    );
    expect([stage.weight, stage.shadows.running]).toEqual([0, false]);
    await stage.rollouts.resume("e");
    await stage.pass(1000);
    expect([stage.weight, stage.shadows.asked.length]).toEqual([5, 1]);
  });

  test("is rolled back at a difference when told to, and the same shadow goes on for the diagnosis", async () => {
    await stage.start(rules({ for: "3s", onDiff: "abort" }, { diagnosis: "1m" }));
    await stage.pass(1000);
    stage.shadows.find(DIFFERS);
    await stage.pass(3000);
    expect(stage.state.state).toBe("rolledBack");
    expect([stage.shadows.running, stage.shadows.asked.length]).toEqual([true, 1]);
    const told = stage.rollouts.shadowOf(stage.state);
    expect(told).toMatchObject({ purpose: "diagnosis", state: "running", differing: 9, href: "/api/v1/shadows/f" });
    expect(JSON.stringify(told)).not.toContain("secret of a user");
    await stage.pass(60_000);
    expect(stage.shadows.running).toBe(false);
    expect(stage.rollouts.shadowOf(stage.state)).toMatchObject({ purpose: "diagnosis", state: "ended" });
  });

  test("asks its hooks after the shadow, before anybody meets the candidate", async () => {
    await stage.start({ ...rules({ for: "3s" }), hooks: { "confirm-rollout": "http://h/ask" } });
    await stage.pass(1000);
    stage.shadows.find(SAME);
    expect(stage.asked).toEqual([]);
    await stage.pass(3000);
    expect(stage.asked.map(({ body }) => [body["hook"], body["weight"]])).toEqual([["confirm-rollout", 5]]);
    expect(stage.weight).toBe(5);
  });

  test("begins its shadow anew against what has become live, and says so when the control is not live", async () => {
    await stage.start(rules({ for: "30s" }));
    await stage.pass(1000);
    stage.shadows.find({ state: "ended", ended: "version" });
    await stage.pass(1000);
    expect(stage.shadows.asked.length).toBe(2);
    stage.record.setLive(version("v3"));
    stage.shadows.find({ state: "ended", ended: "version" });
    await stage.pass(1000);
    expect(stage.state.hold!.reason).toMatch(/the control is v1, and v3 is live/);
  });

  test("is held when its shadow is stopped by hand, and rehearses again after resume", async () => {
    await stage.start(rules({ for: "30s" }));
    await stage.pass(1000);
    stage.shadows.stop("f");
    await stage.pass(1000);
    expect(stage.state.hold).toEqual({ cause: "stop", reason: "no shadow: it was stopped" });
    await stage.rollouts.resume("e");
    await stage.pass(1000);
    expect([stage.shadows.running, stage.state.state]).toEqual([true, "running"]);
  });

  test("that cannot have a shadow is held with the reason, or goes on where differences would not stop it", async () => {
    stage.shadows.refusal = new Error("8 shadows run already");
    await stage.start(rules({ for: "2s" }));
    await stage.pass(1000);
    expect(stage.state.hold!.reason).toBe("no shadow: 8 shadows run already");
    expect(stage.rollouts.shadowOf(stage.state)).toMatchObject({ href: "", problem: "8 shadows run already" });
    await stage.desk.abort("e");
    await stage.start(rules({ for: "2s", onDiff: "continue" }));
    await stage.pass(3000);
    expect(stage.weight).toBe(5);
  });

  test("gives its shadow up when it is paused, aborted or promoted by hand", async () => {
    for (const end of [
      () => stage.rollouts.hold(stage.state, "manual", "paused"),
      () => stage.desk.abort("e"),
      () => stage.desk.promote("e"),
    ]) {
      if (stage.runtime.experiments.has("e")) await stage.desk.abort("e").catch(() => {});
      await stage.start(rules({ for: "30s" }));
      await stage.pass(1000);
      expect(stage.shadows.running).toBe(true);
      await end();
      expect(stage.shadows.running).toBe(false);
    }
  });

  test("is rehearsed again after a restart before a weight was safe", async () => {
    await stage.start(rules({ for: "2s" }));
    await stage.pass(1000);
    stage.shadows.find(SAME);
    await stage.pass(2000);
    expect(stage.weight).toBe(5);
    const again = resumed(JSON.parse(JSON.stringify(stage.state)) as ExperimentState, "r9");
    expect([again.step, again.arms.map(({ weight }) => weight)]).toEqual([0, [100, 0]]);
  });
});

describe("an experiment in mode shadow", () => {
  const variants = [
    { name: "a", version: "current", weight: 100 },
    { name: "b", version: "v2", weight: 0 },
  ];
  const create = () =>
    stage.desk.create({ name: "e", filter: "f", unit: ["header:u"], variants, rules: { mode: "shadow" } });

  test("compares and leaves the decision to somebody; its weights cannot be moved", async () => {
    await create();
    await stage.pass(1000);
    stage.shadows.find(SAME);
    await stage.pass(31_000);
    expect([stage.state.state, stage.weight, stage.shadows.running]).toEqual(["held", 0, false]);
    expect(stage.state.hold!.reason).toMatch(/compared 50 streams, none differs beyond the noise; promote, abort/);
    await expect(stage.desk.setWeights("e", { a: 50, b: 50 })).rejects.toMatchObject({
      problems: [{ code: "mode_shadow" }],
    });
    await stage.desk.promote("e");
    expect(stage.record.live?.label).toBe("v2");
  });

  test("is told to rehearse again by resume", async () => {
    await create();
    await stage.pass(1000);
    stage.shadows.find(SAME);
    await stage.pass(31_000);
    await stage.rollouts.resume("e");
    await stage.pass(1000);
    expect([stage.shadows.asked.length, stage.state.state]).toEqual([2, "running"]);
  });
});

describe("a candidate that was rolled back", () => {
  const broken = async (more: object): Promise<void> => {
    await stage.start({ rollout: { steps: [{ setWeight: 5 }, { pause: "1h" }], ...more } });
    await stage.pass(1000);
    stage.runtime.ears.fault(oom);
    await stage.settle();
    expect(stage.state.state).toBe("rolledBack");
  };

  test("stays in the shadow for a while, sampled, and the report says what it does there", async () => {
    await broken({});
    expect(stage.shadows.asked).toEqual([{ filter: "f", version: "v2", percent: 5, cpuPercent: 5, ignore: [] }]);
    stage.shadows.find(DIFFERS);
    expect(stage.rollouts.shadowOf(stage.state)).toMatchObject({
      purpose: "diagnosis",
      a: "v1",
      b: "v2",
      fields: [{ phase: "request_headers", field: "request.header.x-tag", count: 9 }],
    });
    await stage.pass(299_000);
    expect(stage.shadows.running).toBe(true);
    await stage.pass(2000);
    expect(stage.shadows.running).toBe(false);
  });

  test("does not with diagnosis: 0s, nor when an experiment was aborted by hand", async () => {
    await broken({ diagnosis: "0s" });
    expect(stage.shadows.asked).toEqual([]);
    expect(stage.rollouts.shadowOf(stage.state)).toBeNull();
    await stage.start({}, "e2").catch(() => {});
    await stage.desk.abort("e2").catch(() => {});
    expect(stage.shadows.asked).toEqual([]);
  });

  test("makes room for the next rehearsal of the filter", async () => {
    await broken({});
    const variants = [
      { name: "a", version: "v1", weight: 50 },
      { name: "b", version: "v3", weight: 50 },
    ];
    await stage.desk.create({ name: "e2", filter: "f", unit: ["header:u"], variants, rules: rules({ for: "5s" }) });
    await stage.pass(1000);
    expect(stage.shadows.asked.map(({ version }) => version)).toEqual(["v2", "v3"]);
    expect(stage.desk.get("e2").state).toBe("running");
    expect(stage.rollouts.shadowOf(stage.state)).toMatchObject({ purpose: "diagnosis", state: "ended" });
  });
});
