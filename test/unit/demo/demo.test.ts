import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { reportText } from "../../../host/cli/commands/demo.ts";
import { parseConfig } from "../../../host/config/load.ts";
import { demoConfig } from "../../../host/demo/config.ts";
import { TrafficGenerator } from "../../../host/demo/generator.ts";
import { startDemo } from "../../../host/demo/start.ts";
import { startUpstream } from "../../../host/demo/upstreams.ts";

describe("the demo's config", () => {
  test("loads without a warning and finds its filters in the package", async () => {
    const ports = { web: 1001, orders: 1002, "orders-next": 1003 };
    const { text, path } = demoConfig({ ports, port: 0, adminPort: 0, root: "/pkg" });
    const { config, warnings } = await parseConfig(text, { path, env: {} });
    expect(warnings).toEqual([]);
    expect(config.filters.map((filter) => filter.source)).toEqual(
      ["header-mutation", "rate-limit", "fault", "gray"].map((name) => `/pkg/filters/${name}/assembly/index.ts`),
    );
    expect(config.listeners[0]!.filters).toEqual(["header-mutation", "rate-limit", "fault", "gray"]);
    expect(config.clusters.map((cluster) => cluster.endpoints[0]!.port)).toEqual([1001, 1002, 1003]);
    expect(config.stateDir).toBe("/pkg/.sluice/demo");
  });
});

/** A server that holds every request until told to answer. */
async function startSink() {
  const seen: { path: string; user: string }[] = [];
  const held: (() => void)[] = [];
  let wake: () => void = () => undefined;
  const server = createServer((request, response) => {
    seen.push({ path: request.url ?? "", user: String(request.headers["x-user-id"]) });
    held.push(() => response.writeHead(seen.length % 2 === 0 ? 200 : 429).end());
    wake();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const until = async (count: number): Promise<void> => {
    while (seen.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  const close = (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    return closed;
  };
  return { seen, held, until, close, port: (server.address() as AddressInfo).port };
}

describe("the traffic generator", () => {
  const nature = () => ({ clock: new VirtualClock(), random: seededRandom(7) });

  test("sends at its rate, as several users", async () => {
    const sink = await startSink();
    const { clock, random } = nature();
    const options = { host: "127.0.0.1", port: sink.port, rate: 100, users: 5 };
    const generator = new TrafficGenerator(options, { clock, random });
    generator.start();
    generator.start();
    clock.advance(200);
    expect(generator.report()).toMatchObject({ rate: 100, sent: 20, inFlight: 20 });
    await sink.until(20);
    expect(new Set(sink.seen.map((one) => one.user)).size).toBe(5);
    expect(sink.seen.every((one) => /^user-[1-5]$/.test(one.user))).toBe(true);
    generator.rate = 0;
    clock.advance(1000);
    expect(generator.report().sent).toBe(20);
    generator.close();
    await sink.close();
    expect(clock.pending).toBe(0);
  });

  test("counts answers by status and failures as failed", async () => {
    const sink = await startSink();
    const { clock, random } = nature();
    const options = { host: "127.0.0.1", port: sink.port, rate: 100, users: 1 };
    const generator = new TrafficGenerator(options, { clock, random });
    generator.start();
    clock.advance(20);
    clock.advance(20);
    await sink.until(4);
    for (const answer of sink.held.splice(0)) answer();
    while (generator.report().inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
    await sink.close();
    clock.advance(20);
    while (generator.report().inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
    const { statuses } = generator.report();
    generator.close();
    expect(Object.values(statuses).reduce((sum, count) => sum + count, 0)).toBe(6);
    expect(statuses["200"]).toBe(4);
    expect(statuses["failed"]).toBe(2);
  });

  test("does not pile up requests on a proxy that does not answer", async () => {
    const sink = await startSink();
    const { clock, random } = nature();
    const options = { host: "127.0.0.1", port: sink.port, rate: 10_000, users: 1 };
    const generator = new TrafficGenerator(options, { clock, random });
    generator.start();
    clock.advance(1000);
    expect(generator.report()).toMatchObject({ sent: 256, inFlight: 256 });
    generator.close();
    await sink.close();
  });
});

describe("a toy upstream", () => {
  test("tells what it saw", async () => {
    const clock = new VirtualClock();
    const upstream = await startUpstream({ name: "web", slowMs: 0, errorRatio: 0 }, { clock, random: seededRandom(1) });
    const response = await fetch(`http://127.0.0.1:${upstream.port}/a?b`, { method: "POST", body: "x" });
    expect([response.status, response.headers.get("x-upstream")]).toEqual([200, "web"]);
    expect(await response.json()).toMatchObject({ upstream: "web", method: "POST", path: "/a?b" });
    await upstream.close();
  });

  test("fails and dawdles as told", async () => {
    const clock = new VirtualClock();
    const random = { fraction: () => 0.9, fill: () => undefined };
    const upstream = await startUpstream({ name: "x", slowMs: 100, errorRatio: 1 }, { clock, random });
    const asked = fetch(`http://127.0.0.1:${upstream.port}/`);
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(81);
    expect((await asked).status).toBe(500);
    await upstream.close();
  });
});

describe("the demo's worker", () => {
  test("brings upstreams, drives traffic, reports and ends", async () => {
    const sink = await startSink();
    const demo = await startDemo();
    expect(Object.keys(demo.ports)).toEqual(["web", "orders", "orders-next"]);
    expect((await fetch(`http://127.0.0.1:${demo.ports["web"]}/`)).status).toBe(200);
    expect(demo.report()).toBeNull();
    demo.drive({ host: "127.0.0.1", port: sink.port, rate: 200, users: 3 });
    await sink.until(3);
    while ((demo.report()?.sent ?? 0) < 3) await new Promise((resolve) => setImmediate(resolve));
    demo.setRate(0);
    await demo.close();
    await sink.close();
    await expect(fetch(`http://127.0.0.1:${demo.ports["web"]}/`)).rejects.toThrow();
  });

  test("is summed up in one line", () => {
    expect(reportText(null)).toBe("no traffic");
    const statuses = { "429": 2, "200": 10, failed: 1 };
    expect(reportText({ rate: 1, sent: 14, inFlight: 1, statuses })).toBe("14 sent, 10 × 200, 2 × 429, 1 × failed");
  });
});
