// `sluice.verify_jws` (abi.md 11.2): compact JWS (RFC 7515) against a JWKS (RFC 7517). Says whether the signature holds and
// whose it is; claims are the filter's to check. What is wrong with a token is told in the result, never by a status.
import { decodePairs, encodePairs } from "../../abi/pairs.ts";
import { firstHeader, type HeaderList } from "../../abi/headers.ts";
import { sha256Hex } from "../../base/hash.ts";
import type { ForeignResult } from "../../vm/ports.ts";
import { answer, badArgument, type ForeignContext, type ForeignTable } from "./context.ts";
import { readToken, type Token } from "./jws-token.ts";
import { type Jwks, readJwks } from "./jwks.ts";

/** Key sets kept per data thread; a filter has one or two. */
const MAX_SETS = 16;
/** Verified tokens kept per key set. */
const MAX_TOKENS = 1000;

export const JWS: ForeignTable = { "sluice.verify_jws": verifyJws };

interface Kept {
  readonly jwks: Jwks;
  /** `algorithms sha256(token)` -> until when, in ms; the one used last at the end. */
  readonly verified: Map<string, number>;
}

// A signature holds or it does not, whoever asks: so one store per data thread serves all filters.
const sets = new Map<string, Kept>();

function keptSet(text: string): Kept | null {
  const known = sets.get(text);
  if (known !== undefined) return known;
  const jwks = readJwks(text);
  if (jwks === null) return null;
  if (sets.size >= MAX_SETS) sets.delete([...sets.keys()][0] ?? "");
  const kept = { jwks, verified: new Map<string, number>() };
  sets.set(text, kept);
  return kept;
}

/** Pairs `jws`, `keys`, `alg` -> Pairs `valid`, `reason`, `kid`, `alg`, `header`, `payload`. */
function verifyJws({ plugin }: ForeignContext, args: Buffer): ForeignResult {
  const pairs = decodePairs(args) ?? [];
  const [jws, keys, alg] = ["jws", "keys", "alg"].map((name) => firstHeader(pairs, name));
  if (firstHeader(pairs, "provider") !== undefined) return badArgument("this host has no key providers: give keys");
  if (jws === undefined || keys === undefined || alg === undefined)
    return badArgument("expected Pairs jws, keys (a JWKS) and alg (a list of names)");
  const kept = keptSet(keys);
  if (kept === null) return badArgument("keys is not a JWKS (RFC 7517)");
  const token = readToken(jws);
  if (typeof token === "string") return answer(encodePairs(["valid", "0", "reason", token]));
  const reason = whyInvalid(token, kept, { jws, alg, nowMs: plugin.services.clock.nowMs() });
  return answer(encodePairs(toPairs(token, reason)));
}

function whyInvalid(
  token: Token,
  { jwks, verified }: Kept,
  asked: { readonly jws: string; readonly alg: string; readonly nowMs: number },
): string {
  const cacheKey = `${asked.alg} ${sha256Hex(Buffer.from(asked.jws, "latin1"))}`;
  const until = verified.get(cacheKey);
  verified.delete(cacheKey);
  if (until === undefined || until <= asked.nowMs) {
    const algorithms = asked.alg.split(",").map((name) => name.trim());
    const reason = algorithms.includes(token.alg) ? jwks.whyInvalid(token) : `alg ${token.alg} is not allowed`;
    if (reason !== "") return reason;
  }
  if (token.expiresMs > asked.nowMs) {
    verified.set(cacheKey, token.expiresMs);
    if (verified.size > MAX_TOKENS) verified.delete([...verified.keys()][0] ?? "");
  }
  return "";
}

const toPairs = (token: Token, reason: string): HeaderList => [
  "valid",
  reason === "" ? "1" : "0",
  "reason",
  reason,
  "kid",
  token.kid,
  "alg",
  token.alg,
  // What nobody has signed is not handed out.
  ...(reason === "" ? ["header", token.header, "payload", token.payload] : []),
];
