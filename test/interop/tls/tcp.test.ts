// TCP over TLS: listeners that take it, clusters that are reached by it. Half-closes, resets, back-pressure and failures
// behave as without.
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { newAuthority, selfSigned } from "../../support/certificates.ts";
import { dialRaw, pour, Sink, startTcp, startUpstream, type TcpSetup } from "../../support/tcp.ts";
import { authority, clientTls, dialTls, dialTlsHalfOpen, local, serverTls, tlsUpstream } from "../../support/tls.ts";
import { expectNoSockets, until } from "../../support/wire.ts";

afterEach(expectNoSockets);

const secured = serverTls({ alpn: [] });
const start = (setup: TcpSetup) => startTcp({ tls: secured, ...setup });

/** A client that closes when the proxy does. */
async function dialPlain(port: number) {
  const socket = connectTcp({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** What comes until the peer has said its last. */
async function readAll(socket: TLSSocket | ReturnType<typeof connectTcp>): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  await once(socket, "end");
  return text;
}

describe("a tcp listener with tls", () => {
  test("carries bytes, and each direction ends on its own", async () => {
    await using upstream = await startUpstream();
    await using proxy = await start({ upstreams: [upstream.port] });
    const client = await dialTlsHalfOpen(proxy.port);
    client.end("question");
    const peer = await upstream.first();
    expect(await readAll(peer)).toBe("question");
    // The client's direction has ended; the answer still comes.
    peer.end("answer");
    expect(await readAll(client)).toBe("answer");
    const facts = await proxy.ended();
    expect([facts.responseFlags, facts.responseCodeDetails]).toEqual(["", "via_upstream"]);
    expect(facts.tls?.version).toBe("TLSv1.3");
  });

  test("the upstream's end is passed on as close_notify while the client goes on", async () => {
    await using upstream = await startUpstream();
    await using proxy = await start({ upstreams: [upstream.port] });
    const client = await dialTlsHalfOpen(proxy.port);
    const peer = await upstream.first();
    peer.end("bye");
    expect(await readAll(client)).toBe("bye");
    client.end("later");
    expect(await readAll(peer)).toBe("later");
    expect((await proxy.ended()).responseCodeDetails).toBe("via_upstream");
  });

  test("a reset of one side reaches the other as a reset", async () => {
    await using upstream = await startUpstream();
    await using proxy = await start({ upstreams: [upstream.port] });
    const client = await dialTls(proxy.port);
    const reset = new Promise<string>((resolve) =>
      client.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "")),
    );
    (await upstream.first()).resetAndDestroy();
    expect(await reset).toBe("ECONNRESET");
    expect((await proxy.ended()).responseFlags).toBe("UC");
  });

  test("a client below whose TLS the connection is reset resets the upstream", async () => {
    await using upstream = await startUpstream();
    await using proxy = await start({ upstreams: [upstream.port] });
    const raw = connectTcp({ port: proxy.port, host: "127.0.0.1" });
    await once(raw, "connect");
    await dialTls(proxy.port, { socket: raw });
    const peer = await upstream.first();
    const reset = once(peer, "error");
    raw.resetAndDestroy();
    expect(await reset).toMatchObject([{ code: "ECONNRESET" }]);
    expect((await proxy.ended()).responseFlags).toBe("DC");
  });

  test("a broken record resets the upstream: what came before may not be all", async () => {
    await using upstream = await startUpstream();
    await using proxy = await start({ upstreams: [upstream.port] });
    const raw = connectTcp({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
    await once(raw, "connect");
    (await dialTls(proxy.port, { socket: raw })).write("some");
    const peer = await upstream.first();
    const reset = once(peer.resume(), "error");
    raw.write(Buffer.from("1703030010000102030405060708090a0b0c0d0e0f", "hex"));
    expect(await reset).toMatchObject([{ code: "ECONNRESET" }]);
    expect((await proxy.ended()).responseFlags).toBe("DC");
    raw.destroy();
  });

  test("moves much both ways, and holds little for a client that does not read", async () => {
    const total = 8 * 1024 * 1024;
    await using upstream = await startUpstream();
    await using proxy = await start({ upstreams: [upstream.port], bufferBytes: 16 * 1024 });
    const client = await dialTls(proxy.port);
    client.pause();
    const peer = await upstream.first();
    pour(peer, total);
    await until(() => proxy.metric("sluice_tcp_flow_control_paused_reading_total") > 0, "the pause");
    const sink = new Sink(client);
    const back = new Sink(peer);
    client.resume();
    pour(client, total);
    await until(() => sink.ended && back.ended, "both ends", 20_000);
    expect([sink.received, sink.wrong, back.received, back.wrong]).toEqual([total, 0, total, 0]);
  });

  test("without a handshake nothing reaches the upstream", async () => {
    await using upstream = await startUpstream();
    await using proxy = await start({ upstreams: [upstream.port] });
    const client = await dialPlain(proxy.port);
    client.end("plain words that are no handshake\r\n\r\n");
    client.resume();
    await once(client, "close");
    const facts = await proxy.ended();
    expect(facts.responseCodeDetails).toMatch(/^tls_(not_tls|other)$/);
    expect(upstream.sockets).toHaveLength(0);
  });
});

describe("a tcp cluster with tls", () => {
  const to = (port: number, tls = clientTls()): TcpSetup => ({ upstreams: [port], cluster: { tls } });

  test("carries bytes, half-closes included, from a plain client and from a secured one", async () => {
    for (const tls of [undefined, secured]) {
      await using upstream = await tlsUpstream({}, (socket) => {
        let text = "";
        socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
        socket.on("end", () => socket.end(`heard ${text}`));
      });
      await using proxy = await startTcp({ ...to(upstream.port), ...(tls === undefined ? {} : { tls }) });
      const client = tls === undefined ? await dialRaw(proxy.port) : await dialTlsHalfOpen(proxy.port);
      client.end("hello");
      expect(await readAll(client)).toBe("heard hello");
      const facts = await proxy.ended();
      expect(facts.upstreamTls?.version).toBe("TLSv1.3");
      expect(facts.upstreamTls?.peer?.subject).toBe("CN=local");
      client.destroy();
    }
  });

  test("a reset of the upstream below its TLS reaches the client as a reset", async () => {
    await using upstream = await tlsUpstream({}, (socket) => {
      socket.once("data", () =>
        (socket as unknown as { _parent: { resetAndDestroy(): void } })._parent.resetAndDestroy(),
      );
    });
    await using proxy = await startTcp(to(upstream.port));
    const client = connectTcp({ port: proxy.port, host: "127.0.0.1" });
    const reset = once(client.resume(), "error");
    client.write("x");
    expect(await reset).toMatchObject([{ code: "ECONNRESET" }]);
    expect((await proxy.ended()).responseFlags).toBe("UC");
  });

  test("a reset of the client resets the upstream", async () => {
    let code = "";
    await using upstream = await tlsUpstream({}, (socket) => {
      socket.on("error", (error: NodeJS.ErrnoException) => (code = error.code ?? ""));
      socket.resume();
    });
    await using proxy = await startTcp(to(upstream.port));
    const client = await dialRaw(proxy.port);
    await until(() => upstream.sockets.length > 0, "the upstream's connection");
    await until(() => proxy.cluster.endpoints[0]!.requests === 1, "the tunnel");
    client.resetAndDestroy();
    await until(() => code !== "", "the reset");
    expect(code).toBe("ECONNRESET");
  });

  const strange = newAuthority("Strangers").issue({ name: "x", ip: ["127.0.0.1"] });
  const expired = authority.issue({ name: "x", ip: ["127.0.0.1"], fromDays: -20, toDays: -10 });
  const misnamed = authority.issue({ name: "x", dns: ["other.example"] });
  const own = selfSigned({ name: "x", ip: ["127.0.0.1"] });

  test.each([
    ["of an unknown authority", strange, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ["that has expired", expired, "CERT_HAS_EXPIRED"],
    ["for another name", misnamed, "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["that it signed itself", own, "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ])("an upstream with a certificate %s is refused, with the reason", async (_, certificate, reason) => {
    await using upstream = await tlsUpstream(certificate);
    await using proxy = await startTcp(to(upstream.port));
    const client = await dialPlain(proxy.port);
    client.resume();
    await once(client, "close");
    const facts = await proxy.ended();
    expect([facts.responseFlags, facts.responseCodeDetails]).toEqual(["UF", "upstream_connect_failure"]);
    expect(facts.transportFailure).toContain(reason);
  });

  test("an upstream that never finishes its handshake runs into the connect timeout", async () => {
    await using upstream = await startUpstream();
    await using proxy = await startTcp({
      upstreams: [upstream.port],
      cluster: { tls: clientTls(), connectTimeoutMs: 60 },
    });
    const client = await dialPlain(proxy.port);
    client.resume();
    await once(client, "close");
    expect((await proxy.ended()).responseCodeDetails).toBe("upstream_connect_timeout");
    expect(proxy.cluster.connections).toBe(0);
  });

  test("a client that leaves while the handshake is made leaves nothing behind", async () => {
    await using upstream = await startUpstream();
    await using proxy = await startTcp(to(upstream.port));
    const client = await dialPlain(proxy.port);
    await upstream.first();
    client.resetAndDestroy();
    await proxy.ended();
    await until(() => proxy.cluster.connections === 0, "the end of the dial");
  });

  test("shows its client certificate", async () => {
    const certificate = authority.issue({ name: "proxy" });
    await using upstream = await tlsUpstream({ ca: authority.cert, requestCert: true }, (socket) =>
      socket.end(String(socket.getPeerCertificate().subject.CN)),
    );
    await using proxy = await startTcp(
      to(upstream.port, clientTls({ certificate: certificate.cert, privateKey: certificate.key })),
    );
    expect(await readAll(await dialPlain(proxy.port))).toBe("proxy");
    expect(local.cert).not.toBe(certificate.cert);
  });
});
