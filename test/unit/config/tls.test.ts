// `tls:` of listeners and clusters: what is read, and that every mistake in it or in its files has a place and no secret.
import { createPrivateKey } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { ProblemError } from "../../../host/base/problem.ts";
import { diffConfig } from "../../../host/config/diff.ts";
import { type ParseOptions, parseConfig } from "../../../host/config/load.ts";
import { redactConfig } from "../../../host/config/redact.ts";
import { newAuthority } from "../../support/certificates.ts";
import { where } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-config-tls-"));
afterAll(() => rmSync(folder, { recursive: true }));

const authority = newAuthority();
const pair = authority.issue({ name: "a", dns: ["A.example.com", "*.example.com"] });
const other = authority.issue({ name: "b", dns: ["b.example.com"] });
const expired = authority.issue({ name: "old", fromDays: -20, toDays: -10 });
const locked = createPrivateKey(pair.key).export({
  type: "pkcs8",
  format: "pem",
  cipher: "aes-256-cbc",
  passphrase: "p",
});
const FILES: Readonly<Record<string, string | Buffer>> = {
  "a.pem": pair.cert,
  "a.key": pair.key,
  "b.pem": other.cert,
  "b.key": other.key,
  "chain.pem": pair.cert + authority.cert,
  "old.pem": expired.cert,
  "old.key": expired.key,
  "locked.key": locked,
  "ca.pem": authority.cert,
  "der.pem": Buffer.from(pair.cert.split("\n").slice(1, -2).join(""), "base64"),
  "cut.pem": pair.cert.slice(0, 200),
  "broken.pem": pair.cert.replace("MII", "AAA"),
  "broken.key": pair.key.replace("MI", "AA"),
};
for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);

const listener = (tls: string): string => `listeners:
  - name: public
    address: 127.0.0.1:8443
    routes: [{ name: all, match: { prefix: / }, route: { cluster: web } }]
    tls: ${tls}
clusters: [{ name: web, endpoints: [{ address: 127.0.0.1:9001 }] }]
`;
const cluster = (tls: string): string => `listeners:
  - { name: public, address: 127.0.0.1:8080, routes: [{ name: all, match: { prefix: / }, route: { cluster: web } }] }
clusters:
  - { name: web, endpoints: [{ address: 127.0.0.1:9001 }], tls: ${tls} }
`;
const A = "{ certFile: a.pem, keyFile: a.key }";
const parse = (text: string, more: Partial<ParseOptions> = {}) =>
  parseConfig(text, { path: join(folder, "sluice.yaml"), env: {}, ...more });

async function problemsOf(text: string) {
  try {
    await parse(text);
  } catch (error) {
    if (error instanceof ProblemError) return error.problems;
    throw error;
  }
  return [];
}

