// `sluice.verify_jws`: what is accepted, and everything that must not be (RFC 7515, 7518, 8725).
import { constants, createHmac, createSign, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { VerifiedTokens } from "../../../../host/plugin/foreign/verified-tokens.ts";
import * as status from "../../../../sdk/assembly/abi/status.ts";
import { readPairs, writePairs } from "../../../support/guest-kit.ts";
import { Caller, whyNot } from "./support.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ec384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const ed = generateKeyPairSync("ed25519");
const secret = Buffer.from("a secret of thirty-two bytes.....");

const jwk = (key: KeyObject, more: object = {}): object => ({ ...key.export({ format: "jwk" }), ...more });
const b64 = (value: object | Buffer): string =>
  (Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))).toString("base64url");

type Signer = (input: Buffer) => Buffer;
const token = (header: object, payload: object, signer: Signer): string => {
  const signed = `${b64(header)}.${b64(payload)}`;
  return `${signed}.${b64(signer(Buffer.from(signed)))}`;
};
const rs256: Signer = (input) => createSign("sha256").update(input).sign(rsa.privateKey);
const ps256: Signer = (input) =>
  sign("sha256", input, {
    key: rsa.privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  });
const ecdsa =
  (key: KeyObject, hash: string): Signer =>
  (input) =>
    sign(hash, input, { key, dsaEncoding: "ieee-p1363" });
const hmac =
  (key: Buffer): Signer =>
  (input) =>
    createHmac("sha256", key).update(input).digest();

let caller: Caller;
beforeEach(() => {
  caller = new Caller();
});
const check = (jws: string, keys: readonly object[], alg: string): Record<string, string> => {
  const args = writePairs([
    ["jws", jws],
    ["keys", JSON.stringify({ keys })],
    ["alg", alg],
  ]);
  const answer = caller.call("sluice.verify_jws", args);
  expect(answer.status).toBe(status.OK);
  return Object.fromEntries(readPairs(Buffer.from(answer.bytes)));
};

describe("a good token", () => {
  test.each([
    ["RS256", jwk(rsa.publicKey, { kid: "k" }), rs256],
    ["PS256", jwk(rsa.publicKey, { kid: "k" }), ps256],
    ["ES256", jwk(ec.publicKey, { kid: "k" }), ecdsa(ec.privateKey, "sha256")],
    ["ES384", jwk(ec384.publicKey, { kid: "k" }), ecdsa(ec384.privateKey, "sha384")],
    ["EdDSA", jwk(ed.publicKey, { kid: "k" }), (input: Buffer) => sign(null, input, ed.privateKey)],
    ["HS256", { kty: "oct", k: b64(secret), kid: "k" }, hmac(secret)],
  ] as const)("of %s is valid, with its header and payload", (alg, key, signer) => {
    const jws = token({ alg, kid: "k" }, { sub: "ada" }, signer);
    expect(check(jws, [key], `none-such, ${alg}`)).toEqual({
      valid: "1",
      reason: "",
      kid: "k",
      alg,
      header: JSON.stringify({ alg, kid: "k" }),
      payload: '{"sub":"ada"}',
    });
    const [head, , signature] = jws.split(".");
    expect(check(`${head}.${b64({ sub: "eve" })}.${signature}`, [key], alg)).toEqual({
      valid: "0",
      reason: "the signature does not hold",
      kid: "k",
      alg,
    });
  });

  test("without a kid needs one key that fits", () => {
    const jws = token({ alg: "RS256" }, {}, rs256);
    expect(check(jws, [jwk(ec.publicKey), jwk(rsa.publicKey)], "RS256")).toMatchObject({ valid: "1", kid: "" });
    expect(check(jws, [jwk(rsa.publicKey), jwk(rsa.publicKey)], "RS256")).toMatchObject({
      reason: "the header names no kid, and several keys fit",
    });
  });
});

