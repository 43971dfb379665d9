// Foreign functions and properties on a running proxy: what filters see of it, and what it does for them.
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPairs, writePairs, type Pairs } from "../support/guest-kit.ts";
import { guest } from "../support/modules.ts";
import { startProxy, type TestProxy } from "../support/sluice.ts";

const logs = mkdtempSync(join(tmpdir(), "sluice-log-"));
let proxy: TestProxy;
beforeAll(async () => {
  proxy = await startProxy({
    chain: ["asker"],
    workers: 1,
    files: { "asker.wasm": await guest("asker") },
    listener: { accessLog: { path: join(logs, "access.log") } },
    config: {
      node: { id: "n1", region: "r1", zone: "z1", labels: { tier: "edge" } },
      filters: [{ name: "asker", source: "./asker.wasm" }],
    },
    upstream: (incoming, answer) => void answer.end(`${incoming.headers.host} ${incoming.url}`),
  });
});
afterAll(async () => {
  await proxy.stop();
  rmSync(logs, { recursive: true });
});

const call = (name: string, pairs: Pairs): string => `call ${name} ${writePairs(pairs).toString("hex")}`;
async function ask(commands: string): Promise<{ told: Buffer[]; statuses: number[]; status: number; body: string }> {
  const answer = await proxy.get("/a", { "x-do": commands, "x-tell": "1" });
  const lines = String(answer.headers["x-told"] ?? "")
    .split(";")
    .filter(Boolean)
    .map((line) => line.split(" "));
  return {
    told: lines.map(([, , hex]) => Buffer.from(hex ?? "", "hex")),
    statuses: lines.map(([, status]) => Number(status)),
    ...answer,
  };
}

test("node, worker and load are read as properties", async () => {
  const { told } = await ask(
    "get xds|node|id; get node|locality|zone; get node|metadata|tier; get sluice|worker; get sluice|system|cpu",
  );
  expect(told.slice(0, 3).map(String)).toEqual(["n1", "z1", "edge"]);
  expect(told[3]?.readBigInt64LE()).toBe(1n);
  expect(told[4]?.readDoubleLE()).toBeGreaterThan(0);
});

test("the endpoints of the route's cluster are listed", async () => {
  const { told } = await ask("call sluice.endpoints; call sluice.endpoints 6e6f7768657265");
  const [epoch, endpoint] = readPairs(told[0]!);
  expect(epoch?.[0]).toBe("");
  expect(endpoint?.[0]).toMatch(/^127\.0\.0\.1:\d+$/);
  expect((await ask("call sluice.endpoints 6e6f7768657265")).statuses).toEqual([2]);
});

test("a decision is executed: path and host for the upstream, and 503 NC for a cluster that does not exist", async () => {
  const rewritten = await ask(
    call("sluice.route_set", [
      ["pathRewrite", "/b"],
      ["hostRewrite", "b.test"],
    ]),
  );
  expect(rewritten.body).toBe("b.test /b");
  expect((await ask(call("sluice.route_set", [["cluster", "nowhere"]]))).status).toBe(503);
});

test("metadata and tags reach the access log, in its own text", async () => {
  const metadata = call("sluice.metadata_set", [
    ["ns", "n"],
    ["key", "k"],
    ["value", "vé"],
  ]);
  await ask(`${metadata}; ${call("sluice.route_set", [["tags.tier", "gold"]])}`);
  const lines = async (): Promise<Record<string, unknown>[]> =>
    (await readFile(join(logs, "access.log"), "utf8").catch(() => ""))
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  await expect
    .poll(lines, { timeout: 5000 })
    .toContainEqual(expect.objectContaining({ metadata: { n: { k: "vé" } }, tags: { tier: "gold" } }));
  expect((await lines()).some((line) => line["flags"] === "NC")).toBe(true);
});

test("what a module imports and nobody knows is said when it is loaded", async () => {
  const { wat, filterWat } = await import("../unit/module/build.ts");
  const odd = wat(filterWat("", '(import "env" "proxy_future" (func)) (memory (export "memory") 1)'));
  const heard = proxy.event((event) => event.type === "log" && event.text.includes("proxy_future"));
  await proxy.control.upload("asker", odd, { swap: false });
  expect((await heard).text).toContain(
    "warning: filter asker v2: imports env.proxy_future, which answers UNIMPLEMENTED",
  );
});
