// Caps and shedding: what is over the limit is told so with 503 and ends, what is under way goes on, and the flags say why.
import { afterEach, describe, expect, test } from "vitest";
import { VirtualClock, type Clock } from "../../../host/base/clock.ts";
import { startProxy } from "../../support/proxy.ts";
import {
  type Client,
  dial,
  exchange,
  expectNoSockets,
  fixedUpstream,
  OK,
  rawUpstream,
  until,
} from "../../support/wire.ts";

afterEach(expectNoSockets);

const GET = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
const REFUSED = /^HTTP\/1\.1 503 Service Unavailable\r\n(?:.*\r\n)*connection: close\r\n/;

describe("the cap on connections", () => {
  test("what is over it gets 503 and OM, and the end; a place that comes free is given away", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port], limits: { maxConnections: 2 } });
    const held = [await dial(proxy.port), await dial(proxy.port)];
    await until(() => proxy.listener.connections === 2, "both connections");
    const third = await dial(proxy.port);
    third.send(GET);
    expect(await third.waitForEnd()).toMatch(REFUSED);
    expect(upstream.received()).toBe("");
    expect(proxy.finished[0]).toMatchObject({
      method: "",
      facts: { responseCode: 503, responseFlags: "OM", responseCodeDetails: "too_many_connections" },
    });
    expect(proxy.metric("sluice_http_downstream_cx_overflow_total")).toBe(1);
    held[0]?.socket.destroy();
    await until(() => proxy.listener.connections === 1, "a free place");
    const fourth = await dial(proxy.port);
    fourth.send(GET);
    await fourth.waitFor("\r\n\r\nok");
    fourth.socket.destroy();
    held[1]?.socket.destroy();
  });

  test("a refused client that neither reads nor goes away is cut off after a second", async () => {
    const clock = new VirtualClock();
    await using proxy = await startProxy({ limits: { maxConnections: 0 }, clock });
    const client = await dial(proxy.port, { allowHalfOpen: true });
    await client.waitForEnd();
    expect(proxy.wheel.size).toBe(1);
    clock.advance(1100);
    await until(() => proxy.wheel.size === 0, "the deadline to go");
    // A socket that has seen FIN only notices the reset by writing.
    await until(() => (client.send("x"), client.closed), "the end");
  });

  test("ten thousand over the limit are told or dropped, and leave nothing behind", async () => {
    await using proxy = await startProxy({ limits: { maxConnections: 0 } });
    for (let round = 0; round < 20; round++) {
      const clients = await Promise.all(Array.from({ length: 500 }, () => dial(proxy.port).catch(() => null)));
      await until(() => clients.every((client) => client === null || client.ended || client.closed), "all ends");
      for (const client of clients) {
        if (client !== null && client.text !== "") expect(client.text).toMatch(REFUSED);
        client?.socket.destroy();
      }
    }
    expect(proxy.metric("sluice_http_downstream_cx_overflow_total")).toBe(10_000);
    await until(() => proxy.wheel.size === 0, "an empty wheel");
  }, 60_000);

  test("a drain ends what was refused, too", async () => {
    const proxy = await startProxy({ limits: { maxConnections: 0 } });
    const client = await dial(proxy.port, { allowHalfOpen: true });
    await client.waitForEnd();
    client.socket.destroy();
    await proxy.listener.drain(1000);
    expect(proxy.wheel.size).toBe(0);
  });
});

describe("the cap on requests under way", () => {
  async function full(more: { clock?: Clock } = {}) {
    const waiting: Client[] = [];
    const upstream = await rawUpstream((peer) => void waiting.push(peer));
    const proxy = await startProxy({ upstreams: [upstream.port], limits: { maxActiveRequests: 2 }, ...more });
    const clients = [await dial(proxy.port), await dial(proxy.port)];
    for (const client of clients) client.send(GET);
    await until(() => waiting.length === 2, "both requests");
    return {
      upstream,
      proxy,
      clients,
      waiting,
      async [Symbol.asyncDispose]() {
        for (const { socket } of clients) socket.destroy();
        await proxy[Symbol.asyncDispose]();
        await upstream[Symbol.asyncDispose]();
      },
    };
  }

  test("one more gets 503 and OM with its connection closed; those under way are answered", async () => {
    await using over = await full();
    const { proxy, waiting, clients } = over;
    const third = await dial(proxy.port);
    third.send(`POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello${GET}`);
    const answer = await third.waitForEnd();
    expect(answer).toMatch(REFUSED);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(waiting).toHaveLength(2);
    expect(proxy.finished[0]).toMatchObject({
      method: "POST",
      path: "/b",
      facts: { responseCode: 503, responseFlags: "OM", responseCodeDetails: "too_many_active_requests" },
    });
    expect(proxy.metric("sluice_http_rejected_total", { reason: "too_many_active_requests" })).toBe(1);
    for (const peer of waiting) peer.send(OK);
    for (const client of clients) await client.waitFor("\r\n\r\nok");
  });

  test("a HEAD over it gets no body", async () => {
    await using over = await full();
    const answer = await exchange(over.proxy.port, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 503 .*\r\n\r\n$/s);
  });

  test("a request that ends, or is given up, makes room", async () => {
    await using over = await full();
    const { proxy, waiting, clients } = over;
    clients[0]?.socket.destroy();
    await proxy.ended(1);
    const third = await dial(proxy.port);
    third.send(GET);
    await until(() => waiting.length === 3, "the third request");
    waiting[2]?.send(OK);
    await third.waitFor("\r\n\r\nok");
    third.socket.destroy();
  });
});

describe("a thread that cannot keep up", () => {
  /** Monotonic time can jump before a timer fires: the loop was busy. */
  class BusyClock extends VirtualClock {
    late = 0;
    override monotonicMs(): number {
      return super.monotonicMs() + this.late;
    }
  }

  test("refuses new requests with 503 and OM, and takes them again when it has caught up", async () => {
    await using upstream = await fixedUpstream(OK);
    const clock = new BusyClock();
    await using proxy = await startProxy({ upstreams: [upstream.port], limits: { maxLoopLagMs: 100 }, clock });
    const client = await dial(proxy.port);
    client.send(GET);
    await client.waitFor("\r\n\r\nok");
    for (let turn = 0; turn < 5; turn++) {
      clock.late += 150;
      clock.advance(25);
    }
    client.send(GET);
    await client.waitForEnd();
    expect(client.text).toMatch(/ok.*HTTP\/1\.1 503 .*connection: close/s);
    expect(proxy.finished[1]?.facts).toMatchObject({ responseFlags: "OM", responseCodeDetails: "overloaded" });
    expect(proxy.metric("sluice_http_rejected_total", { reason: "overloaded" })).toBe(1);
    clock.advance(50);
    const later = await dial(proxy.port);
    later.send(GET);
    await later.waitFor("\r\n\r\nok");
    later.socket.destroy();
  });

  test("no timer runs when nobody asked, nor when the listener has closed", async () => {
    const clock = new VirtualClock();
    const off = await startProxy({ clock });
    expect(clock.pending).toBe(0);
    await off[Symbol.asyncDispose]();
    const on = await startProxy({ limits: { maxLoopLagMs: 50 }, clock });
    expect(clock.pending).toBe(1);
    await on[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
  });
});
