// How an experiment runs, as the config says it: read whole, and refused with its place for whatever makes no sense.
import { describe, expect, test } from "vitest";
import { ProblemError } from "../../../host/base/problem.ts";
import { readDefinition } from "../../../host/config/read-definition.ts";
import { DEFAULT_STEPS } from "../../../host/experiment/rules.ts";
import { MINIMAL, parse, problemsOf, where } from "./support.ts";

/** The experiment's own keys begin at line 16, column 5. */
const EXPERIMENT = (more: string, variants = ""): string => `${MINIMAL}filters: [{ name: f }, { name: g }]
experiments:
  - name: e
    filter: f
    unit: { header: x-user }
    variants:
      - { name: a, version: current, weight: 90 }
      - { name: b, version: v2, weight: 10 }
${variants}${more}`;

const FULL = EXPERIMENT(`    mode: canary
    targeting: { prefix: /orders, headers: { X-Tenant: { exact: beta } } }
    layer: { name: limits, range: [0.25, 0.5] }
    overrides: { units: { u7: b }, header: X-Force, trustedClients: [10.0.0.0/8, "::1"] }
    metrics:
      primary: { name: success_rate }
      guardrails: [{ name: p99_ms, max: 50 }, { name: error_rate, max: 0.02, action: hold }, { name: added_ms, margin: 2 }]
      secondary: ["filter:saved", "event:paid", fuel]
    analysis: { method: sequential, alpha: 0.1, tuning: 9000, minSamples: 7, minRuntime: 5s, srmAlpha: 0.01, srmAction: warn, onInconclusive: continue, prePeriod: 1m }
    rollout: { steps: [{ setWeight: 10 }, { pause: 30s }, { setWeight: 10 }, { pause: {} }, { analysis: {} }, { setWeight: 100 }] }
    hooks: { confirm-promotion: "http://127.0.0.1:1/ask", rollback: { url: "https://h.test/x", timeout: 1s } }
`);

const SHADOW = (more: string): string =>
  EXPERIMENT(`    mode: shadow\n${more}`).replace("weight: 10 ", "weight: 0 ").replace("weight: 90", "weight: 100");

