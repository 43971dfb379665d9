// Requests that filters want tried again, bounded per try, or sent to an endpoint of their choice: over real sockets, with
// upstreams of both protocols.
import { createServer as createHttp1, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttp2, type Http2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { RouteDecision } from "../../../host/route/decision.ts";
import { Deciding } from "../../support/deciding.ts";
import { chainOf, startProxy, type TestProxy } from "../../support/proxy.ts";
import { dial, exchange, expectAtRest, expectNoSockets, until } from "../../support/wire.ts";

afterEach(expectNoSockets);

type Answer = (response: ServerResponse, index: number, request: IncomingMessage) => void;

interface Upstream extends AsyncDisposable {
  readonly port: number;
  readonly bodies: string[];
}

/** `answer` is called for each request, when all of it has come. */
async function upstreamOf(isHttp2: boolean, answer: Answer): Promise<Upstream> {
  const bodies: string[] = [];
  const sessions = new Set<Http2Session>();
  let index = 0;
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const own = index++;
    let body = "";
    request.on("data", (bytes: Buffer) => (body += bytes.toString()));
    request.on("error", () => {});
    request.on("end", () => {
      bodies.push(body);
      answer(response, own, request);
    });
  };
  const server = isHttp2 ? createHttp2(serve as never) : createHttp1(serve);
  server.on("session", (session: Http2Session) => sessions.add(session));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", () => ready()));
  return {
    port: (server.address() as AddressInfo).port,
    bodies,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      if (!isHttp2) (server as Server).closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

const H2 = { maxConcurrentStreams: 100, initialStreamWindowSize: 262_144, initialConnectionWindowSize: 1_048_576 };
const AT_ONCE = { base: 0, most: 0 };
const status = (...codes: number[]): Answer => {
  return (response, index) => {
    response.statusCode = codes[index] ?? 200;
    response.end(`answer ${index}`);
  };
};
const GET = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
const POST = "POST /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";

describe.each([
  ["HTTP/1.1", false],
  ["HTTP/2", true],
])("upstreams that speak %s", (_protocol, isHttp2) => {
  const start = (decision: Omit<RouteDecision, "by">, ...upstreams: { port: number }[]) =>
    startProxy({
      upstreams: upstreams.map(({ port }) => port),
      cluster: isHttp2 ? { http2: H2 } : {},
      chain: chainOf((port) => new Deciding(port, decision)),
    });

  /** Shared connections stay open: nothing may run on them. */
  async function atRest(proxy: TestProxy): Promise<void> {
    if (!isHttp2) return expectAtRest(proxy);
    const active = (): number => proxy.cluster.status().reduce((sum, row) => sum + row.active, 0);
    await until(() => active() === 0 && proxy.cluster.pending === 0, "requests to end");
    expect(proxy.metric("sluice_http_active_requests")).toBe(0);
  }

  test("a status that is named is tried again, with its body, until there is a better one", async () => {
    await using upstream = await upstreamOf(isHttp2, status(503, 500));
    await using proxy = await start({ retry: { on: ["5xx"], max: 2, backoff: AT_ONCE } }, upstream);
    const answer = await exchange(proxy.port, POST);
    expect(answer).toContain("200 OK");
    expect(answer).toContain("answer 2");
    expect(upstream.bodies).toEqual(["hello", "hello", "hello"]);
    expect((await proxy.ended(1))[0]?.facts.attempts).toBe(3);
    expect(proxy.metric("sluice_cluster_upstream_rq_retry_total")).toBe(2);
    await atRest(proxy);
  });

  test("the last answer is handed on when there are no tries left", async () => {
    await using upstream = await upstreamOf(isHttp2, status(503, 502, 200));
    await using proxy = await start({ retry: { on: ["gateway-error"], max: 1, backoff: AT_ONCE } }, upstream);
    expect(await exchange(proxy.port, GET)).toMatch(/^HTTP\/1.1 502 [^]*answer 1/);
    await atRest(proxy);
  });

  test("any other status is handed on at once", async () => {
    await using upstream = await upstreamOf(isHttp2, status(429));
    const retry = { on: ["5xx", "retriable-status-codes"], max: 3, backoff: AT_ONCE, statusCodes: [404] } as const;
    await using proxy = await start({ retry }, upstream);
    expect(await exchange(proxy.port, GET)).toMatch(/^HTTP\/1.1 429 /);
    expect(upstream.bodies).toHaveLength(1);
  });

  test("status codes of one's own are tried again", async () => {
    await using upstream = await upstreamOf(isHttp2, status(404));
    const retry = { on: ["retriable-status-codes"], max: 1, backoff: AT_ONCE, statusCodes: [404] } as const;
    await using proxy = await start({ retry }, upstream);
    expect(await exchange(proxy.port, GET)).toContain("200 OK");
  });

  test("a broken connection is tried again, a POST as well, since the filter wants it", async () => {
    await using upstream = await upstreamOf(isHttp2, (response, index, request) => {
      if (index === 0) request.socket.destroy();
      else response.end("ok");
    });
    await using proxy = await start({ retry: { on: ["reset"], max: 1, backoff: AT_ONCE } }, upstream);
    expect(await exchange(proxy.port, POST)).toContain("200 OK");
    expect(upstream.bodies).toEqual(["hello", "hello"]);
    await atRest(proxy);
  });

  test("a try without an answer ends in time, and the next one may be quicker", async () => {
    await using upstream = await upstreamOf(isHttp2, (response, index) => void (index > 0 && response.end("late")));
    const retry = { on: ["reset"], max: 1, backoff: AT_ONCE } as const;
    await using proxy = await start({ perTryTimeoutMs: 60, retry }, upstream);
    expect(await exchange(proxy.port, GET)).toContain("late");
    expect(proxy.metric("sluice_cluster_upstream_rq_per_try_timeout_total")).toBe(1);
    await atRest(proxy);
  });

  test("without another try it is answered 504", async () => {
    await using upstream = await upstreamOf(isHttp2, () => {});
    await using proxy = await start({ perTryTimeoutMs: 60 }, upstream);
    expect(await exchange(proxy.port, GET)).toMatch(/^HTTP\/1.1 504 /);
    expect((await proxy.ended(1))[0]?.facts.responseFlags).toBe("UT");
    await atRest(proxy);
  });

  test("the time of a try ends with the head of its answer", async () => {
    await using upstream = await upstreamOf(isHttp2, (response) => {
      response.write("first");
      setTimeout(() => response.end(" second"), 150);
    });
    await using proxy = await start({ perTryTimeoutMs: 60 }, upstream);
    expect(await exchange(proxy.port, GET)).toMatch(/200 OK[^]*first[^]* second/);
  });

  test("a body that is too large to keep is sent once", async () => {
    await using upstream = await upstreamOf(isHttp2, status(503));
    await using proxy = await start({ retry: { on: ["5xx"], max: 3, backoff: AT_ONCE } }, upstream);
    const size = 70 * 1024;
    const head = `POST /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`;
    expect(await exchange(proxy.port, head + "x".repeat(size))).toMatch(/^HTTP\/1.1 503 /);
    expect(upstream.bodies.map((body) => body.length)).toEqual([size]);
  });

  test("a client that leaves between two tries ends them", async () => {
    await using upstream = await upstreamOf(isHttp2, status(503, 503));
    const retry = { on: ["5xx"], max: 5, backoff: { base: 60_000, most: 60_000 } } as const;
    await using proxy = await start({ retry }, upstream);
    const client = await dial(proxy.port);
    client.send(GET);
    await until(() => proxy.metric("sluice_cluster_upstream_rq_retry_total") === 1, "the pause");
    client.socket.resetAndDestroy();
    await proxy.ended(1);
    await atRest(proxy);
    expect(upstream.bodies).toHaveLength(1);
  });

  test("the endpoint that a filter names gets the request", async () => {
    await using one = await upstreamOf(isHttp2, (response) => response.end("one"));
    await using two = await upstreamOf(isHttp2, (response) => response.end("two"));
    await using proxy = await start({ overrideAddr: `127.0.0.1:${two.port}` }, one, two);
    for (let round = 0; round < 6; round++) expect(await exchange(proxy.port, GET)).toContain("two");
    expect(one.bodies).toEqual([]);
  });

  test("one that is gone is replaced by the balancer's, unless no other will do", async () => {
    await using one = await upstreamOf(isHttp2, (response) => response.end("one"));
    {
      await using proxy = await start({ overrideAddr: "127.0.0.1:1" }, one);
      expect(await exchange(proxy.port, GET)).toContain("one");
    }
    await using proxy = await start({ overrideAddr: "127.0.0.1:1", overrideStrict: true }, one);
    expect(await exchange(proxy.port, GET)).toMatch(/^HTTP\/1.1 503 /);
    expect((await proxy.ended(1))[0]?.facts.responseFlags).toBe("UH");
  });

  test("one that refuses connections is left for another, unless no other will do", async () => {
    await using one = await upstreamOf(isHttp2, (response) => response.end("one"));
    const gone = await upstreamOf(isHttp2, () => {});
    await gone[Symbol.asyncDispose]();
    const addr = { overrideAddr: `127.0.0.1:${gone.port}` };
    {
      await using proxy = await start(addr, one, gone);
      expect(await exchange(proxy.port, GET)).toContain("one");
    }
    await using proxy = await start({ ...addr, overrideStrict: true }, one, gone);
    expect(await exchange(proxy.port, GET)).toMatch(/^HTTP\/1.1 503 /);
    expect((await proxy.ended(1))[0]?.facts.responseFlags).toBe("UF");
  });
});
