// A version in the shadow of the one that serves, on a running proxy: nothing differs where nothing does, what differs is found
// and shown, and nothing the shadow does or suffers reaches a request.
import { afterEach, describe, expect, test } from "vitest";
import { startAdmin, type RunningAdmin } from "../../host/admin/server.ts";
import type { ShadowReport, ShadowRequest } from "../../host/control/shadow/shadow.ts";
import { toPrometheus } from "../../host/observe/prometheus.ts";
import { guest } from "../support/modules.ts";
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

/** A version that is not live. */
async function other(p: TestProxy, pluginConfig: object): Promise<string> {
  const options = { swap: false, pluginConfig: JSON.stringify(pluginConfig) };
  return (await p.control.upload("probe", await probeModule(), options)).version.version;
}

const ALL: Omit<ShadowRequest, "version"> = { filter: "probe", percent: 100, cpuPercent: 100, ignore: [] };

/** Asks until the shadow's report fits: when a thread learns of it and when it is played is not known. */
async function until(
  p: TestProxy,
  fits: (report: ShadowReport) => boolean,
  headers: Record<string, string> = {},
  answered: (status: number) => void = () => {},
) {
  for (;;) {
    const report = p.control.shadows.report("probe");
    if (fits(report)) return report;
    expect(report.state).toBe("running");
    answered((await p.get("/x", headers)).status);
  }
}

describe("a shadow", () => {
  test("of a version that decides the same shows nothing, and no noise", async () => {
    const p = await start();
    p.control.shadows.start({ ...ALL, version: await other(p, { name: "one", failConfigure: false }) });
    for (const command of ["upper", "reply:403", "delay:5", "resume-now"]) await p.get("/x", { "x-probe": command });
    const report = await until(p, ({ compared, noise }) => compared >= 20 && noise.compared >= 20);
    expect(report).toMatchObject({ differing: 0, fields: [], noise: { differing: 0 }, diverged: 0, fault: "" });
  });

  test("of a version that differs shows what, where and an example, as report, event and metric", async () => {
    const p = await start();
    const version = await other(p, { name: "two" });
    p.control.shadows.start({ ...ALL, version });
    const report = await until(p, ({ differing }) => differing >= 10, { authorization: "Bearer secret-token" });
    expect(report.noise.differing).toBe(0);
    const field = report.fields.find((one) => one.field === "request.header.x-trace");
    expect(field).toMatchObject({ phase: "request_headers", shown: true, noise: 0, routes: { all: field?.count } });
    expect(field?.examples[0]).toMatchObject({ a: "one", b: "two", route: "all" });
    expect(JSON.stringify(report)).not.toContain("secret-token");
    const said = await p.event(({ type, text }) => type === "shadow" && text.includes("request.header.x-trace"));
    expect(said.text).toContain(`shadow of probe: ${version} differs from v1 in request_headers`);
    const metrics = toPrometheus(await p.control.metrics());
    expect(metrics).toMatch(/sluice_shadow_compared_total\{filter="probe",version="v2"\} \d+/);
    expect(metrics).toMatch(/sluice_shadow_diff_total\{.*field="request.header.x-trace".*\} \d+/);
    expect(metrics).toMatch(/sluice_shadow_dropped_total\{/);
    // What the shadow decided has reached nobody.
    expect((await p.get()).headers["x-back"]).toBe("one");
  });

  test.each([
    ["trap", "trap", "trap"],
    ["loop", "trap", "fuel"],
  ])("that ends in %s harms no request, and is shown as a difference", async (name, field, value) => {
    const p = await start();
    const options = { swap: false, pluginConfig: JSON.stringify({ name }) };
    const { version } = (await p.control.upload("probe", await guest("bomb"), options)).version;
    p.control.shadows.start({ ...ALL, version });
    const statuses = new Set<number>();
    await until(
      p,
      ({ differing }) => differing >= 3,
      {},
      (status) => statuses.add(status),
    );
    expect([...statuses]).toEqual([200]);
    const report = p.control.shadows.stop("probe");
    const found = report.fields.find((one) => one.field === field);
    expect(found).toMatchObject({ phase: "request_headers", count: report.compared });
    expect(found?.examples[0]).toMatchObject({ a: null, b: value });
    expect(p.events.some(({ type }) => type === "fault" || type === "quarantine")).toBe(false);
  });

  test("sends nothing: a call-out of its own is refused, and named", async () => {
    const asked: string[] = [];
    const p = await start({
      upstream: (incoming, answer) => {
        asked.push(incoming.url ?? "");
        answer.end("ok");
      },
    });
    const options = { swap: false, pluginConfig: '{"name":"call"}' };
    const { version } = (await p.control.upload("probe", await guest("bomb"), options)).version;
    p.control.shadows.start({ ...ALL, version });
    const report = await until(p, ({ diverged }) => diverged >= 3);
    expect(report.divergences[0]).toMatchObject({ what: "call web GET /seen", callback: "proxy_on_request_headers" });
    expect(new Set(asked)).toEqual(new Set(["/x"]));
  });

  test("ends when another version is swapped in, and its twins go", async () => {
    const p = await start();
    const version = await other(p, { name: "two" });
    p.control.shadows.start({ ...ALL, version });
    await until(p, ({ compared }) => compared > 0);
    await p.control.swap("probe", version);
    expect(p.control.shadows.report("probe")).toMatchObject({ state: "ended", ended: "version" });
    expect((await p.get()).headers["x-back"]).toBe("two");
  });

  test("is one per filter, of versions that exist", async () => {
    const p = await start();
    expect(() => p.control.shadows.start({ ...ALL, version: "v9" })).toThrow('no version "v9"');
    p.control.shadows.start({ ...ALL, version: "v1" });
    expect(() => p.control.shadows.start({ ...ALL, version: "v1" })).toThrow("has a shadow already");
    expect(p.control.shadows.stop("probe")).toMatchObject({ state: "ended", ended: "stopped" });
    p.control.shadows.start({ ...ALL, version: "v1" });
    expect(() => p.control.shadows.report("none")).toThrow('filter "none" has no shadow');
  });
});

test("sluice shadow starts one, reports and ends it", async () => {
  const p = await start();
  const log = { info: () => {}, error: () => {} };
  const address = { host: "127.0.0.1", port: 0 };
  admin = await startAdmin({ control: p.control, address, token: "", log, renderMetrics: () => "", version: "test" });
  const version = await other(p, { name: "two" });
  const sluice = (...args: string[]) => run(["shadow", "probe", "--admin", `127.0.0.1:${admin?.port}`, ...args]);
  const begun = await sluice("--version", version, "--percent", "100", "--cpu", "100");
  expect([begun.code, begun.out]).toEqual([0, expect.stringContaining("v2 in the shadow of v1, running on 100 %")]);
  await until(p, ({ differing }) => differing > 2);
  const { out } = await sluice("--report");
  expect(out).toContain("request_headers  request.header.x-trace");
  expect(out).toContain("    a one\n    b two\n");
  expect((await sluice("--stop")).out).toContain("ended (stopped)");
  expect((await sluice("--version", version, "--unmatched-calls", "allow")).err).toContain(
    "allow is not supported yet",
  );
  expect((await sluice()).code).toBe(2);
});
