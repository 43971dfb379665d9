// TLS of HTTP listeners against real clients: Node's own, curl, undici, openssl. What a handshake agrees on, who is let in,
// what is counted and logged when it fails, and that nothing stays open.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { type AddressInfo, connect as connectTcp, createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { Agent, fetch } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import { TlsAcceptor } from "../../../host/net/tls/acceptor.ts";
import type { ServerTlsOptions } from "../../../host/tls/options.ts";
import { type Issued, newAuthority } from "../../support/certificates.ts";
import { startProxy, type TestProxy, type TestProxyInputs } from "../../support/proxy.ts";
import { ask, authority, dialTls, dialTlsHalfOpen, refusal, serverTls } from "../../support/tls.ts";
import { expectNoSockets, fixedUpstream, OK, until } from "../../support/wire.ts";

const run = promisify(execFile);
const pairOf = (issued: Issued, serverNames: readonly string[] = []) => ({
  certificate: issued.cert,
  privateKey: issued.key,
  serverNames,
});

const startTls = (tls: Partial<ServerTlsOptions> = {}, more: TestProxyInputs = {}): Promise<TestProxy> =>
  startProxy({ ...more, listener: { ...more.listener, tls: serverTls(tls) } });

const subject = (socket: TLSSocket): string => String(socket.getPeerCertificate().subject.CN);

/** Node's event for a finished exchange, or for a handshake that never became one. */
async function lastDetails(proxy: TestProxy): Promise<string> {
  const [{ facts } = { facts: null }] = await proxy.ended(1);
  return `${facts?.responseFlags} ${facts?.responseCodeDetails}`;
}

const failed = (proxy: TestProxy, reason: string): number =>
  proxy.metric("sluice_tls_handshake_failed_total", { reason });

afterEach(expectNoSockets);

describe("a listener with tls", () => {
  test("serves HTTP/1.1 to node:https, undici and curl, and tells the upstream that it was https", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startTls({}, { upstreams: [upstream.port] });
    const body = await new Promise<string>((resolve, reject) => {
      const sent = request({ port: proxy.port, host: "127.0.0.1", ca: authority.cert, agent: false }, (answer) => {
        answer.setEncoding("latin1").once("data", resolve);
      });
      sent.on("error", reject).end();
    });
    expect(body).toBe("ok");
    const dispatcher = new Agent({ connect: { ca: authority.cert } });
    expect(await (await fetch(`https://localhost:${proxy.port}/`, { dispatcher })).text()).toBe("ok");
    await dispatcher.close();
    const folder = await mkdtemp(join(tmpdir(), "sluice-tls-"));
    await writeFile(join(folder, "ca.pem"), authority.cert);
    const curl = await run("curl", ["-sS", "--cacert", join(folder, "ca.pem"), `https://localhost:${proxy.port}/`]);
    await rm(folder, { recursive: true });
    expect(curl.stdout).toBe("ok");
    expect(upstream.received().match(/x-forwarded-proto: https\r\n/g)).toHaveLength(3);
    expect(proxy.finished[0]!.facts.scheme).toBe("https");
    expect(proxy.metric("sluice_tls_handshake_total", { version: "TLSv1.3" })).toBe(3);
  });

  test("shows the certificate of the name that is asked for: exact, wildcard of one label, else the first", async () => {
    const names = ["first", "exact", "wild"] as const;
    const [first, exact, wild] = names.map((name) => authority.issue({ name, dns: ["localhost"] }));
    await using proxy = await startTls({
      certificates: [pairOf(first!), pairOf(exact!, ["a.example.com"]), pairOf(wild!, ["*.example.com"])],
    });
    const shown = async (servername: string): Promise<string> => {
      const socket = await dialTls(proxy.port, { servername, checkServerIdentity: () => undefined });
      const name = subject(socket);
      socket.destroy();
      return name;
    };
    expect(await shown("a.example.com")).toBe("exact");
    expect(await shown("A.EXAMPLE.com")).toBe("exact");
    expect(await shown("b.example.com")).toBe("wild");
    expect(await shown("c.b.example.com")).toBe("first");
    expect(await shown("example.com")).toBe("first");
    expect(await shown("")).toBe("first");
  });

  test("speaks only the versions it is told to", async () => {
    await using both = await startTls();
    await using only12 = await startTls({ maxVersion: "TLSv1.2" });
    await using only13 = await startTls({ minVersion: "TLSv1.3" });
    const version = async (port: number): Promise<string | null> => {
      const socket = await dialTls(port);
      const spoken = socket.getProtocol();
      socket.destroy();
      return spoken;
    };
    expect(await version(both.port)).toBe("TLSv1.3");
    expect(await version(only12.port)).toBe("TLSv1.2");
    expect(await refusal(only13.port, { maxVersion: "TLSv1.2" })).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    await until(() => failed(only13, "unsupported_version") === 1, "the failed handshake");
    // A client of the old days, allowed to be one.
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    expect(await refusal(both.port, old)).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
  });

  test("offers no CBC suite, and takes the suites it is told to", async () => {
    await using proxy = await startTls();
    const cbc = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA" } as const;
    expect(await refusal(proxy.port, cbc)).toBe("ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE");
    await until(() => failed(proxy, "no_shared_cipher") === 1, "the failed handshake");
    await using one = await startTls({ ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384", maxVersion: "TLSv1.2" });
    const socket = await dialTls(one.port);
    const cipher = socket.getCipher();
    socket.destroy();
    expect(cipher.name).toBe("ECDHE-ECDSA-AES256-GCM-SHA384");
  });

  test("agrees on http/1.1, also with a client that asks for nothing, and refuses one that wants something else", async () => {
    await using proxy = await startTls();
    const agreed = async (ALPNProtocols?: string[]): Promise<unknown> => {
      const socket = await dialTls(proxy.port, ALPNProtocols === undefined ? {} : { ALPNProtocols });
      socket.destroy();
      return socket.alpnProtocol;
    };
    expect(await agreed(["h2", "http/1.1"])).toBe("http/1.1");
    expect(await agreed()).toBe(false);
    expect(await refusal(proxy.port, { ALPNProtocols: ["spdy/3"] })).toBe(
      "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
    );
    await until(() => failed(proxy, "no_application_protocol") === 1, "the failed handshake");
  });

  test("takes up a session on another data thread, with the same keys, and not with others", async () => {
    const ticketKeys = Buffer.alloc(48, 7);
    await using upstream = await fixedUpstream(OK);
    const with7 = { upstreams: [upstream.port], ticketKeys };
    await using first = await startTls({}, with7);
    await using second = await startTls({}, with7);
    await using stranger = await startTls({}, { upstreams: [upstream.port] });
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const own = await dialTls(first.port, { maxVersion: version });
      // In TLS 1.2 the session is part of the handshake, in 1.3 it comes after it.
      let session: Buffer | undefined = own.getSession();
      own.on("session", (given: Buffer) => (session = given));
      await ask(own);
      const again = async (port: number): Promise<boolean> => {
        const socket = await dialTls(port, { maxVersion: version, session });
        const reused = socket.isSessionReused();
        expect(await ask(socket)).toContain("200 OK");
        return reused;
      };
      expect([version, await again(second.port)]).toEqual([version, true]);
      expect([version, await again(stranger.port)]).toEqual([version, false]);
    }
    expect(second.metric("sluice_tls_session_reused_total")).toBe(2);
  });
});

