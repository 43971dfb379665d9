// What a client sees of ordinary traffic: keep-alive, pipelining, methods and statuses without a body, 1xx, chunked bodies
// and trailers, HTTP/1.0. Upstreams are raw sockets or node:http.
import { execFile } from "node:child_process";
import { Agent, createServer, request as httpRequest, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { route, startProxy } from "../../support/proxy.ts";
import { dial, exchange, expectNoSockets, fixedUpstream, OK, rawUpstream, until } from "../../support/wire.ts";

afterEach(expectNoSockets);

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

async function nodeUpstream(answer: RequestListener): Promise<AsyncDisposable & { port: number; server: Server }> {
  const server = createServer({ keepAliveTimeout: 60_000 }, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("keep-alive", () => {
  test("many requests share one connection on both sides", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    for (let turn = 1; turn <= 20; turn++) {
      client.send(GET);
      await until(() => client.text.split("\r\n\r\nok").length === turn + 1, `answer ${turn}`);
    }
    expect(upstream.connections).toHaveLength(1);
    expect(proxy.metric("sluice_http_downstream_cx_total")).toBe(1);
    expect(proxy.metric("sluice_http_requests_total", { code_class: "2xx" })).toBe(20);
    expect(proxy.metric("sluice_cluster_upstream_rq_total", { code_class: "2xx" })).toBe(20);
    expect(client.text).not.toContain("connection:");
  });

  test("Connection: close is obeyed, and said", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const answer = await exchange(proxy.port, LAST);
    expect(answer).toBe("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
  });

  test("the last request a connection may carry closes it", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port], limits: { maxRequestsPerConnection: 2 } });
    const answer = await exchange(proxy.port, GET + GET + GET);
    expect(answer.match(/200 OK/g)).toHaveLength(2);
    expect(answer.match(/connection: close/g)).toHaveLength(1);
  });

  test("an upstream that closes after each answer is not reused", async () => {
    await using upstream = await fixedUpstream("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(GET);
    await client.waitFor("ok");
    client.text = "";
    client.send(GET);
    await client.waitFor("ok");
    expect(client.text).not.toContain("connection: close");
    expect(upstream.connections).toHaveLength(2);
  });

  test("a connection beyond the limit is told so and closed, whatever it says", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port], limits: { maxConnections: 1 } });
    const first = await dial(proxy.port);
    first.send(GET);
    await first.waitFor("ok");
    const second = await dial(proxy.port);
    await second.waitForEnd();
    expect(second.text).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n.*connection: close\r\n/s);
    expect(proxy.metric("sluice_http_downstream_cx_overflow_total")).toBe(1);
  });
});