describe("an experiment's rules", () => {
  test("are read whole", async () => {
    const { config } = await parse(FULL);
    expect(config.experiments[0]).toMatchObject({
      mode: "canary",
      targeting: { prefix: "/orders", headers: [{ name: "x-tenant", kind: "exact", value: "beta", invert: false }] },
      layer: { name: "limits", from: 0.25, to: 0.5 },
      overrides: { units: { u7: "b" }, header: "x-force", trustedClients: ["10.0.0.0/8", "::1"] },
      metrics: {
        primary: { name: "success_rate", direction: "increase" },
        guardrails: [
          { name: "p99_ms", max: 50, min: null, margin: null, action: "abort" },
          { name: "error_rate", max: 0.02, min: null, margin: null, action: "hold" },
          { name: "added_ms", max: null, min: null, margin: 2, action: "abort" },
        ],
        secondary: ["filter:saved", "event:paid", "fuel"],
      },
      analysis: {
        alpha: 0.1,
        tuning: 9000,
        minSamples: 7,
        minRuntimeMs: 5000,
        errorAlpha: 0.01,
        srmAlpha: 0.01,
        srmAction: "warn",
        onInconclusive: "continue",
        prePeriodMs: 60_000,
      },
      steps: [
        { kind: "weight", percent: 10 },
        { kind: "pause", ms: 30_000 },
        { kind: "weight", percent: 10 },
        { kind: "pause", ms: null },
        { kind: "analysis", ms: 300_000 },
        { kind: "weight", percent: 100 },
      ],
      hooks: [
        { name: "confirm-promotion", url: "http://127.0.0.1:1/ask", timeoutMs: 5000 },
        { name: "rollback", url: "https://h.test/x", timeoutMs: 1000 },
      ],
    });
  });

  test("a shadow is read with what stands in it, and with its defaults", async () => {
    const read = async (more: string) => (await parse(EXPERIMENT(more))).config.experiments[0];
    const first = await read(
      STEPS("{ shadow: { percent: 3, for: 1m, onDiff: abort, ignore: [fuel] } }, { setWeight: 5 }"),
    );
    expect(first?.steps[0]).toEqual({ kind: "shadow", percent: 3, ms: 60_000, onDiff: "abort", ignore: ["fuel"] });
    const second = await read(`    rollout: { steps: [{ shadow: {} }, { setWeight: 5 }], diagnosis: 1h }\n`);
    expect(second?.steps[0]).toEqual({ kind: "shadow", percent: 10, ms: 30_000, onDiff: "hold", ignore: [] });
    expect([first?.diagnosisMs, second?.diagnosisMs]).toEqual([300_000, 3_600_000]);
  });

  test("mode shadow alone is a rehearsal; a default canary has none with an A/A phase or several candidates", async () => {
    const shadowed = SHADOW("");
    expect((await parse(shadowed)).config.experiments[0]).toMatchObject({
      mode: "shadow",
      steps: [{ kind: "shadow", onDiff: "hold" }],
    });
    const kinds = async (text: string) => (await parse(text)).config.experiments[0]?.steps[0]?.kind;
    expect(await kinds(EXPERIMENT("    mode: canary\n"))).toBe("shadow");
    expect(await kinds(EXPERIMENT("    mode: canary\n    analysis: { prePeriod: 1m }\n"))).toBe("weight");
    const three = EXPERIMENT("    mode: canary\n", "      - { name: c, version: v3, weight: 0 }\n");
    expect(await kinds(three)).toBe("weight");
  });

  test("mode shadow shows the candidate to nobody: a weight is refused, of a step and of the candidate", async () => {
    const step = SHADOW(STEPS("{ shadow: {} }, { setWeight: 5 }"));
    expect(await problemsOf(step)).toMatchObject([
      { code: "shadow_only", pointer: "/experiments/0/rollout/steps/1", hint: expect.stringMatching(/mode: canary/) },
    ]);
    expect(await problemsOf(EXPERIMENT("    mode: shadow\n"))).toMatchObject([
      { code: "shadow_only", pointer: "/experiments/0/variants/1/weight" },
    ]);
  });

  test("a canary that names no steps gets the default ones, an A/B test none", async () => {
    expect((await parse(EXPERIMENT("    mode: canary\n"))).config.experiments[0]?.steps).toEqual(DEFAULT_STEPS);
    expect((await parse(EXPERIMENT(""))).config.experiments[0]?.steps).toEqual([]);
  });

  test.each([
    ["{ claim: sub }", { kind: "claim", name: "sub" }],
    ["{ tag: user }", { kind: "tag", name: "user" }],
    ["{ cookie: sid, set: true }", { kind: "cookie", name: "sid", set: true }],
    ["[claim:sub]", { kind: "claim", name: "sub" }],
  ])("the unit %s", async (text, unit) => {
    const { config } = await parse(EXPERIMENT("").replace("{ header: x-user }", text));
    expect(config.experiments[0]?.unit).toEqual([unit]);
  });

  test("layers may be shared by experiments whose parts do not touch", async () => {
    const second = `  - { name: e2, filter: g, unit: [requestId], layer: { name: l, range: [0.5, 1] }, variants: [{ name: a, version: v1, weight: 50 }, { name: b, version: v2, weight: 50 }] }\n`;
    expect(await problemsOf(EXPERIMENT(`    layer: { name: l, range: [0, 0.5] }\n${second}`))).toEqual([]);
    const problems = await problemsOf(EXPERIMENT(`    layer: l\n${second}`));
    expect(problems.map(where)).toEqual(["17:54 layer_overlap"]);
    expect(problems[0]).toMatchObject({ pointer: "/experiments/1/layer" });
  });
});

const STEPS = (steps: string): string => `    rollout: { steps: [${steps}] }\n`;
const GUARD = (guardrail: string): string => `    metrics: { guardrails: [${guardrail}] }\n`;

