// A JSON Web Key Set (RFC 7517) and the signatures it can check (RFC 7518 3, RFC 8037). An algorithm fits one type of key
// and no other, whatever the token says: that is what keeps a public key from being used as an HMAC secret.
import {
  constants,
  createHmac,
  createPublicKey,
  type KeyObject,
  timingSafeEqual,
  verify,
  type webcrypto,
} from "node:crypto";
import { MAX_RSA_BITS } from "../../abi/limits.ts";
import { fromBase64url, type Token } from "./jws-token.ts";

type Jwk = webcrypto.JsonWebKey & { readonly kid?: string };

const MAX_KEYS = 100;
/** RFC 7518 3.3: RSA keys of 2048 bits or more. */
const MIN_RSA_BITS = 2048;

interface Algorithm {
  readonly kty: "RSA" | "EC" | "OKP" | "oct";
  /** Curve of the key, or "". */
  readonly crv: string;
  readonly hash: string | null;
  readonly pss?: boolean;
}

const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  RS256: { kty: "RSA", crv: "", hash: "sha256" },
  RS384: { kty: "RSA", crv: "", hash: "sha384" },
  RS512: { kty: "RSA", crv: "", hash: "sha512" },
  PS256: { kty: "RSA", crv: "", hash: "sha256", pss: true },
  PS384: { kty: "RSA", crv: "", hash: "sha384", pss: true },
  PS512: { kty: "RSA", crv: "", hash: "sha512", pss: true },
  ES256: { kty: "EC", crv: "P-256", hash: "sha256" },
  ES384: { kty: "EC", crv: "P-384", hash: "sha384" },
  ES512: { kty: "EC", crv: "P-521", hash: "sha512" },
  EdDSA: { kty: "OKP", crv: "Ed25519", hash: null },
  HS256: { kty: "oct", crv: "", hash: "sha256" },
  HS384: { kty: "oct", crv: "", hash: "sha384" },
  HS512: { kty: "oct", crv: "", hash: "sha512" },
};

export interface Jwks {
  /** Why the token's signature is not accepted; "" when it is. */
  whyInvalid(token: Token): string;
}

/** Null when the text is no key set. */
export function readJwks(text: string): Jwks | null {
  try {
    const { keys } = JSON.parse(Buffer.from(text, "latin1").toString("utf8")) as { keys?: unknown };
    if (!Array.isArray(keys) || keys.length > MAX_KEYS) return null;
    const all = keys.filter((key): key is Jwk => typeof key === "object" && key !== null);
    return all.length === keys.length ? new KeySet(all) : null;
  } catch {
    return null;
  }
}

class KeySet implements Jwks {
  readonly #keys: readonly Jwk[];
  /** Imported once; importing costs more than checking. */
  readonly #imported = new Map<Jwk, KeyObject>();

  constructor(keys: readonly Jwk[]) {
    this.#keys = keys;
  }

  whyInvalid(token: Token): string {
    const algorithm = Object.hasOwn(ALGORITHMS, token.alg) ? ALGORITHMS[token.alg] : undefined;
    if (algorithm === undefined) return `alg ${token.alg} is not known`;
    const key = this.#keyFor(token, algorithm);
    if (typeof key === "string") return key;
    try {
      return this.#holds(token, key, algorithm) ? "" : "the signature does not hold";
    } catch {
      return "the key cannot be used";
    }
  }

  /** The one key that the token may have been signed with, or why there is none. */
  #keyFor(token: Token, algorithm: Algorithm): Jwk | string {
    const named = token.kid === "" ? this.#keys : this.#keys.filter(({ kid }) => kid === token.kid);
    if (token.kid !== "" && named.length > 1) return "several keys have this kid";
    const fitting = named.filter((key) => fits(key, token.alg, algorithm));
    const [key] = fitting;
    if (key === undefined) return named.length > 0 ? `no key for alg ${token.alg}` : "no key has this kid";
    return fitting.length > 1 ? "the header names no kid, and several keys fit" : key;
  }

  #holds({ signed, signature }: Token, jwk: Jwk, { kty, hash, pss }: Algorithm): boolean {
    if (kty === "oct") return holdsHmac(signed, signature, jwk, hash ?? "");
    const key = this.#imported.get(jwk) ?? createPublicKey({ key: publicPart(jwk), format: "jwk" });
    this.#imported.set(jwk, key);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (kty === "RSA" && (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)) throw new Error("too short or too long");
    if (kty === "EC") return verify(hash, signed, { key, dsaEncoding: "ieee-p1363" }, signature);
    if (pss !== true) return verify(hash, signed, key, signature);
    const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
    return verify(hash, signed, { key, padding, saltLength }, signature);
  }
}

/** RFC 7517 4: what the key says of itself must allow the use. */
function fits(key: Jwk, alg: string, { kty, crv }: Algorithm): boolean {
  const operations = key.key_ops;
  return (
    key.kty === kty &&
    (crv === "" || key.crv === crv) &&
    (key.alg === undefined || key.alg === alg) &&
    (key.use === undefined || key.use === "sig") &&
    (operations === undefined || (Array.isArray(operations) && operations.includes("verify")))
  );
}

const publicPart = ({ kty, crv, x, y, n, e }: Jwk): Jwk =>
  Object.fromEntries(Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined));

function holdsHmac(signed: Buffer, signature: Buffer, jwk: Jwk, hash: string): boolean {
  const secret = fromBase64url(jwk.k ?? "");
  if (secret === null || secret.length === 0) throw new Error("no secret");
  const expected = createHmac(hash, secret).update(signed).digest();
  return expected.length === signature.length && timingSafeEqual(expected, signature);
}
