// Slow clients at every phase of an exchange: whoever drips, stalls or does not read is ended by a clock that no drip resets.
// Time is the test's own.
import { afterEach, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { route, startProxy, type TestProxy } from "../../support/proxy.ts";
import { type Client, dial, expectNoSockets, fixedUpstream, OK, rawUpstream, until } from "../../support/wire.ts";

afterEach(expectNoSockets);

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const LENGTH = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";

interface Slow {
  readonly clock: VirtualClock;
  readonly proxy: TestProxy;
  readonly client: Client;
  /** Sends one byte every 40 ms, 100 times or until the end; what has come back by then. */
  drip(text: string): Promise<string>;
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function slow(inputs: Parameters<typeof startProxy>[0]): Promise<Slow & AsyncDisposable> {
  const clock = new VirtualClock();
  const proxy = await startProxy({ ...inputs, clock });
  const client = await dial(proxy.port);
  await until(() => proxy.listener.connections === 1, "the connection");
  return {
    clock,
    proxy,
    client,
    async drip(text) {
      for (let at = 0; at < 100 && !client.ended && !client.closed; at++) {
        client.send(text[at % text.length] ?? "");
        await turns();
        clock.advance(40);
        await turns();
      }
      return client.text;
    },
    async [Symbol.asyncDispose]() {
      client.socket.destroy();
      await proxy[Symbol.asyncDispose]();
      expect(proxy.wheel.size).toBe(0);
      expect(clock.pending).toBe(0);
    },
  };
}

test("a connection that says nothing is closed after idleTimeout", async () => {
  await using peer = await slow({ limits: { idleTimeoutMs: 500 } });
  peer.clock.advance(400);
  await turns();
  expect(peer.client.closed).toBe(false);
  peer.clock.advance(150);
  expect(await peer.client.waitForEnd()).toBe("");
});

test("a head that drips is over after headerTimeout, counted from its first byte -> 408", async () => {
  await using peer = await slow({ limits: { headerTimeoutMs: 1000 } });
  expect(
    await peer.drip("GET / HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
  ).toMatch(/^HTTP\/1\.1 408 /);
  expect(peer.proxy.finished[0]?.facts).toMatchObject({ responseFlags: "DT", responseCodeDetails: "request_timeout" });
  expect(peer.proxy.finished[0]?.facts.durationMs).toBeLessThan(1200);
});

test("the second head on a connection has its own headerTimeout", async () => {
  await using upstream = await fixedUpstream(OK);
  await using peer = await slow({ upstreams: [upstream.port], limits: { headerTimeoutMs: 1000 } });
  peer.client.send(GET);
  await peer.client.waitFor("ok");
  expect(
    await peer.drip("GET / HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
  ).toMatch(/ok.*HTTP\/1\.1 408 /s);
});

test("empty lines between requests do not keep a connection", async () => {
  await using peer = await slow({ limits: { headerTimeoutMs: 1000, idleTimeoutMs: 1000 } });
  expect(await peer.drip("\r\n")).toMatch(/^HTTP\/1\.1 400 /);
});

test.each([
  ["a body with a length", LENGTH, "x"],
  ["chunk data", `${CHUNKED}3e8\r\n`, "x"],
  ["chunk sizes", CHUNKED, "1\r\nx\r\n"],
  ["an extension", `${CHUNKED}1;`, "x"],
  ["trailers", `${CHUNKED}0\r\nX: `, "x"],
])("%s that drips is over after requestTimeout -> 408", async (_, head, rest) => {
  await using upstream = await rawUpstream(() => {});
  const limits = { requestTimeoutMs: 1000, streamIdleTimeoutMs: 500 };
  await using peer = await slow({ upstreams: [upstream.port], limits });
  peer.client.send(head);
  await until(() => upstream.received() !== "", "the head");
  expect(await peer.drip(rest)).toMatch(/^HTTP\/1\.1 408 (?:.*\r\n)*connection: close\r\n/);
  expect(peer.proxy.finished[0]?.facts).toMatchObject({ responseCode: 408, responseFlags: "DT" });
  await until(() => peer.proxy.cluster.connections === 0, "the upstream connection to go");
});

test("a body that stops is over after streamIdleTimeout -> 408", async () => {
  await using upstream = await rawUpstream(() => {});
  await using peer = await slow({ upstreams: [upstream.port], limits: { streamIdleTimeoutMs: 500 } });
  peer.client.send(`${LENGTH}abc`);
  await until(() => upstream.received().endsWith("abc"), "the body");
  peer.clock.advance(600);
  expect(await peer.client.waitForEnd()).toMatch(/^HTTP\/1\.1 408 /);
});

test("a client that waits for 100 and then sends nothing is over after requestTimeout", async () => {
  await using upstream = await rawUpstream((peer) => {
    if (peer.text.endsWith("\r\n\r\n")) peer.send("HTTP/1.1 100 Continue\r\n\r\n");
  });
  await using peer = await slow({ upstreams: [upstream.port], limits: { requestTimeoutMs: 1000 } });
  peer.client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  await peer.client.waitFor("100 Continue");
  peer.clock.advance(1100);
  expect(await peer.client.waitForEnd()).toMatch(/HTTP\/1\.1 408 /);
});

test("a client that does not read its answer is cut off after streamIdleTimeout", async () => {
  await using upstream = await rawUpstream((from) => {
    from.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    const piece = Buffer.alloc(64 * 1024);
    const more = (): void => {
      while (!from.closed && from.socket.write(piece));
      if (!from.closed) from.socket.once("drain", more);
    };
    more();
  });
  await using peer = await slow({ upstreams: [upstream.port], limits: { streamIdleTimeoutMs: 500 } });
  peer.client.socket.pause();
  peer.client.send(GET);
  // Until nothing moves any more: all buffers on the way are full.
  await until(
    () => peer.proxy.finished.length === 0 && (upstream.connections[0]?.socket.writableLength ?? 0) > 0,
    "the stop",
  );
  for (let turn = 0; turn < 200 && peer.proxy.finished.length === 0; turn++) {
    peer.clock.advance(40);
    await turns();
  }
  expect(peer.proxy.finished[0]?.facts).toMatchObject({
    responseCode: 200,
    responseCodeDetails: "upstream_response_timeout",
  });
  await until(() => peer.proxy.listener.connections === 0, "the connection to go");
  await until(() => peer.proxy.cluster.connections === 0, "the upstream connection to go");
});

test("a client that reads a byte now and then is ended by the route's timeout", async () => {
  await using upstream = await rawUpstream(() => {});
  const routes = [route({ timeoutMs: 1000 })];
  await using peer = await slow({ upstreams: [upstream.port], routes, limits: { streamIdleTimeoutMs: 500 } });
  peer.client.send(GET);
  await until(() => upstream.connections.length === 1, "the request");
  upstream.connections[0]?.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  for (let at = 0; at < 100 && !peer.client.closed; at++) {
    upstream.connections[0]?.send("x");
    await turns();
    peer.clock.advance(40);
    await turns();
  }
  await peer.client.waitForEnd();
  expect(peer.client.reset).toBe(true);
  expect(peer.proxy.finished[0]?.facts.durationMs).toBeLessThan(1200);
  await until(() => peer.proxy.cluster.connections === 0, "the upstream connection to go");
});

test("a client that sends on behind its refusal is cut off after a second", async () => {
  await using peer = await slow({});
  peer.client.send("nonsense\r\n\r\n");
  await peer.client.waitForEnd();
  await until(() => peer.proxy.wheel.size === 1, "the last deadline");
  peer.clock.advance(1100);
  await until(() => peer.proxy.listener.connections === 0, "the end");
});

test("a client that pipelines and does not read is ended, and keeps no request waiting for ever", async () => {
  await using upstream = await fixedUpstream(`HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n${"x".repeat(60_000)}`);
  await using peer = await slow({
    upstreams: [upstream.port],
    limits: { streamIdleTimeoutMs: 500, idleTimeoutMs: 500 },
  });
  peer.client.socket.pause();
  peer.client.send(GET.repeat(2000));
  for (let turn = 0; turn < 400 && peer.proxy.listener.connections > 0; turn++) {
    await turns();
    if (turn > 100) peer.clock.advance(40);
  }
  expect(peer.proxy.listener.connections).toBe(0);
  expect(peer.proxy.finished.length).toBeLessThan(2000);
  expect(peer.proxy.metric("sluice_http_active_requests")).toBe(0);
});
