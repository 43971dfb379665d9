// Upstreams that fail: early closes, stale connections, dead endpoints. A broken connection is never used again. Bad answers
// as such are the table in test/fault/http1.
import { createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { route, startProxy } from "../../support/proxy.ts";
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

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("answers that break off -> never complete-looking", () => {
  test("an answer until the end of the connection that is reset is cut off for an HTTP/1.0 client too", async () => {
    await using upstream = await rawUpstream((peer) => peer.send("HTTP/1.1 200 OK\r\n\r\nabc"));
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send("GET / HTTP/1.0\r\n\r\n");
    await client.waitFor("abc");
    upstream.connections[0]?.socket.resetAndDestroy();
    await client.waitForEnd();
    expect(client.reset).toBe(true);
  });

  test("bytes behind an answer are dropped with their connection", async () => {
    await using upstream = await fixedUpstream(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(GET);
    await client.waitFor("ok");
    client.send(GET);
    await until(() => client.text.split("\r\n\r\nok").length === 3, "the second answer");
    expect(client.text).not.toContain("evil");
    expect(upstream.connections).toHaveLength(2);
  });

  test("bytes on an idle connection end it", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await exchange(proxy.port, LAST);
    upstream.connections[0]?.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    await until(() => proxy.cluster.connections === 0, "the connection to be dropped");
    expect(await exchange(proxy.port, LAST)).toMatch(/\r\n\r\nok$/);
  });

  test("an answer before the request has ended is delivered, and neither connection goes on", async () => {
    await using upstream = await rawUpstream((peer) => {
      if (peer.text.includes("\r\n\r\n")) {
        peer.text = "";
        peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
      }
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc");
    await client.waitForEnd();
    expect(client.text).toMatch(/^HTTP\/1.1 413 .*connection: close\r\n.*big$/s);
    await until(() => proxy.cluster.connections === 0, "the upstream connection to be dropped");
    expect(proxy.finished[0]?.facts).toMatchObject({ responseCode: 413, responseCodeDetails: "via_upstream" });
  });
});

describe("no answer", () => {
  test("nobody listens -> 503, UF", async () => {
    await using proxy = await startProxy({ upstreams: [await deadPort()] });
    expect(await exchange(proxy.port, LAST)).toMatch(/^HTTP\/1.1 503 .*upstream connect error\n$/s);
    expect(proxy.finished[0]?.facts).toMatchObject({
      responseFlags: "UF",
      responseCodeDetails: "upstream_connect_failure",
    });
    expect(proxy.metric("sluice_cluster_upstream_cx_connect_fail_total")).toBe(1);
  });

  test("a dead endpoint is passed over for a living one", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [await deadPort(), upstream.port] });
    for (let turn = 0; turn < 4; turn++) expect(await exchange(proxy.port, LAST)).toMatch(/ok$/);
    expect(proxy.metric("sluice_cluster_upstream_rq_retry_total")).toBeGreaterThan(0);
    expect(Math.max(...proxy.finished.map(({ facts }) => facts.attempts))).toBe(2);
  });

  test("a connection closed without an answer -> 503, UC", async () => {
    await using upstream = await rawUpstream((peer) => void peer.socket.end());
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/^HTTP\/1.1 503 /);
    expect(proxy.finished[0]?.facts).toMatchObject({
      responseFlags: "UC",
      responseCodeDetails: "upstream_reset",
      attempts: 1,
    });
    expect(upstream.connections).toHaveLength(1);
  });

  test("half a head and a close -> 503", async () => {
    await using upstream = await rawUpstream((peer) => void peer.socket.end("HTTP/1.1 200 OK\r\nX:"));
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/^HTTP\/1.1 503 /);
  });

  test("no route -> 404 NR, no cluster -> 503 NC, no endpoint -> 503 UH", async () => {
    const routes = [
      route({
        match: { prefix: "/nc", headers: [] },
        action: { kind: "forward", clusters: [{ cluster: "none", weight: 1 }] },
      }),
      route({ match: { prefix: "/uh", headers: [] } }),
    ];
    await using proxy = await startProxy({ routes });
    for (const path of ["/nr", "/nc", "/uh"]) {
      await exchange(proxy.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    }
    expect(proxy.finished.map(({ facts }) => `${facts.responseCode} ${facts.responseFlags}`)).toEqual([
      "404 NR",
      "503 NC",
      "503 UH",
    ]);
  });

  test("too many requests wait -> 503, UO", async () => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await startProxy({
      upstreams: [upstream.port],
      cluster: { maxConnections: 1, maxPendingRequests: 1 },
    });
    const clients: Client[] = [];
    for (let turn = 0; turn < 3; turn++) {
      const client = await dial(proxy.port);
      client.send(GET);
      clients.push(client);
      await until(() => proxy.cluster.connections + proxy.cluster.pending >= Math.min(turn + 1, 2), "the pool");
      if (turn === 0) await until(() => upstream.connections.length === 1, "the first connection");
    }
    await until(() => clients.some(({ text }) => text.includes("503")), "the refusal");
    expect(proxy.finished[0]?.facts.responseFlags).toBe("UO");
    for (const { socket } of clients) socket.destroy();
  });
});

describe("stale connections", () => {
  /** Serves one request per connection, and resets the connection when the next one comes. */
  const forgetful = () =>
    rawUpstream((peer) => {
      if (peer.text.match(/\r\n\r\n/g)?.length === 1 && !peer.text.includes("late")) peer.send(OK);
      else peer.socket.resetAndDestroy();
    });

  test("a GET is sent once more on a fresh connection", async () => {
    await using upstream = await forgetful();
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    for (let turn = 0; turn < 5; turn++) expect(await exchange(proxy.port, LAST)).toMatch(/ok$/);
    expect(proxy.metric("sluice_cluster_upstream_rq_retry_total")).toBeGreaterThan(0);
    expect(proxy.finished.every(({ facts }) => facts.responseCode === 200)).toBe(true);
  });

  test("a PUT with a small body is sent once more, body and all", async () => {
    await using upstream = await rawUpstream((peer) => {
      if (peer.text.match(/HTTP\/1.1/g)?.length !== 1) peer.socket.resetAndDestroy();
      else if (peer.text.endsWith("\r\n\r\n") ? peer.text.startsWith("GET") : peer.text.endsWith("hello"))
        peer.send(OK);
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/ok$/);
    const put = "PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    expect(await exchange(proxy.port, put)).toMatch(/ok$/);
    expect(upstream.connections[1]?.text).toMatch(/content-length: 5\r\n\r\nhello$/);
    expect(proxy.finished[1]?.facts.attempts).toBe(2);
  });

  test("a POST is not: it might have been done", async () => {
    await using upstream = await forgetful();
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/ok$/);
    const post = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlate";
    expect(await exchange(proxy.port, post)).toMatch(/^HTTP\/1.1 503 /);
    expect(upstream.connections).toHaveLength(1);
  });

  test("nor is anything twice: the second failure is the answer", async () => {
    let first = true;
    await using upstream = await rawUpstream((peer) => {
      if (first) peer.send(OK);
      else peer.socket.resetAndDestroy();
      first = false;
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/ok$/);
    expect(await exchange(proxy.port, LAST)).toMatch(/^HTTP\/1.1 503 /);
    expect(upstream.connections).toHaveLength(2);
  });
});
