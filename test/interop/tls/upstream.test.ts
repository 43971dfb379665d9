// HTTP clusters with TLS: proxied requests and call-outs. Who is believed, what is said when nobody is, and how connections
// and sessions are used again.
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../host/base/clock.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { TimerWheel } from "../../../host/base/timer-wheel.ts";
import { createCallouts } from "../../../host/net/callout.ts";
import { MetricRegistry } from "../../../host/observe/metrics.ts";
import type { CalloutResult } from "../../../host/plugin/callout-port.ts";
import type { ClientTlsOptions } from "../../../host/tls/options.ts";
import { Cluster } from "../../../host/upstream/cluster.ts";
import { type Issued, newAuthority, selfSigned } from "../../support/certificates.ts";
import { clusterOptions, startProxy, type TestProxy } from "../../support/proxy.ts";
import { authority, clientTls, type TlsUpstream, tlsUpstream } from "../../support/tls.ts";
import { exchange, expectNoSockets, OK, rawUpstream, until } from "../../support/wire.ts";

const GET = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

const startFor = (
  upstream: { readonly port: number },
  tls: Partial<ClientTlsOptions> = {},
  more = {},
): Promise<TestProxy> => startProxy({ upstreams: [upstream.port], cluster: { tls: clientTls(tls), ...more } });

const factsOf = async (proxy: TestProxy) => (await proxy.ended(1))[0]!.facts;

afterEach(expectNoSockets);

