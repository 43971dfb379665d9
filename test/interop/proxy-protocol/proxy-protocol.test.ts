// PROXY headers in and out with real peers: TLS behind the header, HTTP/2, timeouts, who may send one, and clusters that are
// told whose connection it is, over HTTP, TLS, WebSocket and TCP.
import { execFile } from "node:child_process";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { AddressList } from "../../../host/net/address-list.ts";
import { parseHeader } from "../../../host/net/proxy-protocol/parse.ts";
import { proxyHeader } from "../../../host/net/proxy-protocol/write.ts";
import { route, startProxy, type TestProxyInputs } from "../../support/proxy.ts";
import { startTcp } from "../../support/tcp.ts";
import { authority, clientTls, serverTls, tlsUpstream } from "../../support/tls.ts";
import {
  dial,
  expectAtRest,
  expectNoSockets,
  fixedUpstream,
  OK,
  type RawUpstream,
  rawUpstream,
  until,
} from "../../support/wire.ts";

const RULES = { from: ["127.0.0.1"], timeoutMs: 60_000, required: true };
const HEADER = "PROXY TCP4 9.8.7.6 5.6.7.8 54321 443\r\n";
const CLIENT = { sourceAddress: "9.8.7.6", sourcePort: 54_321, destinationAddress: "5.6.7.8", destinationPort: 443 };
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

const behind = (upstream: { readonly port: number }, more: TestProxyInputs = {}) =>
  startProxy({ upstreams: [upstream.port], ...more, listener: { proxyProtocol: RULES, ...more.listener } });

afterEach(() => expectNoSockets());

describe("a listener behind another proxy", () => {
  test("begins its TLS handshake behind the header, also when both come in one piece", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await behind(upstream, { listener: { tls: serverTls() } });
    for (const whole of [true, false]) {
      const raw = connect(proxy.port, "127.0.0.1");
      await new Promise((ready) => raw.once("connect", ready));
      // Corked: the header and the client's hello leave together.
      if (whole) raw.cork();
      raw.write(HEADER);
      const socket = connectTls({ socket: raw, ca: authority.cert, servername: "localhost" });
      if (whole) process.nextTick(() => raw.uncork());
      await new Promise((secured, failed) => socket.once("secureConnect", secured).once("error", failed));
      let text = "";
      socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
      socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      await new Promise((closed) => socket.once("close", closed));
      expect(text).toContain("200 OK");
    }
    const facts = proxy.finished.map(({ facts }) => `${facts.sourceAddress} ${facts.scheme} ${facts.tls?.version}`);
    expect(facts).toEqual(["9.8.7.6 https TLSv1.3", "9.8.7.6 https TLSv1.3"]);
    expect(upstream.received()).toContain("x-forwarded-for: 9.8.7.6\r\n");
    await expectAtRest(proxy);
  });

  test("speaks HTTP/2 behind the header, and curl sends it (--haproxy-protocol)", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await behind(upstream);
    const curl = (...args: string[]): Promise<string> =>
      new Promise((done) =>
        execFile("curl", ["-s", "-w", " %{http_version}", ...args, `http://127.0.0.1:${proxy.port}/`], (_, out) =>
          done(out),
        ),
      );
    expect(await curl("--haproxy-protocol")).toBe("ok 1.1");
    expect(await curl("--haproxy-protocol", "--http2-prior-knowledge")).toBe("ok 2");
    expect(proxy.finished.map(({ facts }) => facts.sourceAddress)).toEqual(["127.0.0.1", "127.0.0.1"]);
    await expectAtRest(proxy);
  });

  test("counts and logs a header that does not come in time", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await behind(upstream, { listener: { proxyProtocol: { ...RULES, timeoutMs: 30 } } });
    const client = await dial(proxy.port);
    client.send("PROXY TCP4 9.8");
    expect(await client.waitForEnd()).toBe("");
    await proxy.ended(1);
    expect(proxy.finished[0]?.facts).toMatchObject({
      responseFlags: "DT",
      responseCodeDetails: "proxy_protocol_timeout",
      sourceAddress: "127.0.0.1",
    });
    expect(proxy.metric("sluice_proxy_protocol_failed_total", { reason: "timeout" })).toBe(1);
    await expectAtRest(proxy);
  });

  test("takes no header from others: it is a request that breaks the rules", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await behind(upstream, { listener: { proxyProtocol: { ...RULES, from: ["10.0.0.0/8"] } } });
    const forged = await dial(proxy.port);
    forged.send(HEADER + GET);
    expect(await forged.waitForEnd()).toMatch(/^HTTP\/1\.1 400 /);
    const honest = await dial(proxy.port);
    honest.send(GET);
    await honest.waitFor("\r\n\r\nok");
    expect(proxy.finished.map(({ facts }) => facts.sourceAddress)).toEqual(["127.0.0.1", "127.0.0.1"]);
    honest.socket.destroy();
    await expectAtRest(proxy);
  });

  test("takes connections without a header where none is required, and headers as well", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await behind(upstream, { listener: { proxyProtocol: { ...RULES, required: false } } });
    for (const text of [GET, HEADER + GET]) {
      const client = await dial(proxy.port);
      client.send(text.slice(0, 3));
      client.send(text.slice(3));
      await client.waitFor("\r\n\r\nok");
      client.socket.destroy();
    }
    expect(proxy.finished.map(({ facts }) => facts.sourceAddress)).toEqual(["127.0.0.1", "9.8.7.6"]);
    await expectAtRest(proxy);
  });

  test("lets go of who has not said who it is when it drains", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await behind(upstream);
    const client = await dial(proxy.port);
    await until(() => proxy.listener.connections === 1, "the connection");
    const began = performance.now();
    await proxy.listener.drain(10_000);
    expect(performance.now() - began).toBeLessThan(3000);
    expect(await client.waitForEnd()).toBe("");
  });

  test.each([
    ["127.0.0.1", true],
    ["::ffff:127.0.0.1", true],
    ["127.0.0.2", false],
    ["10.1.2.3", true],
    ["2001:db8::5", true],
    ["2001:db9::5", false],
    ["", false],
  ])("an allow-list of addresses and networks has %j: %s", (address, expected) => {
    expect(new AddressList(["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"]).has(address)).toBe(expected);
  });
});

