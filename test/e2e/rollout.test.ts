// Rollouts that go wrong are found and rolled back by themselves, those that go well are promoted; the control's requests
// never notice.
import { afterEach, describe, expect, test } from "vitest";
import type { ExperimentReport } from "../../host/control/report-types.ts";
import type { ExperimentStatus } from "../../host/control/types.ts";
import { guest, withNonce } from "../support/modules.ts";
import { type Answer, startProxy, type TestProxy } from "../support/sluice.ts";

let proxy: TestProxy | null = null;
let load: UserLoad | null = null;
afterEach(async () => {
  await load?.stop();
  load = null;
  await proxy?.stop();
  proxy = null;
});

type Behaviour = Readonly<Record<string, string | number>>;

/** v1 is live and says "one"; v2 says "two" and does what `b` says. */
async function versions(a: Behaviour, b: Behaviour, workers = 2): Promise<TestProxy> {
  const suspect = await guest("suspect");
  proxy = await startProxy({
    workers,
    chain: ["suspect"],
    files: { "suspect.wasm": suspect },
    config: {
      filters: [
        { name: "suspect", source: "./suspect.wasm", limits: { memory: "2MiB" }, pluginConfig: { word: "one", ...a } },
      ],
    },
  });
  const pluginConfig = JSON.stringify({ word: "two", ...b });
  await proxy.control.upload("suspect", withNonce(suspect, 1), { swap: false, pluginConfig });
  return proxy;
}

interface Seen {
  readonly atMs: number;
  readonly user: string;
  readonly answer: Answer;
}

/** Requests of ever new users, numbered, at no more than a rate, over keep-alive connections. */
class UserLoad {
  readonly seen: Seen[] = [];
  readonly errors: string[] = [];
  #running = true;
  #sent = 0;
  readonly #loop: Promise<void>;

  constructor(p: TestProxy, perSecond: number) {
    this.#loop = this.#run(p, perSecond);
  }