describe("an HTTP cluster with tls", () => {
  test("is reached, pooled, and what it showed is known", async () => {
    await using upstream = await tlsUpstream();
    await using proxy = await startFor(upstream);
    for (let turn = 0; turn < 3; turn++) expect(await exchange(proxy.port, GET)).toContain("200 OK");
    expect(upstream.sockets).toHaveLength(1);
    const { upstreamTls } = await factsOf(proxy);
    expect([upstreamTls?.version, upstreamTls?.alpn, upstreamTls?.peer?.dnsSan]).toEqual(["TLSv1.3", "", "localhost"]);
    expect(upstreamTls?.peer?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test("asks for the server name of sni, else for the endpoint's host if that is a name", async () => {
    const named = authority.issue({ name: "x", dns: ["shop.example"], ip: ["127.0.0.1"] });
    await using upstream = await tlsUpstream(named);
    await using proxy = await startFor(upstream, { sni: "shop.example" });
    await using bare = await startFor(upstream);
    expect(await exchange(proxy.port, GET)).toContain("200 OK");
    expect(await exchange(bare.port, GET)).toContain("200 OK");
    expect(upstream.names()).toEqual(["shop.example", false]);
  });

  test("takes a session up again when it dials anew", async () => {
    await using upstream = await tlsUpstream({}, (socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"));
    });
    await using proxy = await startFor(upstream);
    for (let turn = 0; turn < 3; turn++) {
      expect(await exchange(proxy.port, GET)).toContain("200 OK");
      await until(() => proxy.cluster.connections === 0, "the end of the connection");
    }
    expect([upstream.sockets.length, upstream.resumed()]).toEqual([3, 2]);
    expect(proxy.finished.at(-1)!.facts.upstreamTls?.resumed).toBe(true);
    expect(proxy.finished.at(-1)!.facts.upstreamTls?.peer?.subject).toBe("CN=local");
  });

  const cases: readonly (readonly [string, Issued, string])[] = [
    [
      "of an unknown authority",
      newAuthority("Strangers").issue({ name: "x", ip: ["127.0.0.1"] }),
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    ],
    [
      "that has expired",
      authority.issue({ name: "x", ip: ["127.0.0.1"], fromDays: -20, toDays: -10 }),
      "CERT_HAS_EXPIRED",
    ],
    ["that is not valid yet", authority.issue({ name: "x", ip: ["127.0.0.1"], fromDays: 5 }), "CERT_NOT_YET_VALID"],
    ["for another name", authority.issue({ name: "x", dns: ["other.example"] }), "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["that it signed itself", selfSigned({ name: "x", ip: ["127.0.0.1"] }), "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ];

  test.each(cases)("a certificate %s: 503, UF, and the reason", async (_, certificate, reason) => {
    await using upstream = await tlsUpstream(certificate);
    await using proxy = await startFor(upstream);
    const answer = await exchange(proxy.port, GET);
    expect(answer).toContain("503 Service Unavailable");
    expect(answer).not.toContain(reason);
    const facts = await factsOf(proxy);
    expect([facts.responseFlags, facts.responseCodeDetails]).toEqual(["UF", "upstream_connect_failure"]);
    expect(facts.transportFailure).toContain(reason);
    expect(proxy.metric("sluice_cluster_upstream_cx_connect_fail_total")).toBe(1);
    expect(proxy.cluster.connections).toBe(0);
  });

  test.each(cases)("with verify: false, a certificate %s is taken", async (_, certificate) => {
    await using upstream = await tlsUpstream(certificate);
    await using proxy = await startFor(upstream, { verify: false, ca: "" });
    expect(await exchange(proxy.port, GET)).toContain("200 OK");
  });

  test("verifyNames replaces the name: one of them must be borne", async () => {
    const named = authority.issue({ name: "x", dns: ["db.internal"] });
    await using upstream = await tlsUpstream(named);
    await using good = await startFor(upstream, { verifyNames: ["nobody.internal", "db.internal"] });
    await using bad = await startFor(upstream, { verifyNames: ["nobody.internal"] });
    expect(await exchange(good.port, GET)).toContain("200 OK");
    expect(await exchange(bad.port, GET)).toContain("503");
  });

  test("without caFile nobody but the system's authorities is believed", async () => {
    await using upstream = await tlsUpstream();
    await using proxy = await startFor(upstream, { ca: "" });
    expect(await exchange(proxy.port, GET)).toContain("503");
    expect((await factsOf(proxy)).transportFailure).toContain("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  test("a peer that does not speak TLS, and one of other versions", async () => {
    await using plain = await rawUpstream((peer) => peer.send(OK));
    await using old = await tlsUpstream({ maxVersion: "TLSv1.2" });
    await using toPlain = await startFor(plain);
    await using toOld = await startFor(old, { minVersion: "TLSv1.3" });
    for (const proxy of [toPlain, toOld]) {
      expect(await exchange(proxy.port, GET)).toContain("503");
      const facts = await factsOf(proxy);
      expect(facts.responseFlags).toBe("UF");
      expect(facts.transportFailure).toMatch(/^ERR_SSL_|^E/);
    }
  });

  test("shows its client certificate, and says so when it is asked for one and has none", async () => {
    const mine = authority.issue({ name: "proxy" });
    await using upstream: TlsUpstream = await tlsUpstream({ ca: authority.cert, requestCert: true });
    await using good = await startFor(upstream, { certificate: mine.cert, privateKey: mine.key });
    await using bare = await startFor(upstream);
    expect(await exchange(good.port, GET)).toContain("200 OK");
    expect((await factsOf(good)).upstreamTls?.local?.subject).toBe("CN=proxy");
    expect(await exchange(bare.port, GET)).toContain("503");
    expect((await factsOf(bare)).transportFailure).toMatch(/CERTIFICATE_REQUIRED/);
  });

  test("an endpoint that never finishes its handshake runs into the connect timeout", async () => {
    const { startUpstream } = await import("../../support/tcp.ts");
    await using upstream = await startUpstream();
    await using proxy = await startFor(upstream, {}, { connectTimeoutMs: 60 });
    expect(await exchange(proxy.port, GET)).toContain("503");
    expect((await factsOf(proxy)).responseCodeDetails).toBe("upstream_connect_timeout");
  });

  test("large bodies pass both ways", async () => {
    const size = 2_000_000;
    await using upstream = await tlsUpstream({}, (socket) => {
      let got = 0;
      socket.on("data", (chunk: Buffer) => {
        got += chunk.length;
        if (got > size) socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${"y".repeat(size)}`);
      });
      socket.on("end", () => socket.end());
    });
    await using proxy = await startFor(upstream);
    const head = `POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: ${size}\r\n\r\n`;
    const answer = await exchange(proxy.port, head + "x".repeat(size));
    expect(answer.length).toBeGreaterThan(size);
    expect((await factsOf(proxy)).responseBytes).toBe(size);
  });
});

describe("HTTP call-outs to a cluster with tls", () => {
  async function call(port: number, tls: Partial<ClientTlsOptions>): Promise<CalloutResult> {
    const clock = systemClock;
    const wheel = new TimerWheel(clock);
    const options = { ...clusterOptions([port]), tls: clientTls(tls) };
    const cluster = new Cluster(options, { clock, wheel, random: seededRandom(1), registry: new MetricRegistry() });
    const headers = [":method", "GET", ":path", "/", ":authority", "a"];
    const request = {
      cluster: "up",
      headers,
      body: Buffer.alloc(0),
      trailers: [],
      timeoutMs: 5000,
      maxBodyBytes: 1000,
    };
    const result = await new Promise<CalloutResult>((done) => {
      createCallouts({ cluster: () => cluster, clock, wheel }).send(request, done);
    });
    cluster.close();
    return result;
  }

  test("are answered, and refused when the certificate is not believed", async () => {
    await using upstream = await tlsUpstream();
    expect(await call(upstream.port, {})).toMatchObject({ ok: true });
    expect(await call(upstream.port, { verifyNames: ["x.example"] })).toEqual({
      ok: false,
      failure: "connect_failure",
    });
    const closed = upstream.sockets.map((socket) => (socket.closed ? null : once(socket, "close")));
    await Promise.all(closed);
  });
});
