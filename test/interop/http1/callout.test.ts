import { afterEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { TimerWheel } from "../../../host/base/timer-wheel.ts";
import type { CalloutRequest, CalloutResult } from "../../../host/plugin/callout-port.ts";
import { createCallouts } from "../../../host/net/callout.ts";
import { MetricRegistry } from "../../../host/observe/metrics.ts";
import { Cluster } from "../../../host/upstream/cluster.ts";
import { clusterOptions } from "../../support/proxy.ts";
import { expectNoSockets, fixedUpstream, OK, rawUpstream, until } from "../../support/wire.ts";

afterEach(expectNoSockets);

function setUp(ports: number[], more: Parameters<typeof clusterOptions>[1] = {}) {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const cluster = new Cluster(clusterOptions(ports, more), {
    clock,
    wheel,
    random: seededRandom(1),
    registry: new MetricRegistry(),
  });
  const callouts = createCallouts({ cluster: (name) => (name === "up" ? cluster : undefined), clock, wheel });
  const results: CalloutResult[] = [];
  const request = (changes: Partial<CalloutRequest> = {}): CalloutRequest => ({
    cluster: "up",
    headers: [":method", "GET", ":path", "/x", ":authority", "svc", "x-a", "1"],
    body: Buffer.alloc(0),
    trailers: [],
    timeoutMs: 1000,
    maxBodyBytes: 1000,
    ...changes,
  });
  const send = async (changes: Partial<CalloutRequest> = {}): Promise<CalloutResult> => {
    const before = results.length;
    callouts.send(request(changes), (result) => results.push(result));
    expect(results).toHaveLength(before);
    await until(() => results.length > before, "the result");
    return results[before] as CalloutResult;
  };
  return { clock, wheel, cluster, callouts, results, request, send, [Symbol.dispose]: () => cluster.close() };
}

describe("call-outs", () => {
  test("a GET is answered, and the connection reused", async () => {
    await using upstream = await fixedUpstream(OK);
    using calls = setUp([upstream.port]);
    for (let turn = 0; turn < 3; turn++) {
      expect(await calls.send()).toEqual({
        ok: true,
        headers: [":status", "200", "content-length", "2"],
        body: Buffer.from("ok"),
        trailers: [],
      });
    }
    expect(upstream.connections).toHaveLength(1);
    expect(upstream.received()).toMatch(/^GET \/x HTTP\/1.1\r\nhost: svc\r\nx-a: 1\r\n\r\n/);
  });

  test("body and trailers go and come", async () => {
    const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-t: 1\r\n\r\n";
    await using upstream = await rawUpstream(
      (peer) => void (peer.text.endsWith("x-s: 2\r\n\r\n") && peer.send(answer)),
    );
    using calls = setUp([upstream.port]);
    const result = await calls.send({ body: Buffer.from("abc"), trailers: ["x-s", "2"] });
    expect(result).toMatchObject({ ok: true, body: Buffer.from("ok"), trailers: ["x-t", "1"] });
    expect(upstream.received()).toMatch(/transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-s: 2\r\n\r\n$/);
  });

  test("a body has its length", async () => {
    await using upstream = await rawUpstream((peer) => void (peer.text.endsWith("abc") && peer.send(OK)));
    using calls = setUp([upstream.port]);
    await calls.send({
      headers: [":method", "POST", ":path", "/", ":authority", "s", "content-length", "9"],
      body: Buffer.from("abc"),
    });
    expect(upstream.received()).toMatch(/host: s\r\ncontent-length: 3\r\n\r\nabc$/);
  });

  test("a timeout ends it, and its connection", async () => {
    await using upstream = await rawUpstream(() => {});
    using calls = setUp([upstream.port]);
    const pending = calls.send({ timeoutMs: 100 });
    await until(() => upstream.received() !== "", "the request");
    calls.clock.advance(150);
    expect(await pending).toEqual({ ok: false, failure: "timeout" });
    await until(() => calls.cluster.connections === 0, "the connection to go");
  });

  test.each([
    ["announced", "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n"],
    ["chunked", `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n${"x".repeat(2000)}\r\n0\r\n\r\n`],
  ])("a body that is too large (%s)", async (_, answer) => {
    await using upstream = await fixedUpstream(answer);
    using calls = setUp([upstream.port]);
    expect(await calls.send()).toEqual({ ok: false, failure: "response_too_large" });
    await until(() => calls.cluster.connections === 0, "the connection to go");
  });

  test("a broken answer is a reset, a cluster without endpoints has no healthy upstream", async () => {
    await using upstream = await fixedUpstream("nonsense\r\n\r\n");
    using calls = setUp([upstream.port]);
    expect(await calls.send()).toEqual({ ok: false, failure: "reset" });
    using empty = setUp([]);
    expect(await empty.send()).toEqual({ ok: false, failure: "no_healthy_upstream" });
    expect(await empty.send({ cluster: "none" })).toEqual({ ok: false, failure: "no_healthy_upstream" });
    expect([empty.callouts.hasCluster("up"), empty.callouts.hasCluster("none")]).toEqual([true, false]);
  });

  test("too many of them overflow, and nobody listening is a connect failure", async () => {
    using full = setUp([1], { maxConnections: 0, maxPendingRequests: 0 });
    expect(await full.send()).toEqual({ ok: false, failure: "overflow" });
    using dead = setUp([1]);
    expect(await dead.send()).toEqual({ ok: false, failure: "connect_failure" });
  });

  test("a cancelled call-out never reports", async () => {
    await using upstream = await rawUpstream(() => {});
    using calls = setUp([upstream.port]);
    const before = calls.callouts.send(calls.request(), () => calls.results.push({ ok: false, failure: "reset" }));
    before.cancel();
    const during = calls.callouts.send(calls.request(), () => calls.results.push({ ok: false, failure: "reset" }));
    await until(() => upstream.received() !== "", "the request");
    during.cancel();
    await until(() => calls.cluster.connections === 0, "the connection to go");
    calls.clock.advance(100_000);
    expect(calls.results).toEqual([]);
  });
});
