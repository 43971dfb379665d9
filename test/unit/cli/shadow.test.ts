// `sluice shadow`: what it draws of a report.
import { afterEach, describe, expect, test } from "vitest";
import { type RunningAdmin, startAdmin } from "../../../host/admin/server.ts";
import { FakeControl, shadowReport } from "../../support/fake-control.ts";
import { run } from "./support.ts";

let admin: RunningAdmin | null = null;
afterEach(async () => {
  await admin?.close();
  admin = null;
});

async function withAdmin(): Promise<{ control: FakeControl; sluice: (...args: string[]) => ReturnType<typeof run> }> {
  const control = new FakeControl();
  const log = { info: () => {}, error: () => {} };
  const address = { host: "127.0.0.1", port: 0 };
  admin = await startAdmin({ control, address, token: "", log, renderMetrics: () => "", version: "test" });
  return { control, sluice: (...args) => run(["shadow", "gray", "--admin", `127.0.0.1:${admin?.port}`, ...args]) };
}

const field = {
  phase: "request_headers",
  field: "request.header.x-tag",
  count: 3,
  noise: 0,
  shown: true,
  firstSeen: "2030-01-01T00:00:00.000Z",
  routes: { orders: 3 },
  examples: [{ requestId: "r1", route: "orders", line: 0, a: "blue", b: null }],
};

describe("sluice shadow", () => {
  test("starts one with what is given, and with the defaults of the admin API", async () => {
    const { control, sluice } = await withAdmin();
    expect((await sluice("--version", "v2", "--percent", "0.5", "--cpu", "5", "--ignore", "a,b")).code).toBe(0);
    expect((await sluice("--version", "v2")).code).toBe(0);
    expect(control.shadows.calls).toEqual([
      ["start", { filter: "gray", version: "v2", percent: 0.5, cpuPercent: 5, ignore: ["a", "b"] }],
      ["start", { filter: "gray", version: "v2", percent: 10, cpuPercent: 2, ignore: [] }],
    ]);
  });

  test("draws what differs beyond the noise, and says how much is within", async () => {
    const { control, sluice } = await withAdmin();
    const divergences = [{ what: "call web GET /x", callback: "proxy_on_request_headers", c: 2, line: 0 }];
    const noisy = { ...field, field: "calls", shown: false };
    control.shadows.status = shadowReport({ fields: [field, noisy], diverged: 2, divergences, dropped: 4 });
    const { out } = await sluice("--report");
    expect(out).toBe(`gray  v2 in the shadow of v1, running on 10 %: 20 streams, 3 differ
  noise 0 of 20, dropped 4
  request_headers  request.header.x-tag  3 of 20  orders 3
    a blue
    b (nothing)
  and 1 fields within the noise
  2 times it asked for what the serving version had not asked:
    call web GET /x  in proxy_on_request_headers
`);
  });

  test.each([
    [["--percent", "10"], "expected one of --version, --report, --stop"],
    [["--report", "--stop"], "expected one of --version, --report, --stop"],
    [["--version", "v2", "--percent", "0"], "--percent: expected a number above 0"],
    [["--version", "v2", "--unmatched-calls", "allow"], "allow is not supported yet"],
    [["--version", "v2", "--unmatched-calls", "maybe"], 'expected block, got "maybe"'],
  ])("%j is refused", async (args, message) => {
    const { sluice } = await withAdmin();
    const { code, err } = await sluice(...args);
    expect(code).toBeGreaterThan(0);
    expect(err).toContain(message);
  });
});
