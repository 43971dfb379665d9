// CONNECT: tunnels to a route's cluster or to what the client names, and everything that is no tunnel.
import { execFile } from "node:child_process";
import { connect as connectHttp2 } from "node:http2";
import { afterEach, describe, expect, test } from "vitest";
import { h2Client } from "../../support/http2.ts";
import { route, startProxy, type TestProxy, type TestProxyInputs } from "../../support/proxy.ts";
import {
  type Client,
  dial,
  exchange,
  expectAtRest,
  expectNoSockets,
  fixedUpstream,
  OK,
  type RawUpstream,
  rawUpstream,
  until,
} from "../../support/wire.ts";

const TUNNEL = route({ name: "tunnel", match: { exact: "", connect: true, headers: [] } });
const ask = (authority: string, more = ""): string =>
  `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${more}\r\n`;

const toCluster = (upstream: RawUpstream, more: TestProxyInputs = {}): Promise<TestProxy> =>
  startProxy({ upstreams: [upstream.port], routes: [TUNNEL, route()], listener: { connect: true }, ...more });

/** To whatever the client names, out of `authorities`. */
const toAuthority = (authorities: readonly string[]): Promise<TestProxy> =>
  startProxy({ upstreams: [], cluster: { authorities }, routes: [TUNNEL, route()], listener: { connect: true } });

const echo = (): Promise<RawUpstream> =>
  rawUpstream((peer) => {
    peer.send(peer.text);
    peer.text = "";
  });

afterEach(() => expectNoSockets());