/** What each connection of an upstream began with, and the rest. */
function heads(upstream: RawUpstream): readonly string[] {
  return upstream.connections.map(({ text }) => text.split("\r\n", 1)[0] ?? "");
}

describe("a cluster that is told whose connection it is", () => {
  /** Keeps what it hears; answers every request. */
  const listening = (): Promise<RawUpstream> =>
    rawUpstream((peer) => {
      if (peer.text.endsWith("\r\n\r\n")) peer.send(OK);
    });

  test("gets one connection per request, each with the header of its client", async () => {
    await using upstream = await listening();
    await using proxy = await behind(upstream, { cluster: { proxyProtocol: "v1" } });
    const client = await dial(proxy.port);
    client.send(HEADER + GET);
    await client.waitFor("\r\n\r\nok");
    client.text = "";
    client.send(GET);
    await client.waitFor("\r\n\r\nok");
    const other = await dial(proxy.port);
    other.send(HEADER.replace("9.8.7.6", "9.9.9.9") + GET);
    await other.waitFor("\r\n\r\nok");
    expect(heads(upstream)).toEqual([
      "PROXY TCP4 9.8.7.6 5.6.7.8 54321 443",
      "PROXY TCP4 9.8.7.6 5.6.7.8 54321 443",
      "PROXY TCP4 9.9.9.9 5.6.7.8 54321 443",
    ]);
    client.socket.destroy();
    other.socket.destroy();
    await expectAtRest(proxy);
    expect(proxy.cluster.connections).toBe(0);
  });

  test("in version 2, in front of TLS", async () => {
    let first: Buffer = Buffer.alloc(0);
    await using upstream = await tlsUpstream();
    await using front = await rawUpstreamBefore(upstream.port, (bytes) => (first = bytes));
    await using proxy = await startProxy({
      upstreams: [front.port],
      cluster: { proxyProtocol: "v2", tls: clientTls({ sni: "localhost" }) },
    });
    const client = await dial(proxy.port);
    client.send(GET);
    await client.waitFor("\r\n\r\nok");
    const parsed = parseHeader(first);
    expect(parsed).toMatchObject({
      kind: "done",
      addresses: { sourceAddress: "127.0.0.1", destinationPort: proxy.port },
    });
    expect(proxy.finished[0]?.facts.upstreamTls?.version).toBe("TLSv1.3");
    client.socket.destroy();
    await expectAtRest(proxy);
  });

  test("for a WebSocket and for CONNECT", async () => {
    await using upstream = await rawUpstream((peer) => {
      if (peer.text.endsWith("\r\n\r\n"))
        peer.send("HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n");
    });
    const tunnel = route({ name: "tunnel", match: { exact: "", connect: true, headers: [] } });
    await using proxy = await behind(upstream, {
      cluster: { proxyProtocol: "v1" },
      routes: [tunnel, route()],
      listener: { upgrades: ["websocket"], connect: true },
    });
    const socket = await dial(proxy.port);
    socket.send(`${HEADER}GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`);
    await socket.waitFor("101");
    const connected = await dial(proxy.port);
    connected.send(`${HEADER}CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nx`);
    await connected.waitFor("200");
    await until(() => upstream.connections[1]?.text.endsWith("\r\nx") === true, "what the tunnel carries");
    expect(heads(upstream)).toEqual(["PROXY TCP4 9.8.7.6 5.6.7.8 54321 443", "PROXY TCP4 9.8.7.6 5.6.7.8 54321 443"]);
    socket.socket.destroy();
    connected.socket.destroy();
    await expectAtRest(proxy);
  });

  test("for TCP, header to header", async () => {
    await using upstream = await rawUpstream((peer) => peer.send("hi"));
    await using proxy = await startTcp({
      upstreams: [upstream.port],
      cluster: { proxyProtocol: "v1" },
      proxyProtocol: RULES,
    });
    const client = await dial(proxy.port);
    client.send(`${HEADER}payload`);
    await client.waitFor("hi");
    await until(() => upstream.received().endsWith("payload"), "the payload");
    expect(upstream.received()).toBe(`${HEADER}payload`);
    client.socket.destroy();
    expect((await proxy.ended()).sourceAddress).toBe("9.8.7.6");
  });

  test("that cannot be reached is 503, and a limit on connections holds", async () => {
    await using upstream = await rawUpstream(() => {});
    await using closed = await startProxy({ upstreams: [1], cluster: { proxyProtocol: "v2" } });
    const refused = await dial(closed.port);
    refused.send(GET);
    await refused.waitFor("503 ");
    await using proxy = await startProxy({
      upstreams: [upstream.port],
      cluster: { proxyProtocol: "v2", maxConnections: 1 },
    });
    const first = await dial(proxy.port);
    first.send(GET);
    await until(() => upstream.connections.length === 1, "the first");
    const second = await dial(proxy.port);
    second.send(GET);
    await second.waitFor("503 ");
    expect(proxy.finished[0]?.facts.responseFlags).toBe("UO");
    first.socket.resetAndDestroy();
    for (const one of [second, refused]) one.socket.destroy();
    await expectAtRest(proxy);
    await expectAtRest(closed);
  });
});

