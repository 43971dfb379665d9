// The judge over sums as data threads make them: simulated users with a fixed seed, some heavy, some broken.
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../host/base/random.ts";
import { Exposure } from "../../../host/experiment/exposure.ts";
import { judge } from "../../../host/experiment/judge.ts";
import type { JudgeInput, PhaseCounts } from "../../../host/experiment/judge-input.ts";
import { planOf } from "../../../host/experiment/metrics.ts";
import type { Guardrail, MetricsOptions } from "../../../host/experiment/options.ts";
import { DEFAULT_ANALYSIS } from "../../../host/experiment/rules.ts";
import { ArmTally, failureKinds, newSums } from "../../../host/experiment/tally.ts";
import { createUnitBook, UnitBook } from "../../../host/experiment/unit-book.ts";

const NONE: MetricsOptions = { primary: null, guardrails: [], secondary: [] };
const guard = (name: string, more: Partial<Guardrail>): Guardrail => ({
  name,
  max: null,
  min: null,
  margin: null,
  action: "abort",
  ...more,
});

interface World {
  /** Chance that a request of arm A and B fails. */
  readonly fails: readonly [number, number];
  readonly latency?: readonly [number, number];
  readonly users: number;
  /** B's share, and the share that was planned. */
  readonly share?: number;
  readonly planned?: number;
  readonly seed?: number;
  readonly metrics?: MetricsOptions;
}

function phaseOf(world: World): PhaseCounts {
  const { fails, latency = [10, 10], users, share = 0.5, planned = share, seed = 1, metrics = NONE } = world;
  const random = seededRandom(seed);
  const plan = planOf(metrics, {});
  const book = new UnitBook(createUnitBook(failureKinds(plan)));
  const tallies = [0, 1].map((arm) => new ArmTally(plan, arm, book, () => {}));
  for (let user = 1; user <= users; user++) {
    const arm = random.fraction() < share ? 1 : 0;
    const tally = tallies[arm]!;
    const hash = Math.imul(user, 0x9e37_79b1);
    for (let request = 0; request < 1 + (user % 4); request++) {
      const failed = random.fraction() < fails[arm]!;
      const outcome = {
        responseCode: failed ? 500 : 200,
        durationMs: latency[arm]! * (0.5 + random.fraction()),
        upstreamMs: 5,
        requestBytes: 0,
        responseBytes: 100,
        attempts: 1,
        startMs: user * 1000,
      };
      tally.add(new Exposure(tally, { hash, bucket: (hash >>> 0) % 500, perRequest: false }, null), outcome, failed);
    }
  }
  return {
    kind: "step",
    plan,
    shares: [1 - planned, planned],
    arms: tallies.map((tally) => tally.take() ?? newSums(plan)),
  };
}

function look(world: World, more: Partial<JudgeInput> = {}) {
  const { metrics = NONE } = world;
  const input: JudgeInput = {
    mode: "canary",
    metrics,
    analysis: DEFAULT_ANALYSIS,
    arms: ["control", "b"],
    phases: [phaseOf(world)],
    elapsedMs: 120_000,
    ...more,
  };
  return judge(input);
}

