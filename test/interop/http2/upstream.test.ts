// HTTP/2 towards upstreams: streams that share connections, limits, every way a server can fail or leave, and what may be
// sent twice. Servers are node:http2 or raw frames; clients speak HTTP/1.1 and HTTP/2.
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import type { ServerHttp2Stream } from "node:http2";
import { afterEach, describe, expect, test } from "vitest";
import type { ClusterHttp2Options } from "../../../host/upstream/options.ts";
import { rawHttp2, type RawServer } from "../../support/grpc.ts";
import { answerOf, END_HEADERS, END_STREAM, FRAME, frame, h2Client, rstStream } from "../../support/http2.ts";
import { route, startProxy } from "../../support/proxy.ts";
import { dial, exchange, expectNoSockets, until } from "../../support/wire.ts";

afterEach(expectNoSockets);

const H2: ClusterHttp2Options = {
  maxConcurrentStreams: 100,
  initialStreamWindowSize: 256 * 1024,
  initialConnectionWindowSize: 1024 * 1024,
};
const cluster = (more: object = {}) => ({ http2: H2, ...more });

type Answer = (stream: ServerHttp2Stream, path: string, index: number) => void;
async function server(answer: Answer, settings: object = {}): Promise<RawServer> {
  const raw = await rawHttp2(settings);
  let index = 0;
  raw.server.on("stream", (stream: ServerHttp2Stream, head) => answer(stream, String(head[":path"]), index++));
  return raw;
}
const ok = (stream: ServerHttp2Stream, body = "ok"): void => {
  stream.respond({ ":status": 200 });
  stream.end(body);
};
const get = (path = "/"): string => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;

/** A server of exact frames: `answer` is called with each HEADERS frame's stream. */
async function frames(
  answer: (socket: Socket, stream: number) => void,
): Promise<AsyncDisposable & { port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const raw = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.write(frame(FRAME.settings, 0, 0));
    let rest = Buffer.alloc(0);
    let skip = 24;
    socket.on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      if (skip > 0 && rest.length >= skip) {
        rest = rest.subarray(skip);
        skip = 0;
      }
      if (skip > 0) return;
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        const length = rest.readUIntBE(0, 3);
        if (rest[3] === FRAME.headers) answer(socket, rest.readUInt32BE(5));
        if (rest[3] === FRAME.settings && rest[4] === 0) socket.write(frame(FRAME.settings, 1, 0));
        rest = rest.subarray(9 + length);
      }
    });
  });
  await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
  return {
    port: (raw.address() as AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => raw.close(resolve));
    },
  };
}
/** `:status 200`, from the static table. */
const STATUS_200 = Buffer.from([0x88]);

