// What an operator is told of a filter that crashed: in the event (and so in the log and the terminal), and in the admin
// API; with the line of its source, for debug and for optimised builds.
import { afterEach, describe, expect, test } from "vitest";
import { startAdmin } from "../../../host/admin/server.ts";
import { systemClock } from "../../../host/base/clock.ts";
import { hostile } from "../../support/hostile.ts";
import { startProxy, type TestProxy } from "../../support/sluice.ts";

let proxy: TestProxy | null = null;
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

const quietly = { info: () => {}, error: () => {} };

/** `GET path` of the admin API in front of a running proxy. */
async function asked(p: TestProxy, path: string): Promise<{ readonly status: number; readonly json: unknown }> {
  const admin = await startAdmin({
    control: p.control,
    address: { host: "127.0.0.1", port: 0 },
    token: "",
    log: quietly,
    renderMetrics: () => "",
    version: "0",
    clock: systemClock,
  });
  const answer = await fetch(`${admin.url.replace(/\/$/, "")}${path}`);
  const json: unknown = await answer.json();
  await admin.close();
  return { status: answer.status, json };
}

describe("crash reports", () => {
  test("the newest reports are kept per filter, with what led to them", async () => {
    const p = (proxy = await startProxy({
      chain: ["f"],
      workers: 1,
      files: {
        "f.wasm": hostile(
          { does: "(drop (call $get_log_level (i32.const 300))) unreachable" },
          "proxy_on_request_headers",
        ),
      },
      config: { filters: [{ name: "f", source: "./f.wasm", quarantine: { faults: 0 } }] },
    }));
    expect(p.control.crashes("f")).toEqual([]);
    await p.get("/");
    const event = await p.event(({ type }) => type === "fault");
    const [crash] = p.control.crashes("f");
    expect(crash).toMatchObject({
      filter: "f",
      version: "v1",
      threadId: 1,
      reason: "trap",
      cause: "trap",
      callback: "proxy_on_request_headers",
      message: "unreachable",
      renewInMs: 0,
      position: "",
    });
    expect(crash!.requestId).not.toBe("");
    expect(crash!.fuel).toBeGreaterThan(0);
    expect(crash!.hostCalls.at(-1)).toBe("get_log_level = OK");
    expect(crash!.time).toMatch(/^\d{4}-/);
    expect(event.data).toEqual(crash);
    expect(event.text.split("\n")[0]).toBe("f v1 trap in proxy_on_request_headers: unreachable");
    expect(event.text).toContain(
      `request ${crash!.requestId}, context ${crash!.contextId}, ${crash!.fuel} points of fuel used`,
    );
    expect(event.text).toContain("    last host calls:\n");
    for (let round = 0; round < 30; round++) {
      await p.control.swap("f").catch(() => {});
      await p.get("/");
    }
    expect(p.control.crashes("f").length).toBeLessThanOrEqual(20);
    const answer = await asked(p, "/api/v1/filters/f/crashes");
    expect(answer).toEqual({
      status: 200,
      json: { crashes: JSON.parse(JSON.stringify(p.control.crashes("f"))) as unknown },
    });
    expect((await asked(p, "/api/v1/filters/nobody/crashes")).status).toBe(404);
    expect(() => p.control.crashes("nobody")).toThrow(/no filter "nobody"/);
  });

  const SOURCE = `export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";
@config
class CrashConfig extends Config {}
class Crash extends HttpFilter {
  constructor(config: CrashConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    if (request.headers.has("x-index")) return pick(100);
    if (request.headers.has("x-loop")) while (true) {}
    return Flow.Continue;
  }
}

const LIST: i32[] = [1, 2, 3];
function pick(at: i32): Flow {
  return LIST[at] == 7 ? Flow.Pause : Flow.Continue;
}
definePlugin<CrashConfig, Crash>("crash");
`;

  test.each(["debug", "optimised"])("the %s build points at the line of the source", async (build) => {
    const p = (proxy = await startProxy({
      chain: ["crash"],
      workers: 1,
      optimize: build === "optimised",
      files: { "crash/assembly/index.ts": SOURCE },
      config: { filters: [{ name: "crash", source: "./crash/assembly/index.ts", quarantine: { faults: 0 } }] },
    }));
    expect((await p.control.filters())[0]?.build).toBe(build);
    expect((await p.get("/", { "x-index": "1" })).status).toBe(503);
    await p.event(({ type }) => type === "fault");
    const [crash] = p.control.crashes("crash");
    // The optimiser folds the whole call into the line that makes it.
    expect(crash?.position).toMatch(build === "debug" ? /^index\.ts:18:\d+$/ : /^index\.ts:(10|18):\d+$/);
    expect(crash?.frames.some(({ line }) => line === 10)).toBe(true);
    expect((await p.get("/", { "x-loop": "1" })).status).toBe(503);
    await p.event(({ data }) => data?.["reason"] === "fuel");
    expect(p.control.crashes("crash")[0]?.position).toMatch(/^index\.ts:11:\d+$/);
  });
});
