// A compact JWS taken apart (RFC 7515 3.1), strictly: no padding, no white space, no second spelling of the same bytes.

export interface Token {
  readonly alg: string;
  /** "" when the header names no key. */
  readonly kid: string;
  /** Decoded JSON texts, latin1 code units. */
  readonly header: string;
  readonly payload: string;
  /** What was signed, as sent. */
  readonly signed: Buffer;
  readonly signature: Buffer;
  /** `exp` of the payload in ms since the epoch; 0 without one. */
  readonly expiresMs: number;
}

/** Bytes, or null: Buffer.from forgives what RFC 7515 2 does not. */
export function fromBase64url(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : null;
}

function jsonObject(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** The token, or why it is none. */
export function readToken(jws: string): Token | string {
  const parts = jws.split(".");
  const [head, body, signature] = parts.map(fromBase64url);
  if (parts.length !== 3 || !head || !body || !signature) return "not a compact JWS";
  const header = jsonObject(head);
  if (header === null) return "the header is not a JSON object";
  const { alg, kid = "", crit } = header;
  if (typeof alg !== "string" || typeof kid !== "string") return "the header has no alg, or a kid that is no text";
  if (alg.toLowerCase() === "none") return "alg none is never accepted";
  // RFC 7515 4.1.11: whoever does not understand an extension that is marked critical must refuse. We understand none.
  if (crit !== undefined) return "the header has crit: extensions that are not understood here";
  return {
    alg,
    kid,
    header: head.latin1Slice(),
    payload: body.latin1Slice(),
    signed: Buffer.from(`${parts[0]}.${parts[1]}`, "latin1"),
    signature,
    expiresMs: expiryOf(body),
  };
}

function expiryOf(body: Buffer): number {
  const exp = jsonObject(body)?.["exp"];
  return typeof exp === "number" && Number.isFinite(exp) ? exp * 1000 : 0;
}