  async #run(p: TestProxy, perSecond: number): Promise<void> {
    const beganMs = performance.now();
    const flying = new Set<Promise<void>>();
    while (this.#running) {
      const due = ((performance.now() - beganMs) / 1000) * perSecond;
      while (this.#sent < due && flying.size < 60) {
        const one = this.#ask(p, this.#sent++).finally(() => flying.delete(one));
        flying.add(one);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(flying);
  }

  async #ask(p: TestProxy, number: number): Promise<void> {
    const user = `user-${number}`;
    try {
      const answer = await p.get("/", { "x-user": user, "x-n": String((number * 37) % 100) });
      this.seen.push({ atMs: performance.now(), user, answer });
    } catch (error) {
      this.errors.push(String(error));
    }
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  async until(count: number): Promise<void> {
    while (this.seen.length < count) await new Promise((resolve) => setImmediate(resolve));
  }
}

const experiment = (weight: number, rules: Readonly<Record<string, unknown>>) => ({
  name: "trial",
  filter: "suspect",
  unit: ["header:x-user"],
  variants: [
    { name: "control", version: "v1", weight: 100 - weight },
    { name: "candidate", version: "v2", weight },
  ],
  rules,
});

/** Looks again and again (looking is free) until the experiment has ended. */
async function untilEnded(p: TestProxy, most = 400): Promise<ExperimentReport> {
  for (let looks = 0; looks < most; looks++) {
    const report = await p.control.report("trial");
    if (!["running", "held"].includes(report.experiment.state)) return report;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not ended: ${JSON.stringify((await p.control.report("trial")).experiment.rollout)}`);
}

const ofArm = ({ arms }: ExperimentStatus, name: string) => arms.find((arm) => arm.name === name)!;
const rolledBack = (p: TestProxy) =>
  p.event((event) => event.type === "experiment" && event.data?.["state"] === "rolledBack");

describe("a candidate that is broken", () => {
  test.each([1, 2])(
    "traps on every request: with %i data threads at most 10 requests of a twentieth are harmed, and none of the control's",
    async (workers) => {
      const p = await versions({}, { trapPercent: 100 }, workers);
      load = new UserLoad(p, 2000);
      await load.until(200);
      await p.control.createExperiment(
        experiment(5, { mode: "canary", rollout: { steps: [{ setWeight: 5 }, { pause: "30s" }, { setWeight: 100 }] } }),
      );
      const event = await rolledBack(p);
      await load.until(load.seen.length + 400);
      await load.stop();
      const harmed = load.seen.filter(({ answer }) => answer.status !== 200);
      expect(harmed.length).toBeGreaterThanOrEqual(3);
      expect(harmed.length).toBeLessThanOrEqual(10);
      expect(load.errors).toEqual([]);
      expect(
        load.seen
          .filter(({ answer }) => answer.status === 200)
          .every(({ answer }) => answer.headers["x-version"] === "one"),
      ).toBe(true);
      expect(event.text).toMatch(/rolled back: the candidate failed 3 requests/);
      expect(event.data?.["millis"]).toBeLessThan(50);
      expect(p.events.filter(({ type }) => type === "swap")).toEqual([]);
      const [status] = await p.control.experiments();
      expect(status).toMatchObject({ state: "rolledBack" });
    },
  );

  test("uses up its memory: once is enough", async () => {
    const p = await versions({}, { hog: 30_000 });
    await p.control.createExperiment(experiment(50, {}));
    load = new UserLoad(p, 300);
    const event = await rolledBack(p);
    expect(event.text).toMatch(/rolled back: v2 oom in proxy_on_request_headers/);
  });

  test("fails twice as often: found by the count of failures alone, with no metric configured", async () => {
    const p = await versions({ failPercent: 10 }, { failPercent: 20 });
    await p.control.createExperiment(experiment(50, { mode: "ab" }));
    load = new UserLoad(p, 1500);
    const report = await untilEnded(p);
    await load.stop();
    expect(report.experiment.state).toBe("rolledBack");
    const [errors] = report.judgement!.errors;
    expect(errors).toMatchObject({ worse: true });
    expect(errors!.events).toBeLessThan(1500);
    expect(report.experiment.rollout.summary).toMatch(/failures, .* were its share \(e = /);
    expect(load.errors).toEqual([]);
    // Whoever asks now gets the control.
    for (let n = 50; n < 70; n++)
      expect((await p.get("/", { "x-user": `late-${n}`, "x-n": String(n) })).headers["x-version"]).toBe("one");
  });

  test("is slower by 25 ms on every third request: the latency guardrail breaks", async () => {
    const p = await versions({}, { delayPercent: 33, delayMs: 40 });
    const guardrails = [{ name: "p90_ms", max: 35 }];
    await p.control.createExperiment(
      experiment(50, {
        mode: "canary",
        metrics: { guardrails },
        rollout: { steps: [{ setWeight: 50 }, { pause: "60s" }, { setWeight: 100 }] },
      }),
    );
    load = new UserLoad(p, 400);
    const report = await untilEnded(p);
    expect(report.experiment.state).toBe("rolledBack");
    expect(report.experiment.rollout.summary).toMatch(/guardrail p90_ms of candidate: \d+ of \d+ requests over 35 ms/);
  });

  test("is not tried again by itself, but by force", async () => {
    const p = await versions({}, { trapPercent: 100 });
    await p.control.createExperiment(experiment(50, {}));
    load = new UserLoad(p, 200);
    await rolledBack(p);
    await load.stop();
    const again = { ...experiment(50, {}), name: "again" };
    await expect(p.control.createExperiment(again)).rejects.toThrow(
      /v2 was rolled back by experiment trial: rolled back:/,
    );
    expect(await p.control.createExperiment({ ...again, force: true })).toMatchObject({ state: "running" });
  });
});

describe("a candidate that is better", () => {
  test("is promoted when its success rate has provably risen, and everybody gets it", async () => {
    const p = await versions({ failPercent: 12 }, { score: 3 });
    const metrics = {
      primary: { name: "success_rate" },
      guardrails: [{ name: "error_rate", max: 0.05 }],
      secondary: ["filter:score", "fuel"],
    };
    const analysis = { minSamples: 300, minRuntime: "1s" };
    const steps = [{ setWeight: 50 }, { analysis: { duration: "30s" } }, { setWeight: 100 }];
    await p.control.createExperiment(experiment(50, { mode: "ab", metrics, analysis, rollout: { steps } }));
    load = new UserLoad(p, 1200);
    const report = await untilEnded(p);
    await load.stop();
    expect(report.experiment.state).toBe("promoted");
    const primary = report.judgement!.metrics.find(({ role }) => role === "primary")!;
    expect(primary.verdict).toBe("pass");
    expect(primary.low).toBeGreaterThan(0);
    expect(report.judgement!.metrics.find(({ name }) => name === "filter:score")).toMatchObject({
      control: 0,
      candidate: 3,
    });
    expect((await p.control.filters())[0]).toMatchObject({ version: "v2", experiment: "" });
    expect((await p.get("/", { "x-user": "anybody", "x-n": "1" })).headers["x-version"]).toBe("two");
    expect(ofArm(report.experiment, "candidate").requests).toBeGreaterThan(300);
    const sums = report.arms.map((arm) => arm.requests);
    expect(Math.min(...sums)).toBeGreaterThan(300);
    expect(report.arms[1]).toMatchObject({ errors: 0, faults: 0 });
    expect(report.arms[1]!.fuelMean).toBeGreaterThan(0);
    expect(report.arms[1]!.filterP50).toBeGreaterThan(0);
  });
});