/** Passes on to `port` what comes behind a PROXY header of version 2. */
async function rawUpstreamBefore(port: number, saw: (header: Buffer) => void): Promise<RawUpstream> {
  const links = new Map<number, ReturnType<typeof connect>>();
  return rawUpstream((peer, at) => {
    const bytes = Buffer.from(peer.text, "latin1");
    peer.text = "";
    let link = links.get(at);
    if (link === undefined) {
      const parsed = parseHeader(bytes);
      if (parsed.kind !== "done") throw new Error(`no header: ${bytes.toString("hex")}`);
      saw(bytes.subarray(0, parsed.length));
      link = connect(port, "127.0.0.1");
      link.on("data", (chunk) => peer.send(chunk));
      link.on("error", () => {});
      peer.socket.on("close", () => link?.destroy());
      links.set(at, link);
      link.write(bytes.subarray(parsed.length));
      return;
    }
    link.write(bytes);
  });
}

describe("a header that is written", () => {
  test.each([
    ["IPv4", CLIENT],
    ["IPv6", { ...CLIENT, sourceAddress: "2001:db8::1", destinationAddress: "::1" }],
    ["IPv6 without zeros", { ...CLIENT, sourceAddress: "1:2:3:4:5:6:7:8", destinationAddress: "::" }],
  ])("%s is read back as it was, in both versions", (_, client) => {
    for (const version of ["v1", "v2"] as const) {
      const header = proxyHeader(version, client);
      expect(parseHeader(header)).toEqual({ kind: "done", length: header.length, addresses: client });
    }
  });

  test("of mixed families is IPv6, and of nobody is UNKNOWN or LOCAL", () => {
    const mixed = { ...CLIENT, destinationAddress: "2001:db8::1" };
    expect(proxyHeader("v1", mixed).toString()).toContain("TCP6 ::ffff:9.8.7.6 2001:db8::1 ");
    expect(parseHeader(proxyHeader("v2", mixed)).kind).toBe("done");
    for (const nobody of [null, { ...CLIENT, sourceAddress: "" }]) {
      expect(proxyHeader("v1", nobody).toString()).toBe("PROXY UNKNOWN\r\n");
      expect(parseHeader(proxyHeader("v2", nobody))).toMatchObject({ addresses: null });
    }
  });
});
