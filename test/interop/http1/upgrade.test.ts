// Upgrades: WebSockets through the proxy with ws on both sides, over HTTP/1.1 and HTTP/2, and raw sockets for what ws would
// never send.
import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { ExchangePort, HttpStream } from "../../../host/chain/ports.ts";
import { h2Client } from "../../support/http2.ts";
import { chainOf, route, startProxy, type TestProxy, type TestProxyInputs } from "../../support/proxy.ts";
import {
  Client,
  dial,
  expectAtRest,
  expectNoSockets,
  fixedUpstream,
  OK,
  rawUpstream,
  until,
} from "../../support/wire.ts";

const UPGRADES = { upgrades: ["websocket"] };
const HEAD = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

interface Echo extends AsyncDisposable {
  readonly port: number;
  readonly server: Server;
}

/** Says back what it hears. */
async function echoServer(): Promise<Echo> {
  const server = createServer((_, answer) => answer.writeHead(200).end("plain"));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (data: Buffer, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on("error", () => {});
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    port: (server.address() as AddressInfo).port,
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

const opened = (socket: WebSocket): Promise<void> =>
  new Promise((open, failed) => {
    socket.once("open", open);
    socket.once("error", failed);
  });
const message = (socket: WebSocket): Promise<Buffer> => new Promise((got) => socket.once("message", got as () => void));
const closed = (socket: WebSocket): Promise<number> => new Promise((done) => socket.once("close", done));

const proxied = (inputs: TestProxyInputs): Promise<TestProxy> =>
  startProxy({ ...inputs, listener: { ...UPGRADES, ...inputs.listener } });

/** A filter that lets everything pass and writes down what it is given. */
function recorder(log: string[], answer?: (port: ExchangePort) => boolean): (port: ExchangePort) => HttpStream {
  const text = (list: readonly string[]): string => list.join(" ");
  return (port) => ({
    requestHeaders(headers, end) {
      log.push(`request ${text(headers)} ${end}`);
      port.forwardRequestHeaders(headers, end);
    },
    requestBody(chunk, end) {
      log.push(`> ${chunk.toString("latin1")} ${end}`);
      port.forwardRequestBody(chunk, end);
    },
    requestTrailers: () => {},
    responseHeaders(headers, end) {
      log.push(`response ${text(headers)} ${end}`);
      if (answer?.(port) !== true) port.forwardResponseHeaders(headers, end);
    },
    responseBody(chunk, end) {
      log.push(`< ${chunk.toString("latin1")} ${end}`);
      port.forwardResponseBody(chunk, end);
    },
    responseBodyPasses: false,
    parsedRequest: null,
    parsedResponse: null,
    responseTrailers: () => {},
    localReply(reply) {
      port.forwardResponseHeaders([":status", String(reply.status)], true);
    },
    end: () => log.push("end"),
  });
}

afterEach(() => expectNoSockets());

describe("a WebSocket", () => {
  test("carries messages of every size both ways, and its end", async () => {
    await using upstream = await echoServer();
    await using proxy = await proxied({ upstreams: [upstream.port], limits: { maxBodyBytes: 10 } });
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/chat`);
    await opened(socket);
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 3_000_000]) {
      const sent = randomBytes(size);
      socket.send(sent);
      expect((await message(socket)).equals(sent)).toBe(true);
    }
    socket.close(4001, "bye");
    expect(await closed(socket)).toBe(4001);
    const [{ facts }] = (await proxy.ended(1)) as [TestProxy["finished"][0]];
    expect(facts).toMatchObject({ responseCode: 101, responseFlags: "", upgrade: "websocket", routeName: "all" });
    expect(facts.requestBytes).toBeGreaterThan(3_000_000);
    expect(facts.responseBytes).toBeGreaterThan(3_000_000);
    await expectAtRest(proxy);
  });

  test("through HTTP/2 (RFC 8441), to an upstream that speaks HTTP/1.1", async () => {
    await using upstream = await echoServer();
    await using proxy = await proxied({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    await until(() => client.session.remoteSettings?.enableConnectProtocol === true, "the client to know");
    const head = { ":method": "CONNECT", ":protocol": "websocket", ":scheme": "http", ":path": "/chat" };
    const stream = client.open({ ...head, "sec-websocket-version": "13", expect: "100-continue" });
    let got = Buffer.alloc(0);
    let status = 0;
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
      expect(headers["sec-websocket-accept"]).toBeUndefined();
    });
    stream.on("data", (chunk: Buffer) => (got = Buffer.concat([got, chunk])));
    // "hi", masked with zeros.
    stream.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    await until(() => got.length === 4, "the echo");
    expect(status).toBe(200);
    expect(got.toString("latin1")).toBe("\x81\x02hi");
    stream.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
    stream.end();
    await new Promise((gone) => stream.once("close", gone));
    expect(stream.rstCode).toBe(0);
    await proxy.ended(1);
    expect(proxy.finished[0]?.facts).toMatchObject({ protocol: "HTTP/2", responseCode: 101, upgrade: "websocket" });
    await client[Symbol.asyncDispose]();
    await expectAtRest(proxy);
  });

  test("over HTTP/2 is refused where it is not allowed, and CONNECT is never carried out as GET", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await proxied({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    await until(() => client.session.remoteSettings?.enableConnectProtocol === true, "the client to know");
    const ask = async (name: string): Promise<number> =>
      (await client.get({ ":method": "CONNECT", ":protocol": name, ":scheme": "http" })).status;
    expect([await ask("h2c"), await ask("other"), await ask("connect")]).toEqual([403, 403, 403]);
    expect(await ask("websocket, h2c")).toBe(400);
    expect(upstream.received()).toBe("");
    // A 200 of HTTP/1.1 would say that the tunnel is open.
    expect(await ask("websocket")).toBe(502);
  });

  test("ends with a reset on one side when the other breaks off", async () => {
    await using upstream = await rawUpstream((peer) => {
      if (peer.text.endsWith("\r\n\r\n")) peer.send(SWITCHING);
    });
    await using proxy = await proxied({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(HEAD);
    await client.waitFor("101");
    upstream.connections[0]?.socket.resetAndDestroy();
    await until(() => client.closed, "the client's end");
    expect(client.reset).toBe(true);
    const other = await dial(proxy.port);
    other.send(HEAD);
    await other.waitFor("101");
    other.socket.resetAndDestroy();
    await until(() => upstream.connections[1]?.closed === true, "the upstream's end");
    expect(upstream.connections[1]?.reset).toBe(true);
    await proxy.ended(2);
    const flags = proxy.finished.map(({ facts }) => `${facts.responseFlags} ${facts.responseCodeDetails}`);
    expect(flags).toEqual(["UC upstream_reset_after_response_started", "DC downstream_disconnect"]);
    await expectAtRest(proxy);
  });
});

describe("the head of an upgrade", () => {
  test("reaches the upstream with one Upgrade and one Connection, and the 101 comes back with its fields", async () => {
    await using upstream = await rawUpstream((peer) => {
      if (peer.text.endsWith("\r\n\r\n"))
        peer.send(
          SWITCHING.replace("\r\n\r\n", "\r\nSec-WebSocket-Accept: x\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n"),
        );
    });
    await using proxy = await proxied({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(
      HEAD.replace(
        "Upgrade\r\n",
        "keep-alive, Upgrade, X-Gone\r\nTE: trailers\r\nX-Gone: 1\r\nSec-WebSocket-Key: k\r\n",
      ),
    );
    await client.waitFor("\r\n\r\n");
    const asked = upstream.received();
    expect(asked.match(/^upgrade: websocket\r$/gim)).toHaveLength(1);
    expect(asked.match(/^connection: upgrade\r$/gim)).toHaveLength(1);
    expect(asked).toContain("sec-websocket-key: k\r\n");
    expect(asked).not.toMatch(/x-gone|content-length|transfer-encoding|^te:/m);
    expect(client.text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(client.text.match(/^(?:connection|upgrade): .*\r$/gm)).toEqual([
      "connection: upgrade\r",
      "upgrade: websocket\r",
    ]);
    expect(client.text).toContain("sec-websocket-accept: x\r\n");
    expect(client.text).not.toContain("x-hop");
    client.socket.destroy();
    await expectAtRest(proxy);
  });

  test.each([
    ["one that the listener does not allow", HEAD.replace("websocket", "other"), 403],
    ["websocket where nothing is allowed", HEAD, 403, { upgrades: [] as string[] }],
  ])("%s is answered 403 and closes, and reaches no upstream", async (_, head, status, listener = UPGRADES) => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port], listener });
    const client = await dial(proxy.port);
    client.send(`${head}GET /second HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answer = await client.waitForEnd();
    expect(answer.match(/HTTP\/1\.1 \d{3}/g)).toEqual([`HTTP/1.1 ${status}`]);
    expect(answer).toContain("connection: close");
    expect(upstream.received()).toBe("");
    expect(proxy.finished[0]?.facts.responseCodeDetails).toBe("upgrade_refused");
    await expectAtRest(proxy);
  });

  test("a route says for itself what it allows", async () => {
    await using upstream = await fixedUpstream(SWITCHING);
    const routes = [
      route({ name: "no", match: { prefix: "/no", headers: [] }, upgrades: [] }),
      route({ name: "raw", match: { prefix: "/raw", headers: [] }, upgrades: ["raw"] }),
      route(),
    ];
    await using proxy = await proxied({ upstreams: [upstream.port], routes });
    const first = async (path: string): Promise<string> => {
      const client = await dial(proxy.port);
      client.send(HEAD.replace("/chat", path));
      await client.waitFor("\r\n\r\n");
      client.socket.destroy();
      return client.text.slice(9, 12);
    };
    expect([await first("/no"), await first("/raw"), await first("/")]).toEqual(["403", "403", "101"]);
    await expectAtRest(proxy);
  });

  test.each([
    ["without Connection: upgrade", HEAD.replace("Connection: Upgrade\r\n", "")],
    ["from HTTP/1.0", HEAD.replace("HTTP/1.1", "HTTP/1.0")],
    ["with a body", HEAD.replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nab").replace("GET", "POST")],
    ["h2c", HEAD.replace("websocket", "h2c")],
    ["a list of which nothing is allowed", HEAD.replace("websocket", "h2c, other")],
  ])("an offer %s is passed over: the request goes on in HTTP/1.1", async (_, head) => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await proxied({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(head);
    await client.waitFor("\r\n\r\nok");
    expect(upstream.received()).not.toMatch(/^(?:connection|upgrade):/im);
    client.socket.destroy();
    await expectAtRest(proxy);
  });
});

describe("what the upstream says to an upgrade", () => {
  test.each([
    ["426 with a length", "HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\nno", "426"],
    ["200 in chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\nx-t: 1\r\n\r\n", "200"],
    [
      "103, then 401 until the end",
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 401 No\r\nconnection: close\r\n\r\nno",
      "401",
    ],
    ["204", "HTTP/1.1 204 No Content\r\n\r\n", "204"],
  ])("%s is an answer like any, and what came behind the head is no request", async (_, answer, status) => {
    await using upstream = await rawUpstream((peer) => {
      if (!peer.text.includes("\r\n\r\n")) return;
      peer.send(answer);
      if (answer.includes("close")) peer.socket.end();
    });
    await using proxy = await proxied({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(`${HEAD}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    const text = await client.waitForEnd();
    const finals = text.match(/HTTP\/1\.1 [2-5]\d\d/g);
    expect(finals).toEqual([`HTTP/1.1 ${status}`]);
    expect(upstream.received()).not.toContain("smuggled");
    expect(upstream.connections).toHaveLength(1);
    await expectAtRest(proxy);
  });

  test.each([
    ["another protocol", SWITCHING.replace("websocket", "other"), 502],
    ["101 without Upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", 502],
    ["101 with a body", SWITCHING.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello"), 502],
    ["no HTTP", "hello\r\n\r\n", 502],
    ["nine 103 in a row", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(9), 502],
    ["nothing", "", 503],
  ])("%s is refused with an answer in HTTP", async (_, answer, status) => {
    await using upstream = await rawUpstream((peer) => {
      if (!peer.text.includes("\r\n\r\n")) return;
      if (answer === "") peer.socket.destroy();
      else peer.send(answer);
    });
    await using proxy = await proxied({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(HEAD);
    const text = await client.waitForEnd();
    expect(text).toMatch(new RegExp(`HTTP/1\\.1 ${status} `));
    expect(text).not.toMatch(/HTTP\/1\.1 101/);
    await expectAtRest(proxy);
  });

  test("bytes that come with the 101, and bytes sent before it, arrive once each", async () => {
    await using upstream = await rawUpstream((peer) => {
      if (!peer.text.endsWith("\r\n\r\n")) return;
      peer.text = "";
      peer.send(`${SWITCHING}welcome`);
    });
    await using proxy = await proxied({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(`${HEAD}early`);
    await client.waitFor("welcome");
    await until(() => upstream.connections[0]?.text === "early", "what was early");
    expect(client.text.split("\r\n\r\n")[1]).toBe("welcome");
    client.socket.destroy();
    await expectAtRest(proxy);
  });

  test("an upstream that does not answer is given up after the route's timeout; an open tunnel is not", async () => {
    await using upstream = await rawUpstream((peer, at) => {
      if (at > 0 && peer.text.endsWith("\r\n\r\n")) peer.send(SWITCHING);
    });
    await using proxy = await proxied({ upstreams: [upstream.port], routes: [route({ timeoutMs: 60 })] });
    const client = await dial(proxy.port);
    client.send(HEAD);
    expect(await client.waitForEnd()).toMatch(/^HTTP\/1\.1 504 /);
    const other = await dial(proxy.port);
    other.send(HEAD);
    await other.waitFor("101");
    const openedMs = performance.now();
    await until(() => performance.now() > openedMs + 150, "more than the route's timeout");
    expect(other.closed).toBe(false);
    other.socket.destroy();
    await expectAtRest(proxy);
  });
});

describe("an open tunnel", () => {
  /** Both ends, the upstream's as a raw client. */
  async function open(
    inputs: TestProxyInputs = {},
  ): Promise<AsyncDisposable & { client: Client; peer: Client; proxy: TestProxy }> {
    const upstream = await rawUpstream((peer) => {
      if (!peer.text.endsWith("\r\n\r\n")) return;
      peer.text = "";
      peer.send(SWITCHING);
    });
    const proxy = await proxied({ upstreams: [upstream.port], ...inputs });
    const client = await dial(proxy.port, { allowHalfOpen: true });
    client.send(HEAD);
    await client.waitFor("\r\n\r\n");
    client.text = "";
    const peer = upstream.connections[0] as Client;
    return {
      client,
      peer,
      proxy,
      async [Symbol.asyncDispose]() {
        await proxy[Symbol.asyncDispose]();
        await upstream[Symbol.asyncDispose]();
      },
    };
  }

  test("passes on a half-close of the client, and what the upstream still says", async () => {
    await using tunnel = await open();
    const { client, peer, proxy } = tunnel;
    peer.socket.removeAllListeners("end");
    client.socket.end("last words", "latin1");
    await until(() => peer.text === "last words" && peer.socket.readableEnded, "the FIN");
    peer.send("answer");
    await client.waitFor("answer");
    peer.socket.end();
    await client.waitForEnd();
    await proxy.ended(1);
    expect(proxy.finished[0]?.facts).toMatchObject({ responseFlags: "", requestBytes: 10, responseBytes: 6 });
    await expectAtRest(proxy);
  });

  test("passes on a half-close of the upstream, and what the client still says", async () => {
    await using tunnel = await open();
    const { client, peer, proxy } = tunnel;
    peer.socket.end("bye", "latin1");
    await client.waitFor("bye");
    await until(() => client.ended, "the FIN");
    client.send("one more");
    await until(() => peer.text === "one more", "what the client said after it");
    expect(proxy.finished).toHaveLength(0);
    client.socket.end();
    await until(() => client.closed && peer.closed, "the end");
    await expectAtRest(proxy);
  });

  test("carries two streams at once though neither side reads before it has written", async () => {
    await using tunnel = await open({ limits: { bufferBytes: 16 * 1024 } });
    const { client, peer, proxy } = tunnel;
    const bytes = Buffer.alloc(4 * 1024 * 1024, "x");
    client.socket.pause();
    peer.socket.pause();
    client.send(bytes);
    peer.send(bytes);
    await until(() => client.socket.writableLength > 0 && peer.socket.writableLength > 0, "both to write");
    client.socket.resume();
    await until(() => client.text.length === bytes.length, "what the upstream wrote", 10_000);
    peer.socket.resume();
    await until(() => peer.text.length === bytes.length, "what the client wrote", 10_000);
    client.socket.destroy();
    await expectAtRest(proxy);
  });

  test("holds the side that writes while the other does not read", async () => {
    await using tunnel = await open({ limits: { bufferBytes: 16 * 1024 } });
    const { client, peer, proxy } = tunnel;
    peer.socket.pause();
    let read = 0;
    peer.socket.removeAllListeners("data").on("data", (text: string) => (read += text.length));
    peer.socket.pause();
    // More than all the kernel's buffers on the way.
    const bytes = Buffer.alloc(48 * 1024 * 1024, "x");
    client.send(bytes);
    let still = 0;
    let last = -1;
    await until(() => {
      const now = client.socket.bytesWritten - client.socket.writableLength;
      still = now === last ? still + 1 : 0;
      last = now;
      return still > 2000;
    }, "the client to be held");
    expect(client.socket.writableLength).toBeGreaterThan(0);
    peer.socket.resume();
    await until(() => read === bytes.length, "all of it", 20_000);
    client.socket.destroy();
    await expectAtRest(proxy);
  });

  test("that is silent is broken off after the stream's idle timeout", async () => {
    await using tunnel = await open({ limits: { streamIdleTimeoutMs: 60 } });
    const { client, peer, proxy } = tunnel;
    await until(() => client.closed && peer.closed, "both to be closed");
    await proxy.ended(1);
    expect(proxy.finished[0]?.facts).toMatchObject({ responseFlags: "SI", responseCodeDetails: "stream_idle_timeout" });
    await expectAtRest(proxy);
  });

  test("is work under way to the drain, which waits for it and then cuts it off", async () => {
    await using tunnel = await open();
    const { client, peer, proxy } = tunnel;
    const drained = proxy.listener.drain(400);
    client.send("still here");
    await until(() => peer.text === "still here", "the tunnel to go on");
    await drained;
    await until(() => client.ended && peer.closed, "both to be closed");
    expect(proxy.finished).toHaveLength(1);
  });
});

describe("filters", () => {
  test("see the head, the 101 and every byte as body, until both sides have ended", async () => {
    await using upstream = await rawUpstream((peer) => {
      if (!peer.text.includes("\r\n\r\n")) return;
      peer.text = "";
      peer.send(`${SWITCHING}hello`);
    });
    const log: string[] = [];
    await using proxy = await proxied({ upstreams: [upstream.port], chain: chainOf(recorder(log)) });
    const client = await dial(proxy.port, { allowHalfOpen: true });
    client.send(HEAD);
    await client.waitFor("hello");
    client.socket.end("frames", "latin1");
    await client.waitForEnd();
    await proxy.ended(1);
    expect(log[0]).toMatch(/^request :method GET .* connection upgrade upgrade websocket .*false$/);
    expect(log[1]).toBe("response :status 101 connection upgrade upgrade websocket false");
    expect(log.slice(2)).toEqual(["< hello false", "> frames false", ">  true", "<  true", "end"]);
    await expectAtRest(proxy);
  });

  test("may answer in place of the 101", async () => {
    await using upstream = await fixedUpstream(SWITCHING);
    const chain = chainOf(
      recorder([], (port) => {
        port.stopRequest("no");
        port.forwardResponseHeaders([":status", "418"], true);
        return true;
      }),
    );
    await using proxy = await proxied({ upstreams: [upstream.port], chain });
    const client = await dial(proxy.port);
    client.send(`${HEAD}GET / HTTP/1.1\r\n\r\n`);
    expect((await client.waitForEnd()).match(/HTTP\/1\.1 \d{3}/g)).toEqual(["HTTP/1.1 418"]);
    await expectAtRest(proxy);
  });

  test("may not turn the 101 into something else without answering", async () => {
    await using upstream = await fixedUpstream(SWITCHING);
    const chain = chainOf(
      recorder([], (port) => {
        port.forwardResponseHeaders([":status", "200"], false);
        return true;
      }),
    );
    await using proxy = await proxied({ upstreams: [upstream.port], chain });
    const client = await dial(proxy.port);
    client.send(HEAD);
    expect(await client.waitForEnd()).toMatch(/^HTTP\/1\.1 500 /);
    await expectAtRest(proxy);
  });
});