describe("an experiment that makes no sense is refused with its place", () => {
  test.each([
    [
      "a lower weight",
      STEPS("{ setWeight: 50 }, { setWeight: 10 }"),
      "lower_weight",
      "rollout/steps/1/setWeight",
      /10 is lower than the 50/,
    ],
    ["a weight of nothing", STEPS("{ setWeight: 0 }"), "bad_weights", "rollout/steps/0/setWeight", /to nobody/],
    ["a weight above 100", STEPS("{ setWeight: 101 }"), "bad_value", "rollout/steps/0/setWeight", /101/],
    [
      "a step of two things",
      STEPS("{ setWeight: 5, pause: 1s }"),
      "pick_one",
      "rollout/steps/0",
      /exactly one of setWeight/,
    ],
    ["a first step without weight", STEPS("{ pause: 1s }"), "first_step", "rollout/steps/0", /must be setWeight/],
    [
      "steps after the end",
      STEPS("{ setWeight: 100 }, { pause: 1s }"),
      "after_the_end",
      "rollout/steps/1",
      /nothing can follow/,
    ],
    [
      "a pause without a unit",
      STEPS("{ setWeight: 5 }, { pause: soon }"),
      "bad_value",
      "rollout/steps/1/pause",
      /a duration/,
    ],
    ["a canary without steps", `    mode: canary\n${STEPS("")}`, "missing_steps", "rollout/steps", /at least one/],
    ["alpha 0", "    analysis: { alpha: 0 }\n", "bad_alpha", "analysis/alpha", /above 0 and at most 0.5, got 0/],
    ["alpha above a half", "    analysis: { alpha: 0.51 }\n", "bad_alpha", "analysis/alpha", /got 0.51/],
    ["srmAlpha 1", "    analysis: { srmAlpha: 1 }\n", "bad_alpha", "analysis/srmAlpha", /got 1/],
    ["another method", "    analysis: { method: ttest }\n", "bad_value", "analysis/method", /sequential/],
    [
      "an unknown guardrail",
      GUARD("{ name: p98_ms, max: 5 }"),
      "unknown_metric",
      "metrics/guardrails/0/name",
      /"p98_ms"/,
    ],
    [
      "an unknown primary",
      "    metrics: { primary: { name: sucess_rate } }\n",
      "unknown_metric",
      "metrics/primary/name",
      /"sucess_rate"/,
    ],
    [
      "an unknown secondary",
      "    metrics: { secondary: [speed] }\n",
      "unknown_metric",
      "metrics/secondary/0",
      /"speed"/,
    ],
    [
      "a guardrail without limit",
      GUARD("{ name: error_rate }"),
      "pick_one",
      "metrics/guardrails/0",
      /needs max or min/,
    ],
    [
      "a guardrail with two kinds of limit",
      GUARD("{ name: error_rate, max: 1, margin: 1 }"),
      "pick_one",
      "metrics/guardrails/0",
      /margin/,
    ],
    [
      "a margin nobody knows the sign of",
      GUARD("{ name: bytes, margin: 1 }"),
      "unusable_limit",
      "metrics/guardrails/0/margin",
      /which way/,
    ],
    [
      "a quantile with a margin",
      GUARD("{ name: p99_ms, margin: 1 }"),
      "unusable_limit",
      "metrics/guardrails/0",
      /takes max/,
    ],
    ["min above max", GUARD("{ name: bytes, min: 2, max: 1 }"), "bad_range", "metrics/guardrails/0/min", /above max/],
    [
      "two guardrails on one metric",
      GUARD("{ name: fuel, max: 1 }, { name: fuel, max: 2 }"),
      "duplicate_name",
      "metrics/guardrails/1/name",
      /already a guardrail/,
    ],
    [
      "a quantile as primary",
      "    metrics: { primary: { name: p99_ms } }\n",
      "unusable_metric",
      "metrics/primary/name",
      /only be a guardrail/,
    ],
    [
      "a primary of unknown direction",
      '    metrics: { primary: { name: "event:paid" } }\n',
      "missing_key",
      "metrics/primary",
      /needs a direction/,
    ],
    [
      "a range that goes nowhere",
      "    layer: { name: l, range: [0.5, 0.5] }\n",
      "bad_range",
      "layer/range",
      /less to more/,
    ],
    ["a range outside", "    layer: { name: l, range: [0, 2] }\n", "bad_value", "layer/range/1", /2/],
    [
      "an override for no arm",
      "    overrides: { units: { u: c } }\n",
      "unknown_arm",
      "overrides/units/u",
      /no variant "c"/,
    ],
    [
      "a force header anybody may send",
      "    overrides: { header: x-force }\n",
      "missing_key",
      "overrides/header",
      /needs trustedClients/,
    ],
    [
      "a range of no addresses",
      "    overrides: { trustedClients: [10.0.0.0/40] }\n",
      "bad_range",
      "overrides/trustedClients/0",
      /10.0.0.0\/40/,
    ],
    ["two paths", "    targeting: { prefix: /a, exact: /b }\n", "pick_one", "targeting", /at most one/],
    ["a hook that is no address", "    hooks: { rollback: ftp://x }\n", "bad_url", "hooks/rollback", /ftp:\/\/x/],
    [
      "a hook before steps that are none",
      '    hooks: { confirm-rollout: "http://h/x" }\n',
      "missing_steps",
      "hooks/confirm-rollout",
      /there are no steps/,
    ],
    ["an unknown hook", '    hooks: { rolback: "http://x" }\n', "unknown_key", "hooks/rolback", /rolback/],
    [
      "a shadow after a weight",
      STEPS("{ setWeight: 5 }, { shadow: {} }"),
      "late_shadow",
      "rollout/steps/1",
      /before everything else/,
    ],
    ["nothing after a shadow", STEPS("{ shadow: {} }"), "missing_steps", "rollout/steps/0", /nothing follows/],
    [
      "a pause after a shadow",
      STEPS("{ shadow: {} }, { pause: 1s }, { setWeight: 5 }"),
      "first_step",
      "rollout/steps/1",
      /a shadow and then setWeight/,
    ],
    [
      "a shadow of nothing",
      STEPS("{ shadow: { percent: 0 } }, { setWeight: 5 }"),
      "bad_value",
      "rollout/steps/0/shadow/percent",
      /compares nothing/,
    ],
    [
      "a shadow after an A/A phase",
      `    analysis: { prePeriod: 1m }\n${STEPS("{ shadow: {} }, { setWeight: 5 }")}`,
      "pick_one",
      "analysis/prePeriod",
      /an A\/A phase needs users/,
    ],
  ])("%s", async (...row) => {
    const [, more, code, pointer, message] = row;
    const problems = await problemsOf(EXPERIMENT(more));
    expect(problems.map((one) => one.code)).toEqual([code]);
    expect(problems[0]?.pointer).toBe(`/experiments/0/${pointer}`);
    expect(problems[0]?.message).toMatch(message);
    expect(problems[0]?.line).toBeGreaterThanOrEqual(16);
  });

  test("set without a cookie", async () => {
    const problems = await problemsOf(EXPERIMENT("").replace("{ header: x-user }", "{ header: x, set: true }"));
    expect(problems.map((one) => [one.code, one.pointer])).toEqual([["unusable_key", "/experiments/0/unit/set"]]);
  });
});

describe("a definition that comes over the API", () => {
  const GOOD = {
    name: "e",
    filter: "f",
    unit: ["header:x-user"],
    variants: [
      { name: "a", version: "v1", weight: 50 },
      { name: "b", version: "v2", weight: 50 },
    ],
  };

  test("is the same as in the config", async () => {
    const read = await readDefinition({ ...GOOD, mode: "canary" }, { path: "/etc/x.yaml", env: {} });
    expect(read).toMatchObject({ name: "e", mode: "canary", steps: DEFAULT_STEPS });
  });

  test("is refused with pointers into what was sent", async () => {
    const bad = readDefinition({ ...GOOD, analysis: { alpha: 2 }, hook: {} }, { path: "/etc/x.yaml", env: {} });
    const error = await bad.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProblemError);
    const problems = (error as ProblemError).problems.map(({ code, pointer, line }) => [code, pointer, line]);
    expect(problems.sort()).toEqual([
      ["bad_alpha", "/analysis/alpha", undefined],
      ["unknown_key", "/hook", undefined],
    ]);
  });
});