describe("ordinary traffic", () => {
  test("requests of many HTTP/1.1 clients share one connection", async () => {
    const waiting: ServerHttp2Stream[] = [];
    await using upstream = await server((stream) => void waiting.push(stream));
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    const answers = Array.from({ length: 20 }, (_, at) => exchange(proxy.port, get(`/${at}`)));
    await until(() => waiting.length === 20, "twenty streams");
    expect(proxy.cluster.status()).toMatchObject([{ connections: 1, active: 20, requests: 20 }]);
    expect(proxy.metric("sluice_cluster_upstream_cx_active")).toBe(1);
    for (const stream of waiting) ok(stream);
    for (const text of await Promise.all(answers)) expect(text).toMatch(/^HTTP\/1.1 200 OK[^]*ok/);
    expect(upstream.sessions).toHaveLength(1);
    await until(() => proxy.cluster.status()[0]?.active === 0, "the streams to end");
  });

  test("the server sees lower-case names, pseudo headers first, and no hop-by-hop header", async () => {
    let seen: readonly string[] = [];
    await using upstream = await rawHttp2();
    upstream.server.on("stream", (stream: ServerHttp2Stream, _head, _flags, raw) => ((seen = raw), ok(stream)));
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    await exchange(
      proxy.port,
      "GET /x?y HTTP/1.1\r\nHost: b:1\r\nX-Id: 7\r\nTE: trailers\r\nConnection: close, X-Hop, te\r\nX-Hop: 1\r\nX-Request-Id: r\r\n\r\n",
    );
    expect(seen).toEqual([
      ":method",
      "GET",
      ":scheme",
      "http",
      ":authority",
      "b:1",
      ":path",
      "/x?y",
      "x-id",
      "7",
      "te",
      "trailers",
      "x-request-id",
      "r",
      "x-forwarded-for",
      "127.0.0.1",
      "x-forwarded-proto",
      "http",
    ]);
  });

  test("bodies, lengths and trailers go both ways from HTTP/2 to HTTP/2", async () => {
    let length: unknown;
    await using upstream = await rawHttp2();
    upstream.server.on("stream", (stream: ServerHttp2Stream, head) => {
      length = head["content-length"];
      let body = "";
      let sum = "";
      stream.setEncoding("latin1").on("data", (text: string) => (body += text));
      stream.on("trailers", (fields) => (sum = String(fields["x-in"])));
      stream.on("end", () => {
        stream.respond({ ":status": 200 }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "x-out": `${sum}!` }));
        stream.end(body);
      });
    });
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    await using client = await h2Client(proxy.port);
    const stream = client.session.request(
      { ":method": "POST", ":path": "/", te: "trailers" },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-in": "1" }));
    stream.end("body");
    expect(await answerOf(stream)).toMatchObject({
      status: 200,
      body: "body",
      trailers: { "x-out": "1!" },
      whole: true,
    });
    expect(length).toBeUndefined();
    expect(await client.get({ ":method": "PUT", "content-length": 4 }, "four")).toMatchObject({
      body: "four",
      whole: true,
    });
    expect(length).toBe("4");
  });

  test("HEAD, 204, 100 and 103", async () => {
    await using upstream = await rawHttp2();
    upstream.server.on("stream", (stream: ServerHttp2Stream, head) => {
      if (head[":path"] === "/204") stream.respond({ ":status": 204 });
      else if (head[":method"] === "HEAD")
        stream.respond({ ":status": 200, "content-length": 1000 }, { endStream: true });
      else {
        stream.additionalHeaders({ ":status": 100 });
        stream.additionalHeaders({ ":status": 103, link: "</a>" });
        stream.respond({ ":status": 200 });
        stream.pipe(stream);
      }
    });
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    expect(await exchange(proxy.port, get("/204"))).toMatch(/^HTTP\/1.1 204 /);
    const head = await exchange(proxy.port, get().replace("GET", "HEAD"));
    expect(head).toMatch(/content-length: 1000\r\n\r\n$/);
    const client = await dial(proxy.port);
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
    await client.waitFor("100 Continue");
    client.send("now");
    expect(await client.waitForEnd()).toMatch(/103 Early Hints[^]*200 OK[^]*now/);
  });

  test("a slow client holds the server back, and a slow server the client", async () => {
    let written = 0;
    await using upstream = await server((stream) => {
      // Else node:http2 ends it with a reset (net/http2/whole.ts).
      stream.resume();
      stream.respond({ ":status": 200 });
      const more = (): void => {
        for (; written < 64 * 1024 * 1024; written += 64 * 1024) {
          if (!stream.write(Buffer.alloc(64 * 1024)))
            return void stream.once("drain", () => ((written += 64 * 1024), more()));
        }
        stream.end();
      };
      more();
    });
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    await using client = await h2Client(proxy.port);
    const stream = client.open({}, true);
    stream.pause();
    let before = -1;
    await until(() => {
      const settled = written === before && written > 0;
      before = written;
      return settled;
    }, "the server to stop");
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBeLessThan(4 * 1024 * 1024);
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => (bytes += chunk.length)).resume();
    await new Promise((resolve) => stream.on("end", resolve));
    expect(bytes).toBe(64 * 1024 * 1024);
  });
});

describe("limits", () => {
  test("a server's limit of streams is kept by dialling further connections", async () => {
    const waiting: ServerHttp2Stream[] = [];
    await using upstream = await server((stream) => void waiting.push(stream), { maxConcurrentStreams: 2 });
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    const answers = Array.from({ length: 5 }, () => exchange(proxy.port, get()));
    await until(() => waiting.length === 5, "five streams");
    expect(upstream.sessions).toHaveLength(3);
    for (const stream of waiting) ok(stream);
    for (const text of await Promise.all(answers)) expect(text).toContain("200 OK");
  });

  test("at maxConnections requests wait for a stream, beyond maxPendingRequests they are refused", async () => {
    const waiting: ServerHttp2Stream[] = [];
    await using upstream = await server((stream) => void waiting.push(stream));
    await using proxy = await startProxy({
      upstreams: [upstream.port],
      cluster: cluster({ http2: { ...H2, maxConcurrentStreams: 1 }, maxConnections: 1, maxPendingRequests: 1 }),
    });
    const first = exchange(proxy.port, get());
    await until(() => waiting.length === 1, "the first");
    const second = exchange(proxy.port, get());
    await until(() => proxy.cluster.pending === 1, "the second to wait");
    expect(await exchange(proxy.port, get())).toContain("503 ");
    ok(waiting[0]!);
    expect(await first).toContain("200 OK");
    await until(() => waiting.length === 2, "the second");
    ok(waiting[1]!);
    expect(await second).toContain("200 OK");
    expect(proxy.finished.find(({ facts }) => facts.responseCode === 503)?.facts.responseFlags).toBe("UO");
  });

  test("requests beyond maxRequests are refused", async () => {
    const waiting: ServerHttp2Stream[] = [];
    await using upstream = await server((stream) => void waiting.push(stream));
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster({ maxRequests: 2 }) });
    const open = [exchange(proxy.port, get()), exchange(proxy.port, get())];
    await until(() => waiting.length === 2, "two streams");
    expect(await exchange(proxy.port, get())).toContain("503 ");
    for (const stream of waiting) ok(stream);
    await Promise.all(open);
    expect(proxy.metric("sluice_cluster_upstream_rq_pending_overflow_total")).toBe(1);
    void exchange(proxy.port, get()).catch(() => {});
    await until(() => waiting.length === 3, "room again");
    ok(waiting[2]!);
    await proxy.ended(4);
  });
});