describe("the judge", () => {
  test("finds nothing wrong with equal arms, and lets a canary be promoted", () => {
    const judgement = look({ fails: [0.01, 0.01], users: 4000 });
    expect(judgement).toMatchObject({ stop: null, gate: "pass", promotion: "pass" });
    expect(judgement.units[0]! + judgement.units[1]!).toBe(4000);
    expect(judgement.sampleRatio[0]).toMatchObject({ mismatch: false, planned: 0.5 });
  });

  test("stops a candidate that fails more often", () => {
    const { stop, errors } = look({ fails: [0.01, 0.05], users: 4000, share: 0.1 });
    expect(stop).toMatchObject({ action: "rollback" });
    expect(stop?.reason).toMatch(/^b has \d+ of \d+ failures, .* were its share \(e = /);
    expect(errors[0]!.worse).toBe(true);
  });

  test("one broken client is not a broken version", () => {
    const broken = phaseOf({ fails: [0.01, 0.01], users: 3000 });
    const plan = planOf(NONE, {});
    const book = new UnitBook(createUnitBook(1));
    const tally = new ArmTally(plan, 1, book, () => {});
    for (let at = 0; at < 5000; at++) {
      const outcome = {
        responseCode: 500,
        durationMs: 9,
        upstreamMs: 5,
        requestBytes: 0,
        responseBytes: 0,
        attempts: 1,
        startMs: at * 10,
      };
      tally.add(new Exposure(tally, { hash: 4711, bucket: 3, perRequest: false }, null), outcome, true);
    }
    const { failures } = tally.take()!;
    broken.arms[1]!.failures[0]! += failures[0]!;
    const input = {
      mode: "canary",
      metrics: NONE,
      analysis: DEFAULT_ANALYSIS,
      arms: ["a", "b"],
      phases: [broken],
      elapsedMs: 1e6,
    } as const;
    expect(judge(input).stop).toBeNull();
  });

  test("an improvement is no reason to stop", () => {
    expect(look({ fails: [0.2, 0.01], users: 3000 }).stop).toBeNull();
  });

  test("holds when the arms do not get their share, warns or rolls back if so configured", () => {
    const world = { fails: [0, 0], users: 9000, share: 0.14, planned: 0.1 } as const;
    expect(look(world).stop).toMatchObject({ action: "hold" });
    expect(look(world).stop?.reason).toMatch(
      /sample ratio mismatch: b got 1\d\.\d % of 9000 units, planned were 10\.0 %/,
    );
    const action = (srmAction: "warn" | "rollback") =>
      look(world, { analysis: { ...DEFAULT_ANALYSIS, srmAction } }).stop;
    expect([action("warn"), action("rollback")?.action]).toEqual([null, "rollback"]);
  });

  test("an A/B test is promoted by its primary metric only", () => {
    const metrics: MetricsOptions = { ...NONE, primary: { name: "success_rate", direction: "increase" } };
    const better = look({ fails: [0.2, 0.05], users: 3000, metrics }, { mode: "ab" });
    expect(better).toMatchObject({ promotion: "pass", gate: "pass", summary: "the candidate may be promoted" });
    expect(better.metrics[0]!.low).toBeGreaterThan(0);
    const same = look({ fails: [0.2, 0.2], users: 3000, metrics }, { mode: "ab" });
    expect(same).toMatchObject({ promotion: "inconclusive", gate: "pass" });
    expect(same.summary).toMatch(/^no decision yet: success_rate: /);
    const worse = look(
      { fails: [0.2, 0.3], users: 900, metrics, seed: 3 },
      { mode: "ab", analysis: { ...DEFAULT_ANALYSIS, errorAlpha: 1e-9 } },
    );
    expect(["fail", "inconclusive"]).toContain(worse.promotion);
    expect(look({ fails: [0.2, 0.05], users: 3000 }, { mode: "ab" }).promotion).toBe("inconclusive");
  });

  test("minSamples and minRuntime bind a promotion, never a rollback", () => {
    expect(look({ fails: [0, 0], users: 400 })).toMatchObject({ promotion: "inconclusive", gate: "pass" });
    expect(look({ fails: [0, 0], users: 400 }).summary).toMatch(/no decision yet: \d+ of 500 units/);
    expect(look({ fails: [0, 0], users: 4000 }, { elapsedMs: 59_000 }).summary).toMatch(/no decision yet: 1 s to go/);
    expect(look({ fails: [0, 0.5], users: 100 }, { elapsedMs: 1 }).stop).toMatchObject({ action: "rollback" });
  });

  test("guardrails on values: inside, outside, open; and without a single failure inside all the same", () => {
    const verdict = (fails: readonly [number, number], users: number, limit: Partial<Guardrail>, name = "error_rate") =>
      look({ fails, users, metrics: { ...NONE, guardrails: [guard(name, limit)] } }).metrics[0]!.verdict;
    expect(verdict([0.005, 0.005], 8000, { max: 0.05 })).toBe("pass");
    expect(verdict([0.2, 0.2], 4000, { max: 0.02 })).toBe("fail");
    expect(verdict([0.02, 0.02], 800, { max: 0.021 })).toBe("inconclusive");
    expect(verdict([0, 0], 4000, { max: 0.02 })).toBe("pass");
    expect(verdict([0, 0], 60, { max: 0.02 })).toBe("inconclusive");
    expect(verdict([0, 0], 4000, { min: 0.98 }, "success_rate")).toBe("pass");
    expect(verdict([0, 0], 4000, { margin: 0.01 })).toBe("pass");
    expect(verdict([0.01, 0.2], 4000, { margin: 0.01 })).toBe("fail");
  });

  test("a guardrail says what happens when it breaks", () => {
    const broken = (action: "abort" | "hold") =>
      look({
        fails: [0.2, 0.2],
        users: 4000,
        metrics: { ...NONE, guardrails: [guard("error_rate", { max: 0.02, action })] },
      }).stop;
    expect([broken("abort")?.action, broken("hold")?.action]).toEqual(["rollback", "hold"]);
    expect(broken("hold")?.reason).toMatch(/guardrail error_rate of b: .*max 0.02/);
  });

  test("latency: more requests over the limit than its share fail, few in truth pass", () => {
    const metrics = { ...NONE, guardrails: [guard("p95_ms", { max: 16 })] };
    const slow = look({ fails: [0, 0], users: 2000, latency: [10, 25], metrics });
    expect(slow.metrics[0]).toMatchObject({ verdict: "fail" });
    expect(slow.metrics[0]!.reason).toMatch(/requests over 16 ms, .* were its share \(e = /);
    const fine = look({ fails: [0, 0], users: 4000, latency: [10, 10], metrics });
    expect(fine.metrics[0]!.verdict).toBe("pass");
    const open = { ...NONE, guardrails: [guard("p99_ms", {})] };
    expect(look({ fails: [0, 0], users: 4000, metrics: open }).metrics[0]!.reason).toMatch(/not known yet/);
  });

  test("a metric that never reports is inconclusive, and says so", () => {
    const metrics: MetricsOptions = {
      primary: { name: "event:paid", direction: "increase" },
      guardrails: [guard("filter:score", { max: 3 })],
      secondary: ["filter:other", "p50_ms"],
    };
    const judgement = look({ fails: [0, 0], users: 3000, metrics }, { mode: "ab" });
    expect(judgement.metrics.map(({ verdict }) => verdict)).toEqual(Array(4).fill("inconclusive"));
    expect(judgement.metrics[0]!.reason).toBe("has not reported yet");
    expect(judgement.promotion).toBe("inconclusive");
    expect(judge({ ...NOTHING, metrics }).metrics).toEqual([]);
  });

  test("evidence on failures is carried from step to step, other verdicts are the present step's", () => {
    const first = phaseOf({ fails: [0.02, 0.035], users: 1500, share: 0.1, seed: 5 });
    const second = phaseOf({ fails: [0.02, 0.035], users: 1500, share: 0.5, seed: 6 });
    const input = {
      mode: "canary",
      metrics: NONE,
      analysis: DEFAULT_ANALYSIS,
      arms: ["a", "b"],
      elapsedMs: 1e6,
    } as const;
    const apart = [first, second].map((phase) => judge({ ...input, phases: [phase] }).errors[0]!.eValue);
    const both = judge({ ...input, phases: [first, second] });
    expect(both.errors[0]!.eValue / (apart[0]! * apart[1]!)).toBeCloseTo(1, 6);
    expect(both.units.reduce((a, b) => a + b)).toBe(1500);
  });

  test("before anything has been counted there is nothing to say", () => {
    expect(judge(NOTHING)).toMatchObject({ stop: null, units: [0, 0], promotion: "inconclusive" });
  });

  test("an A/A phase makes the same difference surer (CUPED)", () => {
    const metrics: MetricsOptions = { ...NONE, primary: { name: "latency_ms", direction: "decrease" } };
    const plan = planOf(metrics, {});
    const random = seededRandom(8);
    const level = Array.from({ length: 500 }, () => 20 + 60 * random.fraction());
    const period = (kind: "pre" | "step", gain: number): PhaseCounts => {
      const book = new UnitBook(createUnitBook(1));
      const arms = [0, 1].map((arm) => new ArmTally(plan, arm, book, () => {}));
      for (let user = 0; user < 4000; user++) {
        const bucket = user % 500;
        const tally = arms[user % 3 === 0 ? 1 : 0]!;
        const durationMs = level[bucket]! + 10 * random.fraction() - (tally === arms[1] ? gain : 0);
        const outcome = {
          responseCode: 200,
          durationMs,
          upstreamMs: 0,
          requestBytes: 0,
          responseBytes: 0,
          attempts: 1,
          startMs: 0,
        };
        tally.add(new Exposure(tally, { hash: user * 7919, bucket, perRequest: false }, null), outcome, false);
      }
      return { kind, plan, shares: [2 / 3, 1 / 3], arms: arms.map((arm) => arm.take()!) };
    };
    const [pre, now] = [period("pre", 0), period("step", 2)];
    const input = { ...NOTHING, metrics, mode: "ab" as const };
    const width = (phases: readonly PhaseCounts[]): number => {
      const { low, high, effect } = judge({ ...input, phases }).metrics[0]!;
      expect(effect).toBeLessThan(5);
      return high! - low!;
    };
    expect(width([pre, now])).toBeLessThan(0.4 * width([now]));
  });
});

const NOTHING: JudgeInput = {
  mode: "canary",
  metrics: NONE,
  analysis: DEFAULT_ANALYSIS,
  arms: ["control", "b"],
  phases: [],
  elapsedMs: 0,
};