describe("client certificates", () => {
  const client = authority.issue({
    name: "alice",
    organisation: "Tests",
    dns: ["alice.example"],
    uri: ["spiffe://example/alice"],
  });
  const stranger = newAuthority("Strangers").issue({ name: "mallory" });
  const expired = authority.issue({ name: "old", fromDays: -20, toDays: -10 });
  const require = { clientCertificates: { mode: "require", ca: authority.cert } } as const;
  const optional = { clientCertificates: { mode: "optional", ca: authority.cert } } as const;

  test("required: a good one is let in and its identity is known", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startTls(require, { upstreams: [upstream.port] });
    expect(await ask(await dialTls(proxy.port, client))).toContain("200 OK");
    const [{ facts } = { facts: null }] = await proxy.ended(1);
    expect(facts?.tls?.peer?.subject).toBe("CN=alice,O=Tests");
    expect(facts?.tls?.peer?.uriSan).toBe("spiffe://example/alice");
    expect(facts?.tls?.peer?.dnsSan).toBe("alice.example");
    expect(facts?.tls?.local?.subject).toBe("CN=local");
    expect(facts?.tls?.serverName).toBe("localhost");
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "required: none, a stranger's and an expired one are refused (%s)",
    async (maxVersion) => {
      await using proxy = await startTls(require);
      expect(await refusal(proxy.port, { maxVersion })).toMatch(/ALERT|ECONNRESET/);
      await until(() => failed(proxy, "client_certificate_missing") === 1, "the missing certificate");
      await refusal(proxy.port, { ...stranger, maxVersion });
      await refusal(proxy.port, { ...expired, maxVersion });
      await until(() => failed(proxy, "client_certificate_rejected") === 2, "the rejected certificates");
      expect(proxy.finished.map(({ facts }) => facts.responseCodeDetails)).toEqual([
        "tls_client_certificate_missing",
        "tls_client_certificate_rejected",
        "tls_client_certificate_rejected",
      ]);
      expect(proxy.finished.every(({ facts }) => facts.sourceAddress === "127.0.0.1")).toBe(true);
    },
  );

  test("optional: none is let in without identity, a good one with, a bad one not at all", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startTls(optional, { upstreams: [upstream.port] });
    expect(await ask(await dialTls(proxy.port))).toContain("200 OK");
    expect(await ask(await dialTls(proxy.port, client))).toContain("200 OK");
    const facts = (await proxy.ended(2)).map((one) => one.facts.tls?.peer?.subject ?? "nobody");
    expect(facts).toEqual(["nobody", "CN=alice,O=Tests"]);
    await refusal(proxy.port, stranger);
    await until(() => failed(proxy, "client_certificate_rejected") === 1, "the rejected certificate");
  });

  test("a session does not outlive the rules by which its client was let in", async () => {
    const ticketKeys = Buffer.alloc(48, 9);
    await using upstream = await fixedUpstream(OK);
    const shared = { upstreams: [upstream.port], ticketKeys };
    await using open = await startTls({}, shared);
    await using before = await startTls(require, shared);
    const others = newAuthority("Others");
    await using after = await startTls({ clientCertificates: { mode: "require", ca: others.cert } }, shared);
    const sessionOf = async (port: number): Promise<Buffer | undefined> => {
      let session: Buffer | undefined;
      const socket = await dialTls(port, client);
      socket.on("session", (given: Buffer) => (session = given));
      await ask(socket);
      return session;
    };
    const anonymous = await sessionOf(open.port);
    const trusted = await sessionOf(before.port);
    expect(await ask(await dialTls(before.port, { ...client, session: trusted }))).toContain("200 OK");
    const identity = before.finished.at(-1)!.facts.tls;
    expect([identity?.resumed, identity?.peer?.subject]).toEqual([true, "CN=alice,O=Tests"]);
    await refusal(after.port, { ...client, session: trusted });
    await refusal(before.port, { session: anonymous });
    expect(after.finished.map(({ facts }) => facts.responseCodeDetails)).toEqual(["tls_client_certificate_rejected"]);
    expect(before.finished.at(-1)!.facts.responseCodeDetails).toBe("tls_client_certificate_missing");
  });
});

