// `sluice.verify_jws` (abi.md 11.2): compact JWS (RFC 7515) against a JWKS (RFC 7517). Says whether the signature holds and
// whose it is; claims are the filter's to check. What is wrong with a token is told in the result, never by a status.
import { decodePairs, encodePairs } from "../../abi/pairs.ts";
import { firstHeader, type HeaderList } from "../../abi/headers.ts";
import { sha256Hex } from "../../base/hash.ts";
import type { ForeignResult } from "../../vm/ports.ts";
import { answer, badArgument, type ForeignContext, type ForeignTable } from "./context.ts";
import { readToken, type Token } from "./jws-token.ts";
import { type Jwks, readJwks } from "./jwks.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

/** Key sets kept per data thread; a filter has one or two. */
const MAX_SETS = 16;

export const JWS: ForeignTable = { "sluice.verify_jws": verifyJws };

interface Kept {
  readonly jwks: Jwks;
  /** By `algorithms sha256(token)`. */
  readonly verified: VerifiedTokens;
}

// A signature holds or it does not, whoever asks: so one store per data thread serves all filters.
const sets = new Map<string, Kept>();

function keptSet(text: string): Kept | null {
  const known = sets.get(text);
  if (known !== undefined) return known;
  const jwks = readJwks(text);
  if (jwks === null) return null;
  if (sets.size >= MAX_SETS) sets.delete([...sets.keys()][0] ?? "");
  const kept = { jwks, verified: new VerifiedTokens() };
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
  if (verified.has(cacheKey, asked.nowMs)) return "";
  const algorithms = asked.alg.split(",").map((name) => name.trim());
  const reason = algorithms.includes(token.alg) ? jwks.whyInvalid(token) : `alg ${token.alg} is not allowed`;
  if (reason === "") verified.keep(cacheKey, token.expiresMs);
  return reason;
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
