// Rollouts that begin in the shadow, on a running proxy: a broken candidate is found before it has answered anybody, and one
// that was rolled back is looked at further.
import { afterEach, describe, expect, test } from "vitest";
import { reportPage } from "../../host/admin/report-page.ts";
import type { ExperimentReport } from "../../host/control/report-types.ts";
import { guest, withNonce } from "../support/modules.ts";
import { startProxy, type TestProxy } from "../support/sluice.ts";

let proxy: TestProxy | null = null;
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

/** v1 is live, v2 does what `candidate` says. */
async function start(candidate: object): Promise<TestProxy> {
  const suspect = await guest("suspect");
  proxy = await startProxy({
    chain: ["suspect"],
    files: { "suspect.wasm": suspect },
    config: { filters: [{ name: "suspect", source: "./suspect.wasm", pluginConfig: { word: "one" } }] },
  });
  const pluginConfig = JSON.stringify(candidate);
  await proxy.control.upload("suspect", withNonce(suspect, 1), { swap: false, pluginConfig });
  return proxy;
}

const experiment = (rules: object) => ({
  name: "trial",
  filter: "suspect",
  unit: ["header:x-user"],
  variants: [
    { name: "control", version: "v1", weight: 50 },
    { name: "candidate", version: "v2", weight: 50 },
  ],
  rules: { mode: "canary", ...rules },
});

/** Asks as ever new users until the report fits. */
async function until(p: TestProxy, fits: (report: ExperimentReport) => boolean, answered: (status: number) => void) {
  for (let user = 0; ; user++) {
    const { status } = await p.get("/", { "x-user": `user-${user}`, "x-n": String(user % 100) });
    answered(status);
    const report = user % 20 === 0 ? await p.control.report("trial") : null;
    if (report !== null && fits(report)) return report;
  }
}

describe("a rollout that begins in the shadow", () => {
  test("takes a candidate that traps back before it has met a single request", async () => {
    const p = await start({ word: "one", trapPercent: 100 });
    const shadow = { percent: 100, for: "1h", onDiff: "abort" };
    await p.control.createExperiment(experiment({ rollout: { steps: [{ shadow }, { setWeight: 50 }] } }));
    const statuses = new Set<number>();
    const report = await until(
      p,
      ({ experiment: { state } }) => state === "rolledBack",
      (status) => statuses.add(status),
    );
    expect([...statuses]).toEqual([200]);
    expect(report.experiment.rollout.summary).toMatch(/rolled back: in the shadow the candidate trapped on \d+ of/);
    expect(report.shadow).toMatchObject({ purpose: "diagnosis", state: "running", a: "v1", b: "v2" });
    expect(reportPage(report)).toMatch(/Shadow <span class="dim">\(diagnosis, running\)[^]*trap/);
  });

  test("goes on to its first weight when the candidate decides the same", async () => {
    const p = await start({ word: "one", failPercent: 0 });
    const shadow = { percent: 100, for: "5s" };
    await p.control.createExperiment(experiment({ rollout: { steps: [{ shadow }, { setWeight: 50 }] } }));
    const report = await until(
      p,
      ({ experiment: { arms, state } }) => arms[1]?.weight === 50 || state !== "running",
      () => {},
    );
    expect(report.experiment).toMatchObject({ state: "running" });
    expect(report.shadow).toMatchObject({ purpose: "rehearsal", differing: 0, fault: "", state: "ended" });
    expect(report.shadow!.compared).toBeGreaterThan(0);
  });
});

test("a candidate that harmed requests stays in the shadow, and the report says what it does there", async () => {
  const p = await start({ word: "two", trapPercent: 100 });
  await p.control.createExperiment(experiment({ rollout: { steps: [{ setWeight: 50 }, { pause: "1h" }] } }));
  const report = await until(
    p,
    ({ shadow }) => (shadow?.compared ?? 0) >= 3,
    () => {},
  );
  expect(report.experiment.state).toBe("rolledBack");
  expect(report.shadow).toMatchObject({ purpose: "diagnosis", percent: 5, a: "v1", b: "v2" });
  expect(report.shadow!.fields.map(({ field }) => field)).toContain("trap");
  expect(p.control.shadows.report("suspect").b.version).toBe("v2");
});
