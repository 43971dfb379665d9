// Two versions of a filter share live traffic by weight; a user sticks to one; ranges only grow.
import { afterEach, describe, expect, test } from "vitest";
import { guest, withNonce } from "../support/modules.ts";
import { startProxy, type TestProxy } from "../support/sluice.ts";

let proxy: TestProxy | null = null;
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

/** Two versions: v1 stamps "one", v2 stamps "two"; v1 is live. */
async function twoVersions(): Promise<TestProxy> {
  const stamp = await guest("stamp");
  proxy = await startProxy({
    chain: ["stamp"],
    listener: { armHeader: "x-arms" },
    files: { "stamp.wasm": stamp },
    config: { filters: [{ name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "one" } }] },
  });
  await proxy.control.upload("stamp", withNonce(stamp, 1), { swap: false, pluginConfig: '{"word":"two"}' });
  return proxy;
}

const AB = {
  name: "ab",
  filter: "stamp",
  unit: ["header:x-user"],
  variants: [
    { name: "control", version: "v1", weight: 80 },
    { name: "candidate", version: "v2", weight: 20 },
  ],
};
const USERS = Array.from({ length: 500 }, (_, number) => `user-${number}`);

/** user -> the version it got. */
async function ask(p: TestProxy, users: readonly string[] = USERS): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  await Promise.all(
    users.map(async (user) => seen.set(user, String((await p.get("/", { "x-user": user })).headers["x-version"]))),
  );
  return seen;
}
const share = (seen: Map<string, string>, word: string): number =>
  [...seen.values()].filter((one) => one === word).length / seen.size;

