// `sluice replay`: what it prints, and what its exit code says.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failures, parseFailOn } from "../../../host/cli/fail-on.ts";
import type { ReplayReport } from "../../../host/replay/replay.ts";
import { harness } from "../../../sdk/testing/index.ts";
import { probeModule } from "../../support/probe.ts";
import { run } from "./support.ts";

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "sluice-replay-"));
  const wasm = await probeModule();
  const h = await harness([{ source: wasm, name: "probe", config: { name: "one" } }], { record: true });
  for (let at = 0; at < 3; at++) h.request().respond({ body: "answer" }).end();
  await writeFile(join(cwd, "rec.jsonl"), h.recording());
  await writeFile(join(cwd, "probe.wasm"), wasm);
  h.close();
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const OTHER = ["--b", "probe.wasm", "--b-config", '{"name":"two"}'];

describe("sluice replay", () => {
  test("a module that decides as recorded: 0", async () => {
    const { code, out } = await run(["replay", "rec.jsonl", "--a", "probe.wasm"], { cwd });
    expect(code).toBe(0);
    expect(out).toContain("probe.wasm against the recording of test: 3 streams, 0 differ");
    expect(out).toContain("proxy_on_request_headers");
  });

  test("two versions that differ: 1, with fields and values", async () => {
    const { code, out, err } = await run(["replay", "rec.jsonl", "--a", "probe.wasm", ...OTHER], { cwd });
    expect(code).toBe(1);
    expect(out).toContain("request_headers  request.header.x-trace  3 of 3  default 3  first at line");
    expect(out).toContain("    a one\n    b two\n");
    expect(err).toContain("3 of 3 streams differ");
  });

  test("differences may be allowed, all or by field", async () => {
    const args = ["replay", "rec.jsonl", "--a", "probe.wasm", ...OTHER];
    expect((await run([...args, "--fail-on", "none"], { cwd })).code).toBe(0);
    const fields = "request.header.x-trace,response.header.x-back";
    expect((await run([...args, "--ignore", fields], { cwd })).code).toBe(0);
  });

  test("--json is the report, twice the same bytes", async () => {
    const args = ["replay", "rec.jsonl", "--json", "--a", "probe.wasm", ...OTHER];
    const [one, two] = [await run(args, { cwd }), await run(args, { cwd })];
    expect(one.out).toBe(two.out);
    expect(JSON.parse(one.out)).toMatchObject({ filter: "probe", compared: 3, differing: 3 });
  });

  test("--har writes a HAR, also without a module", async () => {
    expect((await run(["replay", "rec.jsonl", "--har", "rec.har"], { cwd })).code).toBe(0);
    const har = JSON.parse(await readFile(join(cwd, "rec.har"), "utf8")) as { log: { entries: unknown[] } };
    expect(har.log.entries).toHaveLength(3);
  });

  test("what is missing or wrong is said", async () => {
    expect(await run(["replay", "rec.jsonl"], { cwd })).toMatchObject({ code: 2 });
    expect((await run(["replay", "none.jsonl", "--a", "probe.wasm"], { cwd })).err).toContain("cannot be read");
    expect((await run(["replay", "rec.jsonl", "--a", "probe.wasm", "--fail-on", "x"], { cwd })).code).toBe(2);
  });
});

test("a rise of fuel beyond what is allowed fails, below it does not", () => {
  const version = { name: "x", sha256: "", differing: 0, fault: "", diverged: 0, divergences: [] };
  const report: ReplayReport = {
    filter: "f",
    recorded: { version: "v1", sha256: "", redacted: false, bodies: "full" },
    a: version,
    b: version,
    compared: 1,
    differing: 0,
    lost: 0,
    fields: [],
    fuel: [{ callback: "proxy_on_log", recorded: 100, a: 100, b: 111 }],
  };
  expect(failures(report, parseFailOn("diff,fuel:+10%"))).toEqual([
    "proxy_on_log uses 111 points, before 100 (+11.0 %); allowed is +10 %",
  ]);
  expect(failures(report, parseFailOn("fuel:+11%"))).toEqual([]);
});
