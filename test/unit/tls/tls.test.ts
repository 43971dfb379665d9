// What can be known of TLS without a socket: which certificate a name gets, what is offered, what a certificate says.
import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { DOWNSTREAM_TLS, UPSTREAM_TLS } from "../../../host/chain/attributes/tls.ts";
import type { StreamFacts } from "../../../host/chain/ports.ts";
import { CertificateFacts, namesOf } from "../../../host/tls/certificate.ts";
import { cipherString, DEFAULT_CIPHERS } from "../../../host/tls/context.ts";
import { failureText, failureWord } from "../../../host/tls/failure.ts";
import { ServerNames } from "../../../host/tls/server-names.ts";
import { selfSigned } from "../../support/certificates.ts";

const one = (...serverNames: string[]) => ({ certificate: "", privateKey: "", serverNames });

describe("server names", () => {
  const names = new ServerNames([one(), one("a.example"), one("*.example"), one("*.b.example")]);
  test.each([
    ["a.example", 1],
    ["A.Example", 1],
    ["c.example", 2],
    ["x.b.example", 3],
    ["b.example", 2],
    ["x.y.example", 0],
    ["example", 0],
    [".example", 0],
    ["*.example", 2],
    ["", 0],
  ])("%s gets certificate %d", (name, number) => {
    expect(names.pick(name)).toBe(number);
  });
});

describe("ciphers", () => {
  test("the default has forward secrecy and AEAD only", () => {
    for (const name of DEFAULT_CIPHERS.split(":")) {
      expect(name).toMatch(/^TLS_|^ECDHE-/);
      expect(name).toMatch(/GCM|POLY1305/);
    }
  });

  test("a list about TLS 1.2 leaves the suites of 1.3, a list that names some of those is taken as it is", () => {
    expect(cipherString(["ECDHE-RSA-AES128-SHA256"])).toMatch(/^TLS_.*:ECDHE-RSA-AES128-SHA256$/);
    expect(cipherString(["TLS_AES_256_GCM_SHA384"])).toBe("TLS_AES_256_GCM_SHA384");
    expect(cipherString([])).toBe(DEFAULT_CIPHERS);
  });
});

describe("a certificate", () => {
  const wanted = {
    name: "a, b",
    organisation: "O=x+y",
    dns: ["a.example", "b.example"],
    uri: ["spiffe://d/ns, DNS:evil.example"],
    ip: ["10.0.0.1"],
  };
  const certificate = new X509Certificate(selfSigned(wanted).cert);
  const peer = new CertificateFacts(certificate);

  test("says its subject with the most specific part first, and escaped", () => {
    expect(peer.subject).toBe("CN=a\\, b,O=O=x\\+y");
  });

  test("a separator inside a name makes no second name of it", () => {
    expect(namesOf(certificate, "DNS")).toEqual(["a.example", "b.example"]);
    expect(peer.uriSan).toBe("spiffe://d/ns, DNS:evil.example");
  });

  test("is found in properties, and nothing is without TLS", () => {
    const tls = { version: "TLSv1.3", cipher: "", serverName: "s", alpn: "", resumed: false, local: null, peer };
    const facts = { tls, upstreamTls: null, transportFailure: "why" } as unknown as StreamFacts;
    const read = (of: typeof DOWNSTREAM_TLS, from: StreamFacts) =>
      Object.fromEntries(Object.entries(of).flatMap(([name, get]) => (get(from) === "" ? [] : [[name, get(from)]])));
    expect(read(DOWNSTREAM_TLS, facts)).toEqual({
      tls_version: "TLSv1.3",
      requested_server_name: "s",
      subject_peer_certificate: "CN=a\\, b,O=O=x\\+y",
      dns_san_peer_certificate: "a.example",
      uri_san_peer_certificate: "spiffe://d/ns, DNS:evil.example",
      sha256_peer_certificate_digest: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
      peer_certificate: encodeURIComponent(certificate.toString()),
    });
    expect(read(UPSTREAM_TLS, facts)).toEqual({ transport_failure_reason: "why" });
    expect(read(DOWNSTREAM_TLS, {} as StreamFacts)).toEqual({});
  });
});

describe("failures", () => {
  test("have a word from a closed set, and a text without control characters", () => {
    const error = (code: string, message: string) => Object.assign(new Error(message), { code });
    expect(failureWord(error("ERR_SSL_HTTP_REQUEST", ""))).toBe("plain_http");
    expect(failureWord(error("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", ""))).toBe("peer_alert");
    expect(failureWord(error("ERR_SSL_SOMETHING_NEW", ""))).toBe("other");
    expect(failureWord(undefined)).toBe("other");
    expect(failureText(error("CERT_HAS_EXPIRED", "certificate\nhas\u0000expired"))).toBe(
      "CERT_HAS_EXPIRED: certificate has expired",
    );
    expect(failureText(error("X", "y".repeat(1000)))).toHaveLength(200);
  });
});
