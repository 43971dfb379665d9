// `sluice tap` against a real admin API in front of a fake control side.
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunningAdmin, startAdmin } from "../../../host/admin/server.ts";
import { runCli } from "../../../host/cli/main.ts";
import type { TapEvent } from "../../../host/control/types.ts";
import { FakeControl } from "../../support/fake-control.ts";
import { phase, record } from "../../support/tap.ts";
import { Capture } from "./support.ts";

let control: FakeControl;
let admin: RunningAdmin;
beforeEach(async () => {
  control = new FakeControl();
  const log = { info: () => undefined, error: () => undefined };
  const address = { host: "127.0.0.1", port: 0 };
  admin = await startAdmin({ control, address, token: "", log, renderMetrics: () => "", version: "0.1.0" });
});
afterEach(() => admin.close());

interface Running {
  readonly code: Promise<number>;
  readonly stdout: Capture;
  readonly stderr: Capture;
}

/** Starts the command and waits for its tap; `null` when it ends without one. */
async function start(...argv: string[]): Promise<Running> {
  const stdout = new Capture();
  const stderr = new Capture();
  const around = { stdout, stderr, env: {}, cwd: "/nowhere" };
  const run = { ended: false };
  const code = runCli(["tap", ...argv, "--admin", `127.0.0.1:${admin.port}`], around).finally(() => (run.ended = true));
  while (control.taps.length === 0 && !run.ended) await new Promise((resolve) => setImmediate(resolve));
  return { code, stdout, stderr };
}

const hear = (event: TapEvent): void => control.taps[0]?.hear(event);

/** The connection is closed: the tap is gone. */
async function untilClosed(): Promise<void> {
  while (control.taps.length > 0) await new Promise((resolve) => setImmediate(resolve));
}

test("one line per request; --count ends it and the tap", async () => {
  const { code, stdout, stderr } = await start("--count", "2", "--match", "x-a=1", "--match", "method=GET");
  expect(control.taps[0]?.selection.match.map(({ key }) => key)).toEqual(["x-a", "method"]);
  hear({ type: "sampling", thread: 1 });
  hear({ type: "request", record: record() });
  hear({ type: "lost", count: 4 });
  hear({ type: "request", record: record({ status: 0, route: "", filters: [], details: "", arms: "", flags: "DC" }) });
  expect(await code).toBe(0);
  const lines = stdout.text.trim().split("\n");
  expect(lines[0]).toMatch(/^\d\d:01:07 {2}200 {2}GET \/orders {2}12\.3 ms {2}all {2}gray@v2 {2}via_upstream gray=b$/);
  expect(lines[1]).toMatch(/^\d\d:01:07 {4}0 {2}GET \/orders {2}12\.3 ms {2}- {2}DC$/);
  expect(stderr.text).toBe("data thread 1 samples\n4 sampled requests lost: too many, or read too slowly\n");
  await untilClosed();
});

test("--trace tells the story as `sluice call --trace` does", async () => {
  const { code, stdout } = await start("--trace", "--count", "1");
  expect(control.taps[0]?.selection.trace).toBe(true);
  const traced = phase({ hostCalls: ['get_header_map_value(http_request_headers, "a") = OK "b"'], omitted: 2 });
  const [filter] = record().filters;
  const filters = [
    { ...filter!, instance: "twin" as const, phases: [traced] },
    { ...filter!, filter: "other", phases: [phase()], omitted: 1 },
  ];
  hear({ type: "request", record: record({ filters }) });
  expect(await code).toBe(0);
  expect(stdout.text.split("\n").slice(1, -1)).toEqual([
    "  gray@v2",
    "    proxy_on_request_headers       continue   0.250 ms",
    '        get_header_map_value(http_request_headers, "a") = OK "b"',
    "        ... and 2 more",
    "  other@v2  (serving instance: refusals only)",
    "    proxy_on_request_headers       continue   0.250 ms",
    '        refused: there is no header "x-none"',
    "    ... and 1 more callbacks",
  ]);
  await untilClosed();
});

test("--json prints one object per line", async () => {
  const { code, stdout } = await start("--json", "--count", "1", "--status", "5xx", "--rate", "3");
  expect(control.taps[0]?.selection).toMatchObject({ status: ["5xx"], rate: 3 });
  hear({ type: "request", record: record() });
  expect(await code).toBe(0);
  expect(
    stdout.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([record()]);
  await untilClosed();
});

test("ends with 130 on Ctrl-C and closes the tap", async () => {
  const { code, stdout } = await start();
  hear({ type: "request", record: record() });
  await stdout.until("/orders");
  process.emit("SIGINT");
  expect(await code).toBe(130);
  await untilClosed();
});

test("ends with 5 when the proxy goes away, and when there is none", async () => {
  const { code, stderr } = await start();
  await admin.close();
  expect(await code).toBe(5);
  expect(stderr.text).toContain("no sluice answers at");
  expect(await (await start()).code).toBe(5);
});

test("a bad flag is refused in words", async () => {
  const { code, stderr } = await start("--status", "teapot");
  expect(await code).toBe(3);
  expect(stderr.text).toContain('status: expected classes or numbers such as 5xx,404 (0 = no answer), got "teapot"');
  expect(await (await start("--count", "0")).code).toBe(2);
});
