// Keys with a passphrase, a second certificate beside the first, and revocation lists: what is read and what is refused.
import { createPrivateKey } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ProblemError } from "../../../host/base/problem.ts";
import { type ParsedConfig, parseConfig } from "../../../host/config/load.ts";
import { redactConfig, redactText } from "../../../host/config/redact.ts";
import { newAuthority, revocationList } from "../../support/certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-tls-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PASSPHRASE = "pässwörd";
const authority = newAuthority();
const ec = authority.issue({ name: "a", dns: ["a.test"] });
const ec2 = authority.issue({ name: "b", dns: ["a.test"] });
const rsa = authority.issue({ name: "r", dns: ["a.test"], algorithm: "rsa" });
const lock = (key: string, type: "pkcs8" | "pkcs1" | "sec1"): string =>
  createPrivateKey(key)
    .export({ type: type as "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: PASSPHRASE })
    .toString();
const FILES: Readonly<Record<string, string>> = {
  "a.pem": ec.cert,
  "a.key": ec.key,
  "b.pem": ec2.cert,
  "b.key": ec2.key,
  "r.pem": rsa.cert,
  "r.key": rsa.key,
  "ca.pem": authority.cert,
  "locked.key": lock(ec.key, "pkcs8"),
  "locked-sec1.key": lock(ec.key, "sec1"),
  "locked-r.key": lock(rsa.key, "pkcs1"),
  "pass.txt": `${PASSPHRASE}\n`,
  "wrong.txt": "wrong\n",
  "crl.pem": revocationList(authority, [ec]) + revocationList(newAuthority("Other"), []),
  "bad-crl.pem": "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n",
};
for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);

const listener = (tls: string): string => `listeners:
  - name: public
    address: 127.0.0.1:8443
    routes: [{ name: all, match: { prefix: / }, directResponse: { status: 200 } }]
    tls:
      ${tls}
`;
const parse = (text: string): Promise<ParsedConfig> =>
  parseConfig(text, { path: join(folder, "sluice.yaml"), env: { KEY_PASSPHRASE: PASSPHRASE } });
const codes = async (tls: string): Promise<readonly string[]> => {
  try {
    await parse(listener(tls));
    return [];
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    expect(JSON.stringify(error.problems)).not.toMatch(/pässwörd|PRIVATE KEY/);
    return error.problems.map(({ code }) => code);
  }
};
const one = (more: string): string => `certificates: [{ ${more} }]`;

describe("a key with a passphrase", () => {
  test.each([
    ["from the environment", 'certFile: a.pem, keyFile: locked.key, passphrase: "${KEY_PASSPHRASE}"'],
    ["from a file", "certFile: a.pem, keyFile: locked.key, passphraseFile: pass.txt"],
    ["in the older form of EC keys", "certFile: a.pem, keyFile: locked-sec1.key, passphraseFile: pass.txt"],
    ["in the older form of RSA keys", "certFile: r.pem, keyFile: locked-r.key, passphraseFile: pass.txt"],
  ])("%s is opened when the configuration is read", async (_, keys) => {
    const { config } = await parse(listener(one(keys)));
    const tls = config.listeners[0]?.tls;
    expect(tls?.certificates[0]?.privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(JSON.stringify(redactConfig(config))).not.toContain("BEGIN PRIVATE KEY");
    expect(tls?.files.some((file) => file.endsWith("pass.txt"))).toBe(keys.includes("pass.txt"));
  });

  test.each([
    ["no passphrase", "certFile: a.pem, keyFile: locked.key", "locked_key"],
    ["a wrong one", "certFile: a.pem, keyFile: locked.key, passphrase: wrong", "wrong_passphrase"],
    ["a wrong one in a file", "certFile: a.pem, keyFile: locked.key, passphraseFile: wrong.txt", "wrong_passphrase"],
    ["an empty one", 'certFile: a.pem, keyFile: locked.key, passphrase: ""', "wrong_passphrase"],
    ["a file that is not there", "certFile: a.pem, keyFile: locked.key, passphraseFile: none.txt", "unreadable_file"],
    ["one for a key without", "certFile: a.pem, keyFile: a.key, passphrase: x", "unused_key"],
    ["both forms", "certFile: a.pem, keyFile: locked.key, passphrase: x, passphraseFile: pass.txt", "pick_one"],
  ])("%s is refused", async (_, keys, code) => {
    expect(await codes(one(keys))).toEqual([code]);
  });

  test("shows its passphrase to nobody", () => {
    expect(redactText(listener(one("certFile: a.pem, keyFile: k, passphrase: hunter2")))).not.toContain("hunter2");
  });

  test("of a client certificate towards a cluster", async () => {
    const cluster = (tls: string): string =>
      `${listener(one("certFile: a.pem, keyFile: a.key"))}clusters:\n  - { name: web, endpoints: [{ address: 127.0.0.1:1 }], tls: ${tls} }\n`;
    const { config } = await parse(cluster("{ certFile: a.pem, keyFile: locked.key, passphraseFile: pass.txt }"));
    expect(config.clusters[0]?.tls?.privateKey).toContain("BEGIN PRIVATE KEY");
  });
});

describe("a second certificate for the same names", () => {
  const A = "certFile: a.pem, keyFile: a.key";

  test("is read with its key", async () => {
    const { config } = await parse(listener(one(`${A}, alternative: { certFile: r.pem, keyFile: r.key }`)));
    const [certificate] = config.listeners[0]?.tls?.certificates ?? [];
    expect(certificate?.alternative).toEqual({ certificate: rsa.cert, privateKey: rsa.key });
    expect(certificate?.serverNames).toEqual(["a.test"]);
    expect(JSON.stringify(redactConfig(config))).not.toContain("BEGIN PRIVATE KEY");
  });

  test.each([
    ["with a key of the same kind", "{ certFile: b.pem, keyFile: b.key }", "same_kind_of_key"],
    ["with another's key", "{ certFile: r.pem, keyFile: b.key }", "wrong_key"],
    ["with a locked key", "{ certFile: r.pem, keyFile: locked-r.key }", "locked_key"],
  ])("%s is refused", async (_, alternative, code) => {
    expect(await codes(one(`${A}, alternative: ${alternative}`))).toEqual([code]);
  });
});

test("only the first certificate of a listener may have one", async () => {
  const second = "{ certFile: b.pem, keyFile: b.key, alternative: { certFile: r.pem, keyFile: r.key } }";
  expect(await codes(`certificates: [{ certFile: a.pem, keyFile: a.key }, ${second}]`)).toEqual(["not_supported"]);
});

describe("revocation lists", () => {
  const A = "certificates: [{ certFile: a.pem, keyFile: a.key }]";
  const clients = (text: string): string => `${A}\n      clientCertificates: ${text}`;

  test("are read one by one", async () => {
    const { config } = await parse(listener(clients("{ mode: require, caFile: ca.pem, crlFile: crl.pem }")));
    expect(config.listeners[0]?.tls?.clientCertificates.crl).toHaveLength(2);
    expect(config.listeners[0]?.tls?.files.some((file) => file.endsWith("crl.pem"))).toBe(true);
  });

  test.each([
    ["that cannot be read", "{ mode: require, caFile: ca.pem, crlFile: bad-crl.pem }", "bad_crl"],
    ["that are certificates", "{ mode: require, caFile: ca.pem, crlFile: ca.pem }", "not_pem"],
    ["for clients that show nothing", "{ crlFile: crl.pem }", "unused_key"],
  ])("%s are refused", async (_, text, code) => {
    expect(await codes(clients(text))).toEqual([code]);
  });
});
