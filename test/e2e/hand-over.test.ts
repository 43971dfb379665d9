// State through a real reload: every data thread's instance counts for itself, and goes on counting in the next version.
import { writeFile } from "node:fs/promises";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, expect, test } from "vitest";
import { guest, withNonce } from "../support/modules.ts";
import { type Answer, startProxy, type TestProxy } from "../support/sluice.ts";

let proxy: TestProxy | null = null;
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

/** Highest count seen, per thread. */
type Seen = Map<string, number>;

/** Every answer of a thread counts one more than its last; requests come over many connections at once. */
async function ask(p: TestProxy, seen: Seen, requests: number): Promise<void> {
  const answers = await Promise.all(Array.from({ length: requests }, () => p.get()));
  const byWorker = Map.groupBy(answers, (answer: Answer) => String(answer.headers["x-worker"]));
  for (const [worker, own] of byWorker) {
    const counts = own.map(({ headers }) => Number(headers["x-count"])).sort((a, b) => a - b);
    const before = seen.get(worker) ?? 0;
    expect(counts).toEqual(counts.map((_, at) => before + 1 + at));
    seen.set(worker, counts.at(-1) ?? 0);
  }
}

const handedOver = async (p: TestProxy): Promise<number> =>
  (await p.control.metrics())
    .filter(({ name, labels }) => name === "sluice_filter_state_handovers_total" && labels["result"] === "restored")
    .reduce((sum, { value }) => sum + Number(value), 0);

test("counters of all threads survive uploads, a rollback and changed source, each on its thread", async () => {
  const source = await readFile(resolve(import.meta.dirname, "../support/guests/tally/index.ts"), "utf8");
  proxy = await startProxy({
    chain: ["tally"],
    workers: 3,
    files: { "tally/index.ts": source },
    config: { filters: [{ name: "tally", source: "./tally/index.ts" }] },
  });
  const seen: Seen = new Map();
  await ask(proxy, seen, 60);
  for (let round = 0; round < 3; round++) {
    await proxy.control.upload("tally", withNonce(await guest("tally"), round), { swap: true });
    await ask(proxy, seen, 60);
  }
  await proxy.control.rollback("tally");
  await ask(proxy, seen, 60);
  await writeFile(join(proxy.folder, "tally/index.ts"), `${source}\nlog.info("another build");\n`);
  await proxy.control.reload();
  await ask(proxy, seen, 60);
  expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBe(360);
  // Five swaps on three threads.
  expect(await handedOver(proxy)).toBe(15);
  expect(proxy.events.filter(({ type }) => type === "fault")).toEqual([]);
});

test("a version that traps over what it is given goes live without it, and is not put in quarantine", async () => {
  proxy = await startProxy({
    chain: ["tally"],
    workers: 4,
    files: { "tally.wasm": await guest("tally") },
    config: { filters: [{ name: "tally", source: "./tally.wasm" }] },
  });
  for (let sent = 0; sent < 20; sent++) await proxy.get();
  const wasm = withNonce(await guest("tally"), 1);
  await proxy.control.upload("tally", wasm, { swap: true, pluginConfig: '{"restore":"trap"}' });
  const seen: Seen = new Map();
  await ask(proxy, seen, 40);
  const [status] = await proxy.control.filters();
  expect(status?.version).toBe("v2");
  expect(proxy.events.filter(({ type }) => type === "fault" || type === "quarantine")).toEqual([]);
  const event = await proxy.event(({ type, text }) => type === "log" && text.includes("sluice_on_restore ended"));
  expect(event).toMatchObject({ filter: "tally" });
});