describe("failures", () => {
  const failing = async (upstream: { port: number }, more: object = {}, request = get()) => {
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster(more) });
    const text = await exchange(proxy.port, request);
    const [done] = await proxy.ended(1);
    expect(proxy.cluster.status()[0]).toMatchObject({ active: 0 });
    expect(text).toContain(` ${done?.facts.responseCode} `);
    return { status: done?.facts.responseCode, flags: done?.facts.responseFlags, attempts: done?.facts.attempts };
  };

  test("nobody listens: 503 UF; another endpoint is tried", async () => {
    expect(await failing({ port: 1 })).toEqual({ status: 503, flags: "UF", attempts: 0 });
    await using upstream = await server((stream) => ok(stream));
    await using proxy = await startProxy({ upstreams: [1, upstream.port], cluster: cluster() });
    for (let turn = 0; turn < 4; turn++) expect(await exchange(proxy.port, get())).toContain("200 OK");
    expect(proxy.metric("sluice_cluster_upstream_rq_retry_total")).toBeGreaterThan(0);
  });

  test("a server that never says SETTINGS: 503 UF after connectTimeout", async () => {
    const sockets: Socket[] = [];
    const silent = createTcpServer((socket) => void sockets.push(socket.on("error", () => {})));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    expect(await failing({ port }, { connectTimeoutMs: 50 })).toMatchObject({ status: 503, flags: "UF" });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });

  test("a reset before the answer: 503 UR, and 502 UPE where the server says it is the protocol", async () => {
    await using internal = await server((stream) => stream.close(2));
    expect(await failing(internal)).toEqual({ status: 503, flags: "UR", attempts: 1 });
    await using protocol = await server((stream) => stream.close(1));
    expect(await failing(protocol)).toEqual({ status: 502, flags: "UPE", attempts: 1 });
  });

  test("the connection is lost before the answer: 503 UC", async () => {
    await using upstream = await server((stream) => stream.session?.destroy());
    expect(await failing(upstream)).toMatchObject({ status: 503, flags: "UC" });
  });

  test("no answer in time: 504 UT, and the stream is cancelled", async () => {
    let code = -1;
    await using upstream = await server((stream) => void stream.on("close", () => (code = stream.rstCode)));
    await using proxy = await startProxy({
      upstreams: [upstream.port],
      cluster: cluster(),
      routes: [route({ timeoutMs: 100 })],
    });
    expect(await exchange(proxy.port, get())).toContain("504 ");
    expect((await proxy.ended(1))[0]?.facts.responseFlags).toBe("UT");
    await until(() => code === 8, "the server to hear of it");
  });

  test.each([0, 2, 8])(
    "a stream that is reset with code %i in the middle of an answer never looks complete",
    async (code) => {
      await using upstream = await frames((socket, stream) => {
        socket.write(frame(FRAME.headers, END_HEADERS, stream, STATUS_200));
        socket.write(frame(FRAME.data, 0, stream, Buffer.from("part")));
        setImmediate(() => socket.write(rstStream(stream, code)));
      });
      await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
      const client = await dial(proxy.port);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await until(() => client.closed, "the client's connection to end");
      expect(client.text).not.toContain("\r\n0\r\n\r\n");
      const [done] = await proxy.ended(1);
      expect(done?.facts.responseCodeDetails).toBe("upstream_reset_after_response_started");
    },
  );

  test("a reset behind a whole answer of announced length changes nothing", async () => {
    await using upstream = await frames((socket, stream) => {
      // content-length is entry 28 of the static table.
      socket.write(
        frame(FRAME.headers, END_HEADERS, stream, Buffer.concat([STATUS_200, Buffer.from([0x0f, 0x0d, 1, 0x34])])),
      );
      socket.write(frame(FRAME.data, 0, stream, Buffer.from("part")));
      socket.write(rstStream(stream, 0));
    });
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    expect(await exchange(proxy.port, get())).toMatch(/200 OK[^]*part$/);
  });

  test("garbage instead of an answer: an unknown status, too many 1xx", async () => {
    await using upstream = await server((stream, path) => {
      if (path === "/1xx") for (let at = 0; at < 9; at++) stream.additionalHeaders({ ":status": 103 });
      else stream.respond({ ":status": 599 }, { endStream: true });
    });
    expect(await failing(upstream, {}, get("/1xx"))).toMatchObject({ status: 502, flags: "UPE" });
    await using wrong = await frames((socket, stream) => {
      socket.write(frame(FRAME.headers, END_HEADERS | END_STREAM, stream, Buffer.from([0x48, 0x03, 0x36, 0x30, 0x30])));
    });
    expect(await failing(wrong)).toMatchObject({ status: 502, flags: "UPE" });
  });

  test("an answer before the request's end is an answer; the rest of the request is cancelled", async () => {
    let code = -1;
    await using upstream = await server((stream) => {
      stream.respond({ ":status": 413 }, { endStream: true });
      stream.on("close", () => (code = stream.rstCode));
    });
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    const client = await dial(proxy.port);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart");
    await client.waitFor("413 ");
    await until(() => code >= 0, "the stream to end");
    client.socket.destroy();
  });
});