describe("an experiment on a filter", () => {
  test("splits by weight within what chance allows, and every user sticks to one version", async () => {
    const p = await twoVersions();
    await p.control.createExperiment(AB);
    const first = await ask(p);
    // Five standard deviations of a binomial share over 500 users.
    expect(Math.abs(share(first, "two") - 0.2)).toBeLessThan(5 * Math.sqrt((0.2 * 0.8) / USERS.length));
    expect(await ask(p)).toEqual(first);
  });

  test("a rising weight moves users one way only, without a reload", async () => {
    const p = await twoVersions();
    await p.control.createExperiment(AB);
    const before = await ask(p);
    await p.control.setWeights("ab", { control: 40, candidate: 60 });
    const after = await ask(p);
    for (const [user, word] of before) if (word === "two") expect(after.get(user)).toBe("two");
    expect(share(after, "two")).toBeGreaterThan(0.5);
    expect(p.events.filter((event) => event.type === "swap")).toEqual([]);
  });

  test("the version is visible: counts per arm, metric labels, response header", async () => {
    const p = await twoVersions();
    await p.control.createExperiment(AB);
    const seen = await ask(p);
    const answer = await p.get("/", { "x-user": "user-1" });
    expect(answer.headers["x-arms"]).toBe(`stamp=${seen.get("user-1") === "two" ? "candidate" : "control"}`);
    const [status] = await p.control.experiments();
    const requests = Object.fromEntries(status!.arms.map((arm) => [arm.name, arm.requests]));
    const ones = [...seen.values()].filter((word) => word === "one").length;
    expect(requests["control"]! + requests["candidate"]!).toBe(USERS.length + 1);
    expect(Math.abs(requests["control"]! - ones)).toBeLessThanOrEqual(1);
    const labelled = (await p.control.metrics()).filter(
      (sample) => sample.name === "sluice_filter_requests_total" && sample.labels["arm"] !== undefined,
    );
    expect(labelled.map((sample) => [sample.labels["arm"], sample.labels["plugin_version"]]).sort()).toEqual([
      ["candidate", "v2"],
      ["control", "v1"],
    ]);
  });

  test("a request without a unit gets the control and is counted", async () => {
    const p = await twoVersions();
    await p.control.createExperiment(AB);
    for (let round = 0; round < 20; round++) expect((await p.get()).headers["x-version"]).toBe("one");
    expect((await p.control.experiments())[0]?.unitMissing).toBe(20);
  });

  test("abort gives everybody the live version at once, promote makes the candidate live", async () => {
    const p = await twoVersions();
    await p.control.createExperiment(AB);
    await p.control.abort("ab");
    expect(share(await ask(p, USERS.slice(0, 50)), "one")).toBe(1);
    await p.control.createExperiment({ ...AB, name: "again" });
    expect(await p.control.promote("again")).toMatchObject({ state: "promoted" });
    expect(share(await ask(p, USERS.slice(0, 50)), "two")).toBe(1);
    expect((await p.control.filters())[0]).toMatchObject({ version: "v2", experiment: "" });
  });

  test("an experiment of the config starts with the proxy: a variant may have its own source and configuration", async () => {
    const stamp = await guest("stamp");
    proxy = await startProxy({
      chain: ["stamp"],
      files: { "stamp.wasm": stamp, "other.wasm": withNonce(stamp, 2) },
      config: {
        filters: [{ name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "one" } }],
        experiments: [
          {
            name: "declared",
            filter: "stamp",
            unit: { header: "x-user" },
            variants: [
              { name: "control", version: "current", weight: 50 },
              { name: "candidate", source: "./other.wasm", pluginConfig: { word: "two" }, weight: 50 },
            ],
          },
        ],
      },
    });
    const seen = await ask(proxy, USERS.slice(0, 200));
    expect(Math.abs(share(seen, "two") - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / 200));
  });

  test("a client without a cookie is given one, and keeps its version with it", async () => {
    const stamp = await guest("stamp");
    proxy = await startProxy({
      chain: ["stamp"],
      files: { "stamp.wasm": stamp },
      config: {
        filters: [{ name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "one" } }],
        experiments: [
          {
            name: "by-cookie",
            filter: "stamp",
            unit: { cookie: "sid", set: true },
            variants: [
              { name: "control", version: "current", weight: 50 },
              { name: "candidate", version: "current", pluginConfig: { word: "two" }, weight: 50 },
            ],
          },
        ],
      },
    });
    const words = new Set<unknown>();
    for (let client = 0; client < 12; client++) {
      const first = await proxy.get();
      const [cookie] = first.headers["set-cookie"] ?? [];
      expect(cookie).toMatch(/^sid=[0-9a-f]{32}; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/);
      words.add(first.headers["x-version"]);
      for (let again = 0; again < 3; again++) {
        const later = await proxy.get("/", { cookie: String(cookie).split(";")[0]! });
        expect(later.headers["x-version"]).toBe(first.headers["x-version"]);
        expect(later.headers["set-cookie"]).toBeUndefined();
      }
    }
    expect(words).toEqual(new Set(["one", "two"]));
    expect((await proxy.control.experiments())[0]?.unitMissing).toBe(0);
  });

  test("a configuration alone is a candidate; conversions go to the arm their unit was in", async () => {
    const p = await twoVersions();
    const created = await p.control.createExperiment({
      ...AB,
      variants: [
        { name: "control", version: "current", weight: 50 },
        { name: "candidate", version: "current", weight: 50, pluginConfig: { word: "three" } },
      ],
      rules: { metrics: { primary: { name: "event:paid", direction: "increase" } } },
    });
    expect(created.arms.map((arm) => arm.version)).toEqual(["v1", "v3"]);
    expect(created.arms[0]!.sha256).toBe(created.arms[1]!.sha256);
    const seen = await ask(p);
    expect(share(seen, "three")).toBeGreaterThan(0.3);
    await p.control.report("ab");
    const events = USERS.map((unit) => ({ unit, name: "paid", value: seen.get(unit) === "three" ? 3 : 1 }));
    expect(await p.control.postEvents("ab", [...events, { unit: "nobody", name: "paid" }])).toEqual({
      counted: USERS.length,
      ignored: 1,
    });
    const [paid] = (await p.control.report("ab")).judgement!.metrics;
    expect(paid).toMatchObject({ name: "event:paid", control: 1, candidate: 3 });
  });

  test("is seen in the metrics: shares, and requests without a unit", async () => {
    const p = await twoVersions();
    await p.control.createExperiment(AB);
    await p.get();
    const samples = (await p.control.metrics()).filter(({ name }) => name.startsWith("sluice_experiment_"));
    expect(samples.map(({ name, labels, value }) => [name, labels["arm"] ?? "", value])).toEqual([
      ["sluice_experiment_unit_missing_total", "", 1],
      ["sluice_experiment_multiple_exposure", "", 0],
      ["sluice_experiment_weight", "control", 80],
      ["sluice_experiment_weight", "candidate", 20],
    ]);
  });

  test.each([
    ["weights that are all 0", { variants: AB.variants.map((variant) => ({ ...variant, weight: 0 })) }, /all 0/],
    [
      "weights that do not add up",
      { variants: AB.variants.map((variant) => ({ ...variant, weight: 30 })) },
      /add up to 60/,
    ],
    [
      "an unknown version",
      { variants: [AB.variants[0]!, { name: "b", version: "v7", weight: 20 }] },
      /no version "v7"/,
    ],
    ["an unknown filter", { filter: "nope" }, /no filter "nope"/],
    ["an unknown unit", { unit: ["moon"] }, /unit "moon"/],
  ])("%s is refused and nothing changes", async (_what, change, reason) => {
    const p = await twoVersions();
    await expect(p.control.createExperiment({ ...AB, ...change })).rejects.toThrow(reason);
    expect(await p.control.experiments()).toEqual([]);
    expect((await p.get()).headers["x-version"]).toBe("one");
  });
});