describe("tls of a listener", () => {
  test("is read with its files and defaults", async () => {
    const { config, warnings } = await parse(listener(`{ certificates: [${A}, { certFile: b.pem, keyFile: b.key }] }`));
    expect(warnings).toEqual([]);
    expect(config.listeners[0]!.tls).toMatchObject({
      certificates: [
        { certificate: pair.cert, privateKey: pair.key, serverNames: ["a.example.com", "*.example.com"] },
        { certificate: other.cert, serverNames: ["b.example.com"] },
      ],
      clientCertificates: { mode: "none", ca: "" },
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      alpn: ["h2", "http/1.1"],
      handshakeTimeoutMs: 10_000,
      files: ["a.pem", "a.key", "b.pem", "b.key"].map((name) => join(folder, name)),
    });
  });

  test("names that are given outrank those in certificates", async () => {
    const given = "{ certFile: b.pem, keyFile: b.key, serverNames: [a.example.com, B.example.COM] }";
    const { config } = await parse(listener(`{ certificates: [${A}, ${given}] }`));
    expect(config.listeners[0]!.tls?.certificates.map(({ serverNames }) => serverNames)).toEqual([
      ["*.example.com"],
      ["a.example.com", "b.example.com"],
    ]);
  });

  test("an expired certificate is a warning with its place", async () => {
    const { warnings } = await parse(listener("{ certificates: [{ certFile: old.pem, keyFile: old.key }] }"));
    expect(warnings.map(where)).toEqual(["5:39 expired_certificate"]);
    const early = new VirtualClock(0);
    const { warnings: before } = await parse(listener(`{ certificates: [${A}] }`), { clock: early });
    expect(before.map(({ code }) => code)).toEqual(["future_certificate"]);
  });

  test("keys are in no dump and no list of changes; without files nothing is read", async () => {
    const { config } = await parse(listener(`{ certificates: [${A}] }`));
    const { config: changed } = await parse(listener("{ certificates: [{ certFile: b.pem, keyFile: b.key }] }"));
    const line = pair.key.split("\n")[1]!;
    expect(JSON.stringify(config)).toContain(line);
    expect(JSON.stringify(redactConfig(config))).not.toContain(line);
    expect(diffConfig(config, changed)).toEqual(["listener public changed: tls"]);
    const bare = await parse(listener("{ certificates: [{ certFile: gone.pem, keyFile: gone.key }] }"), {
      files: false,
    });
    expect(bare.config.listeners[0]!.tls?.certificates[0]?.privateKey).toBe("");
  });

  test.each([
    ["a file that is not there", "{ certificates: [{ certFile: gone.pem, keyFile: a.key }] }", "5:39 unreadable_file"],
    ["a folder", "{ certificates: [{ certFile: ., keyFile: a.key }] }", "5:39 unreadable_file"],
    ["DER", "{ certificates: [{ certFile: der.pem, keyFile: a.key }] }", "5:39 not_pem"],
    ["a key in place of a certificate", "{ certificates: [{ certFile: a.key, keyFile: a.key }] }", "5:39 not_pem"],
    ["a certificate in place of a key", "{ certificates: [{ certFile: a.pem, keyFile: a.pem }] }", "5:55 not_pem"],
    ["a certificate cut off", "{ certificates: [{ certFile: cut.pem, keyFile: a.key }] }", "5:39 bad_certificate"],
    ["a broken certificate", "{ certificates: [{ certFile: broken.pem, keyFile: a.key }] }", "5:39 bad_certificate"],
    ["a broken key", "{ certificates: [{ certFile: a.pem, keyFile: broken.key }] }", "5:55 bad_key"],
    ["a key with a passphrase", "{ certificates: [{ certFile: a.pem, keyFile: locked.key }] }", "5:55 locked_key"],
    ["another certificate's key", "{ certificates: [{ certFile: a.pem, keyFile: b.key }] }", "5:55 wrong_key"],
    ["no certificate", "{ certificates: [] }", "5:26 bad_value"],
    ["no certificates key", "{}", "5:10 missing_key"],
    [
      "a bad name",
      `{ certificates: [{ certFile: a.pem, keyFile: a.key, serverNames: ["a.*.com"] }] }`,
      "5:76 bad_server_name",
    ],
    [
      "a name twice",
      `{ certificates: [{ certFile: a.pem, keyFile: a.key, serverNames: [x] }, { certFile: a.pem, keyFile: a.key, serverNames: [X] }] }`,
      "5:131 duplicate_name",
    ],
    [
      "versions the wrong way round",
      `{ certificates: [${A}], minVersion: TLSv1.3, maxVersion: TLSv1.2 }`,
      "5:77 bad_versions",
    ],
    ["an old version", `{ certificates: [${A}], minVersion: TLSv1.1 }`, "5:77 bad_value"],
    ["an unknown cipher", `{ certificates: [${A}], ciphers: [AES-NI] }`, "5:75 unknown_cipher"],
    ["a group of OpenSSL's", `{ certificates: [${A}], ciphers: [HIGH] }`, "5:75 unknown_cipher"],
    ["an operator of OpenSSL's", `{ certificates: [${A}], ciphers: ["!aNULL"] }`, "5:75 unknown_cipher"],
    [
      "ciphers that no version can use",
      `{ certificates: [${A}], maxVersion: TLSv1.2, ciphers: [TLS_AES_128_GCM_SHA256] }`,
      "5:95 bad_ciphers",
    ],
    ["mTLS without authorities", `{ certificates: [${A}], clientCertificates: { mode: require } }`, "5:85 missing_key"],
    ["authorities for nothing", `{ certificates: [${A}], clientCertificates: { caFile: ca.pem } }`, "5:87 unused_key"],
    ["a protocol it does not speak", `{ certificates: [${A}], alpn: [spdy] }`, "5:72 not_supported"],
    ["an unknown key", `{ certificates: [${A}], sni: x }`, "5:65 unknown_key"],
  ])("is refused for %s", async (_, tls, place) => {
    const problems = await problemsOf(listener(tls));
    expect(problems.map(where)).toEqual([place]);
    expect(JSON.stringify(problems)).not.toContain(pair.key.split("\n")[1]!);
  });
});

describe("tls of a cluster", () => {
  test("is read with its files and defaults", async () => {
    const { config } = await parse(cluster("{ sni: db.example, caFile: ca.pem, certFile: chain.pem, keyFile: a.key }"));
    expect(config.clusters[0]!.tls).toMatchObject({
      sni: "db.example",
      ca: authority.cert,
      certificate: pair.cert + authority.cert,
      privateKey: pair.key,
      verify: true,
      verifyNames: [],
      files: ["chain.pem", "a.key", "ca.pem"].map((name) => join(folder, name)),
    });
    expect((await parse(cluster("{}"))).config.clusters[0]!.tls).toMatchObject({ ca: "", verify: true });
  });

  test.each([
    ["a certificate without key", "{ certFile: a.pem }", "4:65 missing_key"],
    ["a key without certificate", "{ keyFile: a.key }", "4:65 missing_key"],
    ["a key that does not fit", "{ certFile: a.pem, keyFile: b.key }", "4:93 wrong_key"],
    ["authorities nobody asks", "{ caFile: ca.pem, verify: false }", "4:67 unused_key"],
    ["names nobody checks", "{ verifyNames: [a], verify: false }", "4:67 unused_key"],
    ["an address as server name", "{ sni: 127.0.0.1 }", "4:72 bad_server_name"],
    ["authorities that are none", "{ caFile: a.key }", "4:75 not_pem"],
  ])("is refused for %s", async (_, tls, place) => {
    expect((await problemsOf(cluster(tls))).map(where)).toEqual([place]);
  });
});