describe("what is no handshake", () => {
  const sendRaw = async (port: number, bytes: string | Buffer): Promise<void> => {
    const socket = connectTcp({ port, host: "127.0.0.1" });
    socket.on("error", () => {}).resume();
    socket.write(bytes);
    await once(socket, "close");
  };

  test("plain HTTP is closed, counted and logged", async () => {
    await using proxy = await startTls();
    await sendRaw(proxy.port, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    expect(await lastDetails(proxy)).toBe("DPE tls_plain_http");
    expect(failed(proxy, "plain_http")).toBe(1);
    expect(proxy.metric("sluice_http_downstream_cx_active")).toBe(0);
  });

  test("garbage of any kind is closed and harms nobody", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startTls({}, { upstreams: [upstream.port] });
    const hello = "160301";
    const pieces = [
      "\0\0\0\0\0\0\0\0\0\0\0",
      "\xff".repeat(500),
      "SSH-2.0-x\r\n",
      "\x16\x03\x01\xff\xff" + "x".repeat(100),
    ];
    for (const piece of pieces) await sendRaw(proxy.port, Buffer.from(piece, "latin1"));
    await sendRaw(proxy.port, Buffer.from(`${hello}0005010000010a`, "hex"));
    await proxy.ended(5);
    expect(proxy.finished.every(({ facts }) => facts.responseCodeDetails.startsWith("tls_"))).toBe(true);
    expect(await ask(await dialTls(proxy.port))).toContain("200 OK");
  });

  test("a client that leaves in the middle is counted once", async () => {
    await using proxy = await startTls();
    const socket = connectTcp({ port: proxy.port, host: "127.0.0.1" });
    socket.write(Buffer.from("16030100", "hex"));
    await until(() => proxy.listener.connections === 1, "the connection");
    socket.resetAndDestroy();
    expect(await lastDetails(proxy)).toBe("DC tls_disconnected");
    expect(proxy.metric("sluice_tls_handshake_failed_total")).toBe(1);
  });

  test("one that says its last in the middle is not waited for", async () => {
    await using proxy = await startTls();
    const socket = connectTcp({ port: proxy.port, host: "127.0.0.1" });
    socket.end(Buffer.from("16030100", "hex"));
    await once(socket.resume(), "close");
    expect(await lastDetails(proxy)).toBe("DC tls_disconnected");
  });

  test("a handshake that trickles in is ended by its deadline, however often a byte comes", async () => {
    await using proxy = await startTls({ handshakeTimeoutMs: 60 });
    const socket = connectTcp({ port: proxy.port, host: "127.0.0.1" });
    socket.on("error", () => {}).resume();
    const trickle = setInterval(() => socket.write(Buffer.from([0x16])), 10);
    socket.write(Buffer.from("160301020001", "hex"));
    await once(socket, "close");
    clearInterval(trickle);
    expect(await lastDetails(proxy)).toBe("DT tls_timeout");
  });

  test("a connection beyond maxConnections is dropped without plain words, and handshakes count as connections", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startTls({}, { upstreams: [upstream.port], limits: { maxConnections: 1 } });
    const first = connectTcp({ port: proxy.port, host: "127.0.0.1" });
    first.on("error", () => {}).resume();
    await until(() => proxy.listener.connections === 1, "the connection");
    const second = connectTcp({ port: proxy.port, host: "127.0.0.1" });
    let said = "";
    second.on("error", () => {}).on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
    await once(second, "close");
    expect(said).toBe("");
    expect(proxy.metric("sluice_http_downstream_cx_overflow_total")).toBe(1);
    first.destroy();
    await until(() => proxy.listener.connections === 0, "the end of the first");
    expect(await ask(await dialTls(proxy.port))).toContain("200 OK");
  });

  test("handshakes under way end with their listener", async () => {
    const proxy = await startTls();
    const socket = connectTcp({ port: proxy.port, host: "127.0.0.1" });
    socket.on("error", () => {}).resume();
    await until(() => proxy.listener.connections === 1, "the connection");
    await Promise.all([once(socket, "close"), proxy.listener.drain(100)]);
    await proxy[Symbol.asyncDispose]();
    expect(proxy.listener.connections).toBe(0);
  });

  test("a client that asks for renegotiation is not obeyed", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startTls({ maxVersion: "TLSv1.2" }, { upstreams: [upstream.port] });
    const socket = await dialTls(proxy.port);
    const outcome = await new Promise<string>((resolve) => {
      socket.on("error", (error) => resolve(String(error)));
      socket.on("close", () => resolve("closed"));
      socket.renegotiate({}, (error) => resolve(error === null ? "renegotiated" : String(error)));
    });
    socket.destroy();
    expect(outcome).not.toBe("renegotiated");
  });
});