describe("pipelining", () => {
  test("answers come in the order of the requests, however slow the first is", async () => {
    const waiting: (() => void)[] = [];
    await using upstream = await nodeUpstream((request, response) => {
      const answer = () => response.end(request.url);
      if (request.url === "/1") waiting.push(answer);
      else answer();
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(["/1", "/2", "/3"].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""));
    await until(() => waiting.length === 1, "the first request");
    waiting[0]?.();
    await client.waitFor("/3");
    expect(client.text.match(/\/[123](?=HTTP|$)/g)).toEqual(["/1", "/2", "/3"]);
  });

  test("bodies between pipelined requests are told apart, local answers too", async () => {
    await using upstream = await nodeUpstream((request, response) => {
      let body = "";
      request.setEncoding("latin1").on("data", (text: string) => (body += text));
      request.on("end", () => response.end(`${request.method}:${body}`));
    });
    const direct = route({
      match: { prefix: "/direct", headers: [] },
      action: { kind: "direct", status: 403, body: "no" },
    });
    await using proxy = await startProxy({ upstreams: [upstream.port], routes: [direct, route()] });
    const text =
      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" +
      "POST /direct HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz" +
      "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n" +
      "GET /direct HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const answer = await exchange(proxy.port, text);
    expect(answer.match(/HTTP\/1.1 \d+|POST:[a-z]+|no$|no(?=HTTP)/g)).toEqual([
      "HTTP/1.1 200",
      "POST:abc",
      "HTTP/1.1 403",
      "no",
      "HTTP/1.1 200",
      "POST:de",
      "HTTP/1.1 403",
      "no",
    ]);
  });
});

describe("messages without a body", () => {
  test("the answer to HEAD keeps its length and has no body", async () => {
    await using upstream = await fixedUpstream("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const answer = await exchange(
      proxy.port,
      `HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.match(/content-length: 1000\r\n\r\n/g)).toHaveLength(2);
    expect(upstream.connections).toHaveLength(1);
  });

  test("HEAD of a local answer has no body either", async () => {
    await using proxy = await startProxy({
      routes: [route({ action: { kind: "direct", status: 200, body: "hello" } })],
    });
    const answer = await exchange(proxy.port, `HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/content-length: 5\r\n\r\n$/);
  });

  test.each([
    ["204 No Content", ""],
    ["304 Not Modified", "content-length: 10\r\n"],
  ])("%s", async (status, line) => {
    await using upstream = await fixedUpstream(`HTTP/1.1 ${status}\r\nETag: "x"\r\n${line}\r\n`);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const answer = await exchange(proxy.port, GET + LAST);
    expect(answer.match(new RegExp(`HTTP/1.1 ${status}\r\netag: "x"\r\n`, "g"))).toHaveLength(2);
    expect(answer.includes("content-length")).toBe(line !== "");
    expect(upstream.connections).toHaveLength(1);
  });

  test("an empty body is announced as empty", async () => {
    await using upstream = await fixedUpstream("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/content-length: 0\r\n\r\n$/);
  });

  test("POST without a body says so upstream, GET says nothing", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await exchange(proxy.port, `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(upstream.received()).toContain("content-length: 0\r\n\r\n");
    await exchange(proxy.port, LAST);
    expect(upstream.received().match(/content-length/g)).toHaveLength(1);
  });
});

describe("1xx and Expect", () => {
  test("100 of the upstream is relayed to a client that waits for it", async () => {
    await using upstream = await rawUpstream((peer) => {
      if (peer.text.includes("expect: 100-continue") && !peer.text.includes("hello"))
        peer.send("HTTP/1.1 100 Continue\r\n\r\n");
      if (peer.text.endsWith("hello")) peer.send(OK);
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    await client.waitFor("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello");
    await client.waitFor("\r\n\r\nok");
    expect(client.text.match(/HTTP\/1.1/g)).toHaveLength(2);
  });

  test("a final answer instead of 100 closes the connection, since the body may or may not come", async () => {
    await using upstream = await fixedUpstream("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const answer = await exchange(
      proxy.port,
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    );
    expect(answer).toContain("413 Content Too Large");
    expect(answer).toContain("connection: close");
    expect(proxy.cluster.connections).toBe(0);
  });

  test("103 is relayed, 102 and an unasked 100 are not", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    await using upstream = await fixedUpstream(
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${hints}${OK}`,
    );
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const answer = await exchange(proxy.port, LAST);
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 103", "HTTP/1.1 200"]);
    expect(answer).toContain("link: </a.css>\r\n\r\n");
  });

  test("an HTTP/1.0 client never sees 1xx", async () => {
    await using upstream = await fixedUpstream(`HTTP/1.1 103 Early Hints\r\n\r\n${OK}`);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    expect(await exchange(proxy.port, "GET / HTTP/1.0\r\nHost: a\r\n\r\n")).toMatch(/^HTTP\/1.1 200 OK/);
  });
});

describe("chunked bodies", () => {
  test("chunks and trailers pass in both directions", async () => {
    await using upstream = await rawUpstream((peer) => {
      if (peer.text.endsWith("\r\n\r\n") && peer.text.includes("x-up: 1"))
        peer.send(
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-down\r\n\r\n2\r\nok\r\n0\r\nX-Down: 2\r\n\r\n",
        );
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n");
    await until(() => upstream.received().includes("abc"), "the first chunk upstream");
    client.send("0\r\nX-Up: 1\r\nHost: evil\r\n\r\n");
    await client.waitFor("x-down: 2\r\n\r\n");
    expect(client.text).toBe(
      "HTTP/1.1 200 OK\r\ntrailer: x-down\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-down: 2\r\n\r\n",
    );
    expect(upstream.received()).toContain("te: trailers\r\n");
    expect(upstream.received()).toMatch(/transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-up: 1\r\n\r\n$/);
    expect(upstream.received()).not.toContain("evil");
  });

  test("an answer until the end of the connection becomes chunked", async () => {
    await using upstream = await rawUpstream((peer) => {
      peer.send("HTTP/1.1 200 OK\r\n\r\nfirst");
      peer.socket.end("last");
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(GET);
    await client.waitFor("0\r\n\r\n");
    expect(client.text).toContain("transfer-encoding: chunked\r\n\r\n");
    expect(client.text.replaceAll(/\r\n[0-9a-f]+\r\n/g, "")).toContain("firstlast");
  });

  test("an HTTP/1.0 client gets no chunks, but the end of the connection", async () => {
    await using upstream = await fixedUpstream(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    );
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const answer = await exchange(proxy.port, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect(answer).toMatch(/connection: close\r\n\r\nok$/);
  });

  test("HTTP/1.0 keep-alive is kept when the length is known, and the upstream gets a Host", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    for (let turn = 1; turn <= 2; turn++) {
      client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      await until(() => client.text.split("\r\n\r\nok").length === turn + 1, `answer ${turn}`);
    }
    expect(client.text).toContain("connection: keep-alive");
    expect(upstream.received()).toContain("HTTP/1.1\r\nhost: up\r\n");
  });

  test("node:http on both sides: every size of body comes through whole", async () => {
    await using upstream = await nodeUpstream((request, response) => {
      if (request.url === "/chunked") response.setHeader("x-mode", "chunked");
      else response.setHeader("content-length", request.headers["content-length"] ?? "0");
      request.pipe(response);
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const size of [0, 1, 4095, 4096, 4097, 65_535, 65_536, 200_000, 3_000_000]) {
      for (const path of ["/length", "/chunked"]) {
        const body = Buffer.alloc(size, `${size}:`);
        const echoed = await send(agent, { port: proxy.port, path, method: "PUT" }, body, path === "/chunked");
        expect(echoed.equals(body)).toBe(true);
      }
    }
    agent.destroy();
  });
});

function send(agent: Agent, options: object, body: Buffer, chunked: boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", agent, ...options }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("end", () => resolve(Buffer.concat(pieces)));
      response.on("error", reject);
    });
    request.on("error", reject);
    if (chunked) request.setHeader("transfer-encoding", "chunked");
    else request.setHeader("content-length", body.length);
    for (let at = 0; at < body.length; at += 50_000) request.write(body.subarray(at, at + 50_000));
    request.end();
  });
}

describe("what the upstream sees", () => {
  test("forwarding headers and a request id", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await exchange(proxy.port, LAST);
    const seen = upstream.received();
    expect(seen).toMatch(/^GET \/ HTTP\/1.1\r\nhost: a\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\n/);
    expect(seen).toMatch(/x-request-id: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\r\n\r\n$/);
    expect(proxy.finished[0]?.facts.requestId).toBe(/x-request-id: (\S+)/.exec(seen)?.[1]);
  });

  test("x-forwarded-for is appended to, a good request id and scheme are kept, bad ones are not", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const lines = (id: string, proto: string): string =>
      `X-Forwarded-For: 1.1.1.1\r\nX-Request-Id: ${id}\r\nX-Forwarded-Proto: ${proto}\r\nX-Envoy-Internal: true\r\n`;
    await exchange(proxy.port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines("abc-1", "https")}\r\n`);
    expect(upstream.received()).toContain(
      "x-forwarded-for: 1.1.1.1, 127.0.0.1\r\nx-request-id: abc-1\r\nx-forwarded-proto: https\r\n\r\n",
    );
    await exchange(proxy.port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines("a b", "gopher")}\r\n`);
    expect(upstream.received()).not.toMatch(/a b|gopher|envoy/);
  });

  test("headers keep their bytes in both directions", async () => {
    await using upstream = await fixedUpstream("HTTP/1.1 200 OK\r\nX-B: \x80\xff\r\nContent-Length: 0\r\n\r\n");
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const answer = await exchange(
      proxy.port,
      `GET / HTTP/1.1\r\nHost: a\r\nX-A: \xe9\xff\r\nConnection: close\r\n\r\n`,
    );
    expect(upstream.received()).toContain("x-a: \xe9\xff\r\n");
    expect(answer).toContain("x-b: \x80\xff\r\n");
  });
});

describe("curl", () => {
  const curl = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)("curl", ["-s", "--max-time", "10", ...args])).stdout;

  test("GET, HEAD, an upload with Expect, and HTTP/1.0", async (context) => {
    const found = await curl("--version").catch(() => "");
    if (found === "") context.skip("curl is not installed (Debian package curl)");
    await using upstream = await nodeUpstream((request, response) => {
      let bytes = 0;
      request.on("data", (piece: Buffer) => (bytes += piece.length));
      request.on("end", () => response.end(`${request.method} ${bytes}`));
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const url = `http://127.0.0.1:${proxy.port}/x?y=1`;
    expect(await curl(url)).toBe("GET 0");
    expect(await curl("-I", url)).toMatch(/^HTTP\/1.1 200 OK/);
    expect(await curl("-H", "Expect: 100-continue", "-d", "x".repeat(100_000), url)).toBe("POST 100000");
    expect(await curl("-H", "Transfer-Encoding: chunked", "-d", "abc", url)).toBe("POST 3");
    expect(await curl("-0", url)).toBe("GET 0");
  });
});
