// A version that keeps failing is given up, over all data threads, and traffic returns to the last good one: with real
// threads and sockets, as an operator sees it (decisions.md 1).
import { writeFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { at, hostile } from "../../support/hostile.ts";
import { startProxy, type TestProxy } from "../../support/sluice.ts";

const GOOD = hostile({}, "");
/** Traps in a request that carries x-a, and in no other. */
const POISON = hostile(
  {
    does: `(if (i32.eqz (call $get_header_map_value (i32.const 0) ${at("x-a")} (i32.const 300) (i32.const 304)))
      (then unreachable))`,
  },
  "proxy_on_request_headers",
);

let proxy: TestProxy | null = null;
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

const start = async (filter: Record<string, unknown> = {}, more: Record<string, unknown> = {}): Promise<TestProxy> =>
  (proxy = await startProxy({
    chain: ["f"],
    workers: 2,
    files: { "f.wasm": GOOD },
    config: { filters: [{ name: "f", source: "./f.wasm", ...filter }], ...more },
  }));

const live = async (p: TestProxy): Promise<string> => (await p.control.filters())[0]!.version;
const poison = (p: TestProxy) => p.get("/", { "x-a": "1" });

describe("quarantine", () => {
  test("three faults of one version: back to the last good one, with an event that says why", async () => {
    const p = await start();
    await p.control.upload("f", POISON, { swap: true });
    expect(await live(p)).toBe("v2");
    // The back-off keeps a thread from failing a third time at once, so faults gather over threads and renewals.
    const quarantined = p.event(({ type }) => type === "quarantine");
    const giveUp = performance.now() + 15_000;
    while (!p.events.some(({ type }) => type === "quarantine")) {
      await poison(p);
      if (performance.now() > giveUp) throw new Error("no quarantine");
    }
    const event = await quarantined;
    expect(event.text).toMatch(
      /^f v2 {2}quarantined \(3 faults in 60 s, the last one trap in proxy_on_request_headers\): traffic goes back to v1$/,
    );
    expect(event.data).toMatchObject({ version: "v2", to: "v1" });
    await p.event(({ type, text }) => type === "swap" && text.includes("quarantine"));
    expect(await live(p)).toBe("v1");
    // The very requests that were answered 503 pass now.
    expect((await poison(p)).status).toBe(200);
    const used = (await p.control.metrics()).filter(({ name }) => name === "sluice_filter_callbacks_total");
    expect(used.map(({ labels }) => labels["callback"])).toContain("proxy_on_request_headers");
    const faulted = (await p.control.metrics()).filter(({ name }) => name === "sluice_filter_crashes_total");
    expect(faulted[0]?.labels).toEqual({ filter: "f", version: "v2", reason: "trap" });
    expect(faulted[0]?.value).toBeGreaterThanOrEqual(3);
  });

  test("the threshold and the window are the filter's own; 0 never gives up", async () => {
    const once = await start({ quarantine: { faults: 1, window: "10s" } });
    await once.control.upload("f", POISON, { swap: true });
    expect((await poison(once)).status).toBe(503);
    await once.event(({ type }) => type === "quarantine");
    await once.event(({ type, text }) => type === "swap" && text.includes("v1"));
    await once.stop();
    const never = await start({ quarantine: { faults: 0 } });
    await never.control.upload("f", POISON, { swap: true });
    for (let round = 0; round < 20; round++) expect((await poison(never)).status).toBe(503);
    expect(never.events.filter(({ type }) => type === "quarantine")).toEqual([]);
    expect(await live(never)).toBe("v2");
  });

  test("without an earlier version the failure policy goes on, and says so", async () => {
    const p = await startProxy({
      chain: ["f"],
      workers: 1,
      files: { "f.wasm": POISON },
      config: { filters: [{ name: "f", source: "./f.wasm", quarantine: { faults: 1 } }] },
    });
    proxy = p;
    expect((await poison(p)).status).toBe(503);
    const event = await p.event(({ type }) => type === "quarantine");
    expect(event.text).toContain("there is no earlier version, so its failure policy goes on");
    expect((await p.get("/")).status).toBe(200);
  });

  test("what is in quarantine comes back only when it is forced: not by its source, not by rolling back", async () => {
    const p = await start({ quarantine: { faults: 1 } });
    await p.control.upload("f", POISON, { swap: true });
    await poison(p);
    await p.event(({ type, text }) => type === "swap" && text.includes("quarantine"));
    await expect(p.control.rollback("f")).rejects.toThrow(/no version to roll back to/);
    await writeFile(`${p.folder}/f.wasm`, POISON);
    await expect(p.control.swap("f")).rejects.toThrow(/v2 \([0-9a-f]{12}\) is in quarantine, it kept failing/);
    expect(await live(p)).toBe("v1");
    await p.control.swap("f", "v2");
    expect(await live(p)).toBe("v2");
  });

  test("an arm of an experiment that keeps failing ends the experiment, and the control serves everybody", async () => {
    const p = await start({ quarantine: { faults: 1 } });
    await p.control.upload("f", POISON, { swap: false });
    const variants = [
      { name: "control", version: "current", weight: 0 },
      { name: "bad", version: "v2", weight: 100 },
    ];
    await p.control.createExperiment({ name: "e", filter: "f", unit: ["requestId"], variants });
    expect((await poison(p)).status).toBe(503);
    const event = await p.event(({ type }) => type === "quarantine");
    expect(event.text).toContain("traffic goes back to v1, experiment e is aborted");
    await p.event(({ type, text }) => type === "experiment" && text.includes("aborted"));
    expect((await poison(p)).status).toBe(200);
    expect((await p.control.experiments())[0]?.state).toBe("aborted");
  });
});