describe("a tunnel to the route's cluster", () => {
  test("is open with a 200 that frames nothing, and carries bytes both ways", async () => {
    await using upstream = await echo();
    await using proxy = await toCluster(upstream);
    const client = await dial(proxy.port);
    client.send(ask("db:5432"));
    await client.waitFor("\r\n\r\n");
    expect(client.text).toBe("HTTP/1.1 200 OK\r\n\r\n");
    client.send("\x00\xff\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    await client.waitFor("GET / HTTP/1.1\r\n\r\n");
    expect(upstream.received()).toBe("\x00\xff\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    client.socket.end();
    await client.waitForEnd();
    await proxy.ended(1);
    const [{ facts, method }] = proxy.finished as [TestProxy["finished"][0]];
    expect(method).toBe("CONNECT");
    expect(facts).toMatchObject({ responseCode: 200, upgrade: "connect", routeName: "tunnel", responseFlags: "" });
    expect(facts.requestBytes).toBe(facts.responseBytes);
    await expectAtRest(proxy);
  });

  test("gets what came with the head once it is open, and nothing of it before", async () => {
    await using upstream = await echo();
    await using proxy = await toCluster(upstream);
    const client = await dial(proxy.port);
    client.send(`${ask("db:5432")}early`);
    await client.waitFor("early");
    expect(client.text).toBe("HTTP/1.1 200 OK\r\n\r\nearly");
    client.socket.destroy();
    await expectAtRest(proxy);
  });

  test("that cannot be reached is 503, and what came with the head is no request", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await toCluster(upstream, { upstreams: [1] });
    const answer = await exchange(proxy.port, `${ask("db:5432")}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(answer.match(/HTTP\/1\.1 \d{3}/g)).toEqual(["HTTP/1.1 503"]);
    expect(proxy.finished).toHaveLength(1);
    await expectAtRest(proxy);
  });

  test("over HTTP/2 (RFC 9113 8.5)", async () => {
    await using upstream = await echo();
    await using proxy = await toCluster(upstream);
    const session = connectHttp2(`http://127.0.0.1:${proxy.port}`);
    const stream = session.request({ ":method": "CONNECT", ":authority": "db:5432" });
    let text = "";
    let status = 0;
    stream.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
    stream.on("response", (headers) => (status = Number(headers[":status"])));
    stream.write("hello");
    await until(() => text === "hello", "the echo");
    expect(status).toBe(200);
    stream.end();
    await new Promise((closed) => stream.once("close", closed));
    expect(stream.rstCode).toBe(0);
    session.close();
    await new Promise((closed) => session.once("close", closed));
    await expectAtRest(proxy);
  });

  test("is what curl opens with --proxytunnel", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await toCluster(upstream);
    const args = ["-s", "--proxytunnel", "-x", `http://127.0.0.1:${proxy.port}`, "http://inside.test/"];
    const text = await new Promise<string>((done) => execFile("curl", args, (_, out) => done(out)));
    expect(text).toBe("ok");
    expect(upstream.received()).toContain("Host: inside.test\r\n");
    await expectAtRest(proxy);
  });
});

describe("a tunnel to what the client names", () => {
  test("is opened when the list allows it, and refused with 403 when not", async () => {
    await using upstream = await echo();
    await using proxy = await toAuthority([`127.0.0.1:${upstream.port}`, "*.example.test:443"]);
    const client = await dial(proxy.port);
    client.send(`${ask(`127.0.0.1:${upstream.port}`)}hi`);
    await client.waitFor("hi");
    client.socket.destroy();
    for (const other of [`127.0.0.1:${upstream.port + 1}`, "localhost:22", "example.test:443", "a.example.test:80"]) {
      const answer = await exchange(proxy.port, `${ask(other)}GET / HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(answer.match(/HTTP\/1\.1 \d{3}/g)).toEqual(["HTTP/1.1 403"]);
    }
    await until(() => upstream.connections.every((one: Client) => one.closed), "the tunnel to end");
    expect(upstream.connections).toHaveLength(1);
    expect(proxy.finished.at(-1)?.facts.responseCodeDetails).toBe("connect_refused");
    await expectAtRest(proxy);
  });
});

describe("CONNECT that is no tunnel", () => {
  test.each([
    ["a path", "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["absolute-form", "CONNECT http://a:1/ HTTP/1.1\r\nHost: a:1\r\n\r\n", 400],
    ["no port", ask("a"), 400],
    ["an empty port", ask("a:"), 400],
    ["port 0", ask("a:0"), 400],
    ["a port beyond 65535", ask("a:65536"), 400],
    ["an asterisk", "CONNECT * HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["userinfo", ask("u@a:1"), 400],
    ["another Host", "CONNECT a:1 HTTP/1.1\r\nHost: b:1\r\n\r\n", 400],
    ["no Host", "CONNECT a:1 HTTP/1.1\r\n\r\n", 400],
    ["a length", ask("a:1", "Content-Length: 3\r\n") + "abc", 400],
    ["chunks", `${ask("a:1", "Transfer-Encoding: chunked\r\n")}0\r\n\r\n`, 400],
  ])("%s is refused, closed, and reaches nobody", async (_, text, status) => {
    await using upstream = await echo();
    await using proxy = await toCluster(upstream);
    const answer = await exchange(proxy.port, `${text}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(answer.match(/HTTP\/1\.1 \d{3}/g)).toEqual([`HTTP/1.1 ${status}`]);
    expect(upstream.connections).toHaveLength(0);
    await expectAtRest(proxy);
  });

  test("without a route for it is 501; with routes that do not fit it is 404; other requests find no tunnel", async () => {
    await using upstream = await echo();
    await using plain = await startProxy({ upstreams: [upstream.port] });
    expect(await exchange(plain.port, ask("a:1"))).toMatch(/^HTTP\/1\.1 501 /);
    const only = { name: ":authority", kind: "exact", value: "b:1", invert: false } as const;
    const routes = [route({ match: { exact: "", connect: true, headers: [only] } })];
    await using proxy = await toCluster(upstream, { routes });
    expect(await exchange(proxy.port, ask("a:1"))).toMatch(/^HTTP\/1\.1 404 /);
    const get = "GET / HTTP/1.1\r\nHost: b:1\r\nConnection: close\r\n\r\n";
    expect(await exchange(proxy.port, get)).toMatch(/^HTTP\/1\.1 404 /);
    expect(upstream.connections).toHaveLength(0);
  });

  test("over HTTP/2 with a path, a scheme or a bad authority is 400", async () => {
    await using upstream = await echo();
    await using proxy = await toCluster(upstream);
    await using client = await h2Client(proxy.port);
    const raw = (headers: object): Promise<number> =>
      new Promise((done) => {
        const stream = client.session.request({ ":method": "CONNECT", ...headers });
        stream.on("response", (answer) => done(Number(answer[":status"])));
        stream.on("error", () => done(0));
        stream.resume().end();
      });
    expect(await raw({ ":authority": "a" })).toBe(400);
    expect(await raw({ ":authority": "a:0" })).toBe(400);
    expect(upstream.connections).toHaveLength(0);
  });
});