describe("what must not be accepted", () => {
  const key = jwk(rsa.publicKey, { kid: "k" });
  const good = { alg: "RS256", kid: "k" };
  const pem = Buffer.from(rsa.publicKey.export({ format: "pem", type: "spki" }) as string);

  test.each([
    ["alg none", token({ alg: "none" }, {}, () => Buffer.alloc(0)), [key], "RS256,none", "alg none is never accepted"],
    ["alg nOnE", token({ alg: "nOnE" }, {}, () => Buffer.alloc(0)), [key], "nOnE", "alg none is never accepted"],
    ["an algorithm that is not allowed", token(good, {}, rs256), [key], "ES256", "alg RS256 is not allowed"],
    ["an algorithm nobody knows", token({ alg: "XX1" }, {}, rs256), [key], "XX1", "alg XX1 is not known"],
    ["a name of Object", token({ alg: "toString" }, {}, rs256), [key], "toString", "alg toString is not known"],
    [
      "a public key as an HMAC secret",
      token({ alg: "HS256", kid: "k" }, {}, hmac(pem)),
      [key],
      "RS256,HS256",
      "no key for alg HS256",
    ],
    [
      "a curve of another algorithm",
      token({ alg: "ES256", kid: "k" }, {}, ecdsa(ec384.privateKey, "sha256")),
      [jwk(ec384.publicKey, { kid: "k" })],
      "ES256",
      "no key for alg ES256",
    ],
    [
      "an unknown critical extension",
      token({ ...good, crit: ["exp"] }, {}, rs256),
      [key],
      "RS256",
      "the header has crit: extensions that are not understood here",
    ],
    ["two keys of one kid", token(good, {}, rs256), [key, key], "RS256", "several keys have this kid"],
    ["a kid that no key has", token({ alg: "RS256", kid: "z" }, {}, rs256), [key], "RS256", "no key has this kid"],
    [
      "a key for another algorithm",
      token(good, {}, rs256),
      [{ ...key, alg: "RS512" }],
      "RS256",
      "no key for alg RS256",
    ],
    ["a key for encryption", token(good, {}, rs256), [{ ...key, use: "enc" }], "RS256", "no key for alg RS256"],
    [
      "a key that may not verify",
      token(good, {}, rs256),
      [{ ...key, key_ops: ["encrypt"] }],
      "RS256",
      "no key for alg RS256",
    ],
    [
      "an RSA key below 2048 bits",
      token(good, {}, (input) => createSign("sha256").update(input).sign(weak.privateKey)),
      [jwk(weak.publicKey, { kid: "k" })],
      "RS256",
      "the key cannot be used",
    ],
    ["a broken key", token(good, {}, rs256), [{ kty: "RSA", kid: "k", n: "AQ" }], "RS256", "the key cannot be used"],
    [
      "a kid that is a number",
      token({ alg: "RS256", kid: 5 }, {}, rs256),
      [key],
      "RS256",
      "the header has no alg, or a kid that is no text",
    ],
    ["two parts", "a.b", [key], "RS256", "not a compact JWS"],
    ["padding", `${token(good, {}, rs256)}==`, [key], "RS256", "not a compact JWS"],
    ["a header that is an array", `${b64([])}.${b64({})}.AA`, [key], "RS256", "the header is not a JSON object"],
    [
      "a DER signature",
      token({ alg: "ES256", kid: "k" }, {}, (input) => sign("sha256", input, ec.privateKey)),
      [jwk(ec.publicKey, { kid: "k" })],
      "ES256",
      "the signature does not hold",
    ],
  ] as const)("%s", (...row) => {
    const [, jws, keys, alg, reason] = row;
    expect(check(jws, keys, alg)).toMatchObject({ valid: "0", reason });
    expect(check(jws, keys, alg)).not.toHaveProperty("payload");
  });

  test("a private key in the set is used by its public part only", () => {
    expect(check(token(good, {}, rs256), [jwk(rsa.privateKey, { kid: "k" })], "RS256")).toMatchObject({ valid: "1" });
  });
});

describe("statuses", () => {
  const jws = token({ alg: "RS256" }, {}, rs256);
  test.each([
    [
      "no keys",
      [
        ["jws", jws],
        ["alg", "RS256"],
      ],
      "expected Pairs jws",
    ],
    [
      "no token",
      [
        ["keys", "{}"],
        ["alg", "RS256"],
      ],
      "expected Pairs jws",
    ],
    [
      "a provider",
      [
        ["jws", jws],
        ["provider", "iam"],
        ["alg", "RS256"],
      ],
      "no key providers",
    ],
    [
      "keys that are no JSON",
      [
        ["jws", jws],
        ["keys", "{"],
        ["alg", "RS256"],
      ],
      "not a JWKS",
    ],
    [
      "keys that are no set",
      [
        ["jws", jws],
        ["keys", '{"keys":5}'],
        ["alg", "RS256"],
      ],
      "not a JWKS",
    ],
    [
      "a key that is none",
      [
        ["jws", jws],
        ["keys", '{"keys":[5]}'],
        ["alg", "RS256"],
      ],
      "not a JWKS",
    ],
  ] as [string, [string, string][], string][])("%s: BAD_ARGUMENT", (_what, pairs, reason) => {
    const answer = caller.call("sluice.verify_jws", writePairs(pairs));
    expect(answer.status).toBe(status.BAD_ARGUMENT);
    expect(whyNot(answer)).toContain(reason);
  });
});

test("a token is judged alike before, while and after it is remembered, and by its own list of algorithms", () => {
  const exp = caller.clock.nowMs() / 1000 + 60;
  const key = jwk(rsa.publicKey, { kid: "cached" });
  const jws = token({ alg: "RS256", kid: "cached" }, { exp }, rs256);
  const forged = token({ alg: "RS256", kid: "cached" }, { exp }, () => Buffer.alloc(256));
  for (const _round of [1, 2]) {
    expect(check(jws, [key], "RS256")).toMatchObject({ valid: "1" });
    expect(check(jws, [key], "ES256")).toMatchObject({ valid: "0", reason: "alg RS256 is not allowed" });
    expect(check(forged, [key], "RS256")).toMatchObject({ valid: "0" });
  }
  caller.clock.advance(61_000);
  expect(check(jws, [key], "RS256")).toMatchObject({ valid: "1" });
});

describe("remembered tokens", () => {
  test("are forgotten at their expiry, and those without one are never kept", () => {
    const kept = new VerifiedTokens();
    kept.keep("a", 1000);
    kept.keep("b", 0);
    expect([kept.has("a", 999), kept.has("a", 1000), kept.has("a", 999), kept.has("b", 1)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(kept.size).toBe(0);
  });

  test("are bounded: the one used longest ago goes", () => {
    const kept = new VerifiedTokens();
    for (let at = 0; at < 1000; at++) kept.keep(`t${at}`, 1000);
    expect(kept.has("t0", 1)).toBe(true);
    kept.keep("new", 1000);
    expect([kept.size, kept.has("t0", 1), kept.has("t1", 1)]).toEqual([1000, true, false]);
  });
});
