// A filter of a running proxy is recorded: what comes out replays without a difference, holds no secret, and nothing stays.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { startAdmin, type RunningAdmin } from "../../host/admin/server.ts";
import type { RecordingRequest, RecordingStatus } from "../../host/control/record/recording.ts";
import { parseRecording } from "../../host/replay/jsonl.ts";
import { replay } from "../../sdk/testing/index.ts";
import { probeModule } from "../support/probe.ts";
import { startProxy, type ProxySetup, type TestProxy } from "../support/sluice.ts";
import { run } from "../unit/cli/support.ts";

let proxy: TestProxy | null = null;
let admin: RunningAdmin | null = null;
afterEach(async () => {
  await admin?.close();
  await proxy?.stop();
  proxy = null;
  admin = null;
});

async function start(more: Partial<ProxySetup> = {}): Promise<TestProxy> {
  proxy = await startProxy({
    chain: ["probe"],
    files: { "probe.wasm": await probeModule() },
    config: { filters: [{ name: "probe", source: "./probe.wasm", pluginConfig: { name: "one" } }] },
    ...more,
  });
  return proxy;
}

const ALL: RecordingRequest = { filter: "probe", percent: 100, forMs: 0, count: 0, bodies: "off", redact: true };

/** Asks until `count` streams have been recorded: which thread answers, and when it learns, is not known. */
async function record(p: TestProxy, request: Partial<RecordingRequest>, ask: (at: number) => Promise<unknown>) {
  const { id } = p.control.recordings.open({ ...ALL, count: 6, ...request });
  const status = (): RecordingStatus => p.control.recordings.statuses.find((one) => one.id === id)!;
  for (let at = 0; status().state === "recording"; at++) await ask(at);
  return { status: status(), text: p.control.recordings.text(id) };
}

const metric = async (p: TestProxy, name: string): Promise<number> =>
  (await p.control.metrics()).filter((one) => one.name === name).reduce((sum, { value }) => sum + Number(value), 0);

describe("a recording", () => {
  test("replays without a difference, on every data thread that took part", async () => {
    const p = await start();
    const commands = ["", "upper", "reply:403", "delay:5", "resume-now"];
    const { status, text } = await record(p, { count: 12 }, (at) =>
      p.get("/x", { "x-probe": commands[at % commands.length] ?? "" }),
    );
    expect(status).toMatchObject({ ended: "count", filter: "probe", version: "v1", redacted: true });
    const report = await replay(text, await probeModule());
    expect(report).toMatchObject({ differing: 0, fields: [], a: { fault: "", divergences: [] } });
    expect(report.compared).toBeGreaterThanOrEqual(12);
    for (const { callback, recorded, a } of report.fuel) expect([callback, a]).toEqual([callback, recorded]);
  });

  test("holds no secret, and still the same pseudonym for the same one", async () => {
    const p = await start();
    const secrets = { authorization: "Bearer tok-5f2c9", cookie: "sid=s3cr3t-cookie; theme=dark" };
    const { text } = await record(p, {}, () =>
      p.get("/x?token=q-secret&a=1", { ...secrets, "x-other": "saw tok-5f2c9" }),
    );
    for (const secret of ["tok-5f2c9", "s3cr3t-cookie", "q-secret"]) expect(text).not.toContain(secret);
    expect(text).toMatch(/"authorization","Bearer redacted-[0-9a-f]{16}"/);
    expect(text).toMatch(/"cookie","sid=redacted-[0-9a-f]{16}; theme=/);
    expect(new Set(text.match(/Bearer redacted-[0-9a-f]{16}/g)).size).toBe(1);
    expect(text).toMatch(/saw redacted-/);
    expect((await replay(text, await probeModule())).differing).toBe(0);
  });

  test("unredacted it holds everything", async () => {
    const p = await start();
    const { text } = await record(p, { redact: false }, () => p.get("/x", { authorization: "Bearer tok-5f2c9" }));
    expect(text).toContain("Bearer tok-5f2c9");
    expect(parseRecording(text).header).toMatchObject({ redacted: false, bodies: "full" });
  });

  test("a swap ends it, and the twins go with it", async () => {
    const p = await start();
    const open = p.control.recordings.open(ALL);
    while (p.control.recordings.statuses[0]?.streams === 0) await p.get();
    expect(await metric(p, "sluice_recorded_twins")).toBeGreaterThan(0);
    await p.control.upload("probe", await probeModule(), { swap: true, pluginConfig: '{"name":"two"}' });
    expect(p.control.recordings.statuses[0]).toMatchObject({ id: open.id, state: "done", ended: "version" });
    while ((await metric(p, "sluice_recorded_twins")) > 0) await p.get();
  });

  test("the twin's death is no failure of the version, and requests go on", async () => {
    const p = await start({ workers: 1 });
    const { text } = await record(p, { count: 4 }, (at) => p.get("/x", at === 1 ? { "x-probe": "trap" } : {}));
    expect((await p.get()).status).toBe(200);
    expect((await p.control.filters())[0]).toMatchObject({ version: "v1" });
    expect(p.events.some(({ type }) => type === "fault" || type === "quarantine")).toBe(false);
    const report = await replay(text, await probeModule());
    expect(report).toMatchObject({ differing: 0, fields: [] });
  });

  test("unknown filters are refused, and no more than four are open", async () => {
    const p = await start();
    expect(() => p.control.recordings.open({ ...ALL, filter: "none" })).toThrow('no filter "none"');
    for (let at = 0; at < 4; at++) p.control.recordings.open(ALL);
    expect(() => p.control.recordings.open(ALL)).toThrow("4 recordings are open already");
  });
});

test("sluice record writes it to a file, through the admin API", async () => {
  const p = await start();
  const log = { info: () => {}, error: () => {} };
  admin = await startAdmin({
    control: p.control,
    address: { host: "127.0.0.1", port: 0 },
    token: "",
    log,
    renderMetrics: () => "",
    version: "test",
  });
  const cwd = await mkdtemp(join(tmpdir(), "sluice-record-"));
  const args = ["record", "--admin", `127.0.0.1:${admin.port}`, "--filter", "probe", "--count", "3", "-o", "rec.jsonl"];
  const recording = run(args, { cwd });
  const isDone = (): boolean => p.control.recordings.statuses[0]?.state === "done";
  while (!isDone()) await p.get();
  const { code, err } = await recording;
  expect([code, err]).toEqual([0, expect.stringMatching(/\d+ streams of probe v1, \d+ dropped \(count\)/)]);
  const text = await readFile(join(cwd, "rec.jsonl"), "utf8");
  await rm(cwd, { recursive: true });
  expect((await replay(text, await probeModule())).differing).toBe(0);
});
