// Two kinds of certificates on one name, and certificates of clients that have been revoked, against Node's and curl's TLS.
import { execFile } from "node:child_process";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { newAuthority, revocationList } from "../../support/certificates.ts";
import { startProxy, type TestProxyInputs } from "../../support/proxy.ts";
import { ask, authority, dialTls, local, refusal, serverTls } from "../../support/tls.ts";
import { expectNoSockets, fixedUpstream, OK, type RawUpstream } from "../../support/wire.ts";
import type { ServerTlsOptions } from "../../../host/tls/options.ts";

const rsa = authority.issue({ name: "local-rsa", dns: ["localhost"], ip: ["127.0.0.1"], algorithm: "rsa" });
const alice = authority.issue({ name: "alice" });
const mallory = authority.issue({ name: "mallory" });

const start = (upstream: RawUpstream, tls: Partial<ServerTlsOptions>, more: TestProxyInputs = {}) =>
  startProxy({ upstreams: [upstream.port], listener: { tls: serverTls(tls) }, ...more });

const BOTH = {
  certificates: [
    {
      certificate: local.cert,
      privateKey: local.key,
      serverNames: ["localhost"],
      alternative: { certificate: rsa.cert, privateKey: rsa.key },
    },
  ],
} as const;

afterEach(() => expectNoSockets());

describe("an ECDSA and an RSA certificate on one name", () => {
  test.each([
    ["TLSv1.2, ECDSA only", { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" }, "local"],
    ["TLSv1.2, RSA only", { ciphers: "ECDHE-RSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" }, "local-rsa"],
    ["TLSv1.3, RSA signatures only", { sigalgs: "RSA-PSS+SHA256:RSA+SHA256", minVersion: "TLSv1.3" }, "local-rsa"],
    ["TLSv1.3, ECDSA signatures only", { sigalgs: "ECDSA+SHA256", minVersion: "TLSv1.3" }, "local"],
    [
      "TLSv1.3, no server name, RSA",
      { sigalgs: "RSA-PSS+SHA256:RSA+SHA256", minVersion: "TLSv1.3", servername: "" },
      "local-rsa",
    ],
  ] as const)("a client with %s is shown %s", async (_, options, name) => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(upstream, BOTH);
    const socket: TLSSocket = await dialTls(proxy.port, { ...options, host: "127.0.0.1" });
    expect((socket.getPeerCertificate() as DetailedPeerCertificate).subject.CN).toBe(name);
    expect(await ask(socket)).toContain("200 OK");
    await proxy.ended(1);
    expect(proxy.finished[0]?.facts.tls?.local?.subject).toBe(`CN=${name}`);
  });

  test("with one alone, a client that knows only the other kind is refused", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(upstream, {});
    expect(await refusal(proxy.port, { sigalgs: "RSA-PSS+SHA256:RSA+SHA256" })).toMatch(/ALERT|HANDSHAKE/);
    await proxy.ended(1);
    expect(proxy.finished[0]?.facts.responseCodeDetails).toBe("tls_no_shared_cipher");
  });
});

describe("certificates of clients that may have been revoked", () => {
  const show = (who: typeof alice) => ({ cert: who.cert, key: who.key });
  const rules = (crl: readonly string[], mode: "require" | "optional" = "require") => ({
    clientCertificates: { mode, ca: authority.cert, crl },
  });
  const rejected = async (tls: Partial<ServerTlsOptions>, who: typeof alice): Promise<string | undefined> => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(upstream, tls);
    await refusal(proxy.port, show(who));
    await proxy.ended(1);
    return proxy.finished[0]?.facts.responseCodeDetails;
  };

  test("a revoked one is refused, the others are let in", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(upstream, rules([revocationList(authority, [mallory])]));
    expect(await ask(await dialTls(proxy.port, show(alice)))).toContain("200 OK");
    await refusal(proxy.port, show(mallory));
    await proxy.ended(2);
    expect(proxy.finished.map(({ facts }) => facts.responseCodeDetails)).toEqual([
      "via_upstream",
      "tls_client_certificate_rejected",
    ]);
    expect(proxy.metric("sluice_tls_handshake_failed_total", { reason: "client_certificate_rejected" })).toBe(1);
  });

  test("a revoked one is refused also where none would do", async () => {
    const tls = rules([revocationList(authority, [mallory])], "optional");
    expect(await rejected(tls, mallory)).toBe("tls_client_certificate_rejected");
  });

  test("nobody is let in under a list that is out of date, or with none of his authority", async () => {
    expect(await rejected(rules([revocationList(authority, [], -1)]), alice)).toBe("tls_client_certificate_rejected");
    const others = revocationList(newAuthority("Others"), []);
    expect(await rejected(rules([others]), alice)).toBe("tls_client_certificate_rejected");
  });

  test("a session from before the revocation is not taken up after it", async () => {
    await using upstream = await fixedUpstream(OK);
    const shared = { ticketKeys: Buffer.alloc(48, 3) };
    await using before = await start(upstream, rules([revocationList(authority, [])]), shared);
    await using after = await start(upstream, rules([revocationList(authority, [mallory])]), shared);
    let session: Buffer | undefined;
    const socket = await dialTls(before.port, show(mallory));
    socket.on("session", (given: Buffer) => (session = given));
    expect(await ask(socket)).toContain("200 OK");
    expect(session).toBeDefined();
    await refusal(after.port, { ...show(mallory), ...(session === undefined ? {} : { session }) });
    await after.ended(1);
    expect(after.finished[0]?.facts.responseCodeDetails).toBe("tls_client_certificate_rejected");
  });
});

test("curl is shown the certificate it asks for", async () => {
  await using upstream = await fixedUpstream(OK);
  await using proxy = await start(upstream, BOTH);
  const curl = (cipher: string): Promise<string> =>
    new Promise((done) => {
      const args = [
        "-sk",
        "--tls-max",
        "1.2",
        "--ciphers",
        cipher,
        "-w",
        "%{certs}",
        `https://localhost:${proxy.port}/`,
      ];
      execFile("curl", args, (_, out) => done(out));
    });
  expect(await curl("ECDHE-RSA-AES128-GCM-SHA256")).toContain("ok");
  expect(await curl("ECDHE-ECDSA-AES128-GCM-SHA256")).toContain("ok");
});