describe("second tries", () => {
  test("a refused stream is sent once more, whatever its method, and no further", async () => {
    const seen: string[] = [];
    await using upstream = await rawHttp2();
    upstream.server.on("stream", (stream: ServerHttp2Stream, head) => {
      let body = "";
      stream.setEncoding("latin1").on("data", (text: string) => (body += text));
      seen.push(String(head[":method"]));
      if (seen.length === 1 || head[":path"] === "/never") stream.close(7);
      else stream.on("end", () => ok(stream, `re ${body}`));
    });
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";
    expect(await exchange(proxy.port, post)).toMatch(/200 OK[^]*re body/);
    expect(seen).toEqual(["POST", "POST"]);
    expect(await exchange(proxy.port, post.replace("/ ", "/never "))).toContain("503 ");
    expect(seen).toHaveLength(4);
    expect((await proxy.ended(2))[1]?.facts).toMatchObject({ responseFlags: "UR", attempts: 2 });
  });

  test("GOAWAY: what runs is finished, what was not processed is sent again on a new connection", async () => {
    const streams: ServerHttp2Stream[] = [];
    await using upstream = await server((stream, path) => {
      streams.push(stream);
      if (path !== "/slow") ok(stream, path);
    });
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    const slow = exchange(proxy.port, get("/slow"));
    await until(() => streams.length === 1, "the slow request");
    upstream.sessions[0]!.close();
    await until(() => upstream.sessions.length === 1 && proxy.cluster.connections === 0, "GOAWAY to be heard");
    expect(await exchange(proxy.port, get("/next"))).toContain("/next");
    expect(upstream.sessions).toHaveLength(2);
    ok(streams[0]!, "late");
    expect(await slow).toContain("late");
  });

  test("a request that meets GOAWAY on its way is sent again, although it is a POST", async () => {
    let count = 0;
    await using upstream = await frames((socket, stream) => {
      if (++count === 1) {
        // Last stream 0: nothing was processed.
        socket.write(frame(FRAME.goaway, 0, 0, Buffer.alloc(8)));
        return;
      }
      socket.write(frame(FRAME.headers, END_HEADERS | END_STREAM, stream, STATUS_200));
    });
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    expect(await exchange(proxy.port, get().replace("GET", "POST"))).toContain("200 OK");
    expect(count).toBe(2);
    expect((await proxy.ended(1))[0]?.facts.attempts).toBe(2);
  });

  test("a connection that had served and is lost: GET again, POST not", async () => {
    let count = 0;
    await using upstream = await server((stream) => (++count % 2 === 1 ? ok(stream) : void stream.session?.destroy()));
    await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster() });
    await exchange(proxy.port, get());
    expect(await exchange(proxy.port, get())).toContain("200 OK");
    expect(await exchange(proxy.port, get().replace("GET", "POST"))).toContain("503 ");
    expect((await proxy.ended(3))[2]?.facts.responseFlags).toBe("UC");
  });
});

test("an unused connection closes after the idle timeout, and all of them with the cluster", async () => {
  await using upstream = await server((stream) => ok(stream));
  await using proxy = await startProxy({ upstreams: [upstream.port], cluster: cluster({ idleTimeoutMs: 60 }) });
  await exchange(proxy.port, get());
  await until(() => proxy.cluster.connections === 0 && upstream.sessions[0]!.destroyed, "the connection to close");
  await exchange(proxy.port, get());
  proxy.cluster.close();
  await until(() => upstream.sessions[1]!.destroyed, "the second to close");
});
