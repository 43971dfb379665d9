// The arms of an experiment and their state, on a running proxy with several data threads.
import { afterEach, describe, expect, test } from "vitest";
import { guest, withNonce } from "../support/modules.ts";
import { startProxy, type TestProxy } from "../support/sluice.ts";

let proxy: TestProxy | null = null;
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

/** v1 writes "1:...", v2 "2:..."; each traps on what the other writes. */
async function start(): Promise<TestProxy> {
  const ledger = await guest("ledger");
  proxy = await startProxy({
    workers: 2,
    chain: ["ledger"],
    files: { "ledger.wasm": ledger },
    config: { filters: [{ name: "ledger", source: "./ledger.wasm", pluginConfig: { mark: "1:" } }] },
  });
  const pluginConfig = JSON.stringify({ mark: "2:" });
  await proxy.control.upload("ledger", withNonce(ledger, 1), { swap: false, pluginConfig });
  return proxy;
}

const experiment = (rules: object, name = "trial", versions = ["v1", "v2"]) => ({
  name,
  filter: "ledger",
  unit: ["header:x-user"],
  variants: [
    { name: "control", version: versions[0]!, weight: 50 },
    { name: "candidate", version: versions[1]!, weight: 50 },
  ],
  rules: { overrides: { units: { ann: "control", bob: "candidate" } }, ...rules },
});

const ask = async (p: TestProxy, user: string) => {
  const { status, headers } = await p.get("/", { "x-user": user });
  return { status, count: String(headers["x-count"] ?? "") };
};
const counts = async (p: TestProxy, ...users: string[]): Promise<readonly string[]> => {
  const seen: string[] = [];
  for (const user of users) seen.push((await ask(p, user)).count);
  return seen;
};

describe("a candidate that writes another format", () => {
  test("leaves the control's untouched, and takes its own along when it is promoted", async () => {
    const p = await start();
    expect(await counts(p, "ann", "bob")).toEqual(["1:1", "1:2"]);
    await p.control.createExperiment(experiment({}));
    expect(await counts(p, "ann", "bob", "ann", "bob", "ann")).toEqual(["1:3", "2:1", "1:4", "2:2", "1:5"]);
    await p.control.promote("trial");
    // Everybody has the candidate now, and it goes on where it was.
    expect(await counts(p, "ann", "bob")).toEqual(["2:3", "2:4"]);
    // As does the version after it, a plain swap.
    await p.control.upload("ledger", withNonce(await guest("ledger"), 2), {
      swap: true,
      pluginConfig: JSON.stringify({ mark: "2:" }),
    });
    expect(await counts(p, "ann")).toEqual(["2:5"]);
    // The next candidate of the same name begins with nothing, beside what is live.
    await p.control.createExperiment(experiment({}, "next", ["v3", "v1"]));
    expect(await counts(p, "ann", "bob", "ann", "bob")).toEqual(["2:6", "1:1", "2:7", "1:2"]);
  });

  test("is rolled back without a trace: what it wrote is gone when it is tried again", async () => {
    const p = await start();
    await p.control.createExperiment(experiment({}));
    expect(await counts(p, "ann", "bob", "bob")).toEqual(["1:1", "2:1", "2:2"]);
    await p.control.abort("trial");
    expect(await counts(p, "bob", "ann")).toEqual(["1:2", "1:3"]);
    await p.control.createExperiment(experiment({}, "again"));
    expect(await counts(p, "bob", "ann")).toEqual(["2:1", "1:4"]);
  });

  test("shares the control's with sharedData: shared, for better or worse", async () => {
    const p = await start();
    await p.control.createExperiment(experiment({ sharedData: "shared" }));
    expect(await counts(p, "ann", "ann")).toEqual(["1:1", "1:2"]);
    expect((await ask(p, "bob")).status).toBe(503);
    expect(await counts(p, "ann")).toEqual(["1:3"]);
  });
});