test("a secured socket holds for a slow client what its listener says", async () => {
  const held = Promise.withResolvers<number>();
  const acceptor = new TlsAcceptor("test", serverTls(), Buffer.alloc(48));
  const server = createServer({ highWaterMark: 12_345 }, (socket) =>
    acceptor.begin(socket, {
      secured(socket) {
        held.resolve(socket.writableHighWaterMark);
        socket.destroy();
      },
      handshakeFailed: held.reject,
    }),
  );
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const client = await dialTls((server.address() as AddressInfo).port);
  expect(await held.promise).toBe(12_345);
  client.destroy();
  await new Promise((closed) => server.close(closed));
});

describe("an HTTP exchange over TLS", () => {
  test("carries large bodies both ways and ends with close_notify", async () => {
    const size = 3_000_000;
    await using upstream = await fixedUpstream(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${"y".repeat(size)}`);
    await using proxy = await startTls({}, { upstreams: [upstream.port] });
    const socket = await dialTls(proxy.port);
    let received = 0;
    socket.on("data", (chunk: Buffer) => (received += chunk.length));
    socket.write(`POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: ${size}\r\n\r\n`);
    socket.write("x".repeat(size));
    await once(socket, "end");
    socket.destroy();
    expect(received).toBeGreaterThan(size);
    expect(proxy.finished[0]!.facts.requestBytes).toBe(size);
  });

  test("a client may say close_notify behind its request and read on", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startTls({}, { upstreams: [upstream.port] });
    const socket = await dialTlsHalfOpen(proxy.port);
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
    socket.end("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await once(socket, "end");
    expect(text).toContain("200 OK");
    expect(await lastDetails(proxy)).toBe(" via_upstream");
  });

  test("ends with a broken record", async () => {
    await using upstream = await fixedUpstream("");
    await using proxy = await startTls({}, { upstreams: [upstream.port] });
    const raw = connectTcp({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
    await once(raw, "connect");
    (await dialTls(proxy.port, { socket: raw })).write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await until(() => upstream.received() !== "", "the request");
    raw.write(Buffer.from("1703030010000102030405060708090a0b0c0d0e0f", "hex"));
    expect(await lastDetails(proxy)).toBe("DC downstream_disconnect");
    await until(() => proxy.listener.connections === 0, "the end of the connection");
    raw.destroy();
  });

  test("is reset where an answer breaks off, as without TLS", async () => {
    await using upstream = await fixedUpstream("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    await using proxy = await startTls({}, { upstreams: [upstream.port] });
    const socket = await dialTls(proxy.port);
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
    const error = once(socket, "error");
    socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await until(() => text.includes("half"), "the first half");
    for (const { socket: peer } of upstream.connections) peer.destroy();
    expect(await error).toMatchObject([{ code: "ECONNRESET" }]);
    expect(await lastDetails(proxy)).toBe("UC upstream_reset_after_response_started");
  });
});
