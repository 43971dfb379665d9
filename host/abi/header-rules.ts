// What a guest may write into a header map (abi.md 5.3). A filter cannot inject a line break, a hop-by-hop name or a
// pseudo header that does not belong: whatever it tries, the message that leaves is well formed.
import * as map from "../../sdk/assembly/abi/map.ts";
import { isAuthority } from "./authority.ts";
import { findHeader, type HeaderList } from "./headers.ts";
import { HEADER_CAPS, type HeaderCaps } from "./limits.ts";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** All controls but HTAB: what ends a line, and what a terminal that shows a log would obey (RFC 9110 5.5). */
const BAD_VALUE = /(?![\t\x80-\x9f])\p{Cc}/u;
/**
 * Visible ASCII. A fragment, which no client may send, is left to the filter: published ones keep what they were given. So
 * is an empty path before a query, which leaves as `/?query` (RFC 9112 3.2.1).
 */
const PATH = /^(?:[/?][!-~]*|\*)$/;
const METHOD = /^(?!CONNECT$)[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const REQUEST_PSEUDO = new Set([":method", ":scheme", ":authority", ":path"]);
const CALLOUT_PSEUDO = new Set([":method", ":authority", ":path"]);
const RESPONSE_PSEUDO = new Set([":status"]);
const NONE: ReadonlySet<string> = new Set();

/** Written by the codec alone. Envoy takes such writes and drops them; a new status would trap Rust guests. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "te",
  "host",
]);

// Most writes use a name seen before: one look-up spares the regular expression and the other table (bench: P5).
const known = new Map<string, WriteVerdict>();
const MAX_REMEMBERED = 4096;
/** Longer values are read faster by the regular expression than character by character; longer names are not kept. */
const SHORT = 64;

function judgeName(name: string): WriteVerdict {
  const verdict = TOKEN.test(name) ? (HOP_BY_HOP.has(name) ? "ignored" : "ok") : "refused";
  if (known.size < MAX_REMEMBERED && name.length <= SHORT) known.set(name, verdict);
  return verdict;
}

function isBadValue(value: string): boolean {
  if (value.length > SHORT) return BAD_VALUE.test(value);
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if ((code < 32 && code !== 9) || code === 127) return true;
  }
  return false;
}

function pseudoOf(id: number): ReadonlySet<string> {
  if (id === map.HTTP_REQUEST_HEADERS) return REQUEST_PSEUDO;
  return id === map.HTTP_RESPONSE_HEADERS ? RESPONSE_PSEUDO : NONE;
}

export type WriteVerdict = "ok" | "refused" | "ignored";

/** May `name: value` be written into map `id`? `ignored`: answer OK and change nothing. `name` is lower-case. */
export function checkHeaderWrite(id: number, name: string, value: string): WriteVerdict {
  if (isBadValue(value)) return "refused";
  if (name.charCodeAt(0) === 58) return pseudoOf(id).has(name) && isPseudoValue(name, value) ? "ok" : "refused";
  const verdict = known.get(name) ?? judgeName(name);
  return verdict === "ignored" && name === "te" && value === "trailers" ? "ok" : verdict;
}

/** The same as the codec takes: what passes here leaves as it is (reliability.md 3.3). */
function isPseudoValue(name: string, value: string): boolean {
  switch (name) {
    case ":status":
      return /^[2-5]\d\d$/.test(value);
    case ":path":
      return PATH.test(value);
    case ":method":
      return METHOD.test(value);
    case ":scheme":
      return value === "http" || value === "https";
    default:
      return isAuthority(value);
  }
}

/** Why {@link checkHeaderWrite} refuses the pair; `{}` stands for its name. */
export function whyRefused(id: number, name: string, value: string): string {
  if (isBadValue(value)) return "the value given for {} holds CR, LF or NUL (RFC 9110 5.5)";
  if (name.charCodeAt(0) !== 58) return "{} is not a header name (RFC 9110 5.1)";
  return pseudoOf(id).has(name) ? "the value given for {} is not valid" : "{} is not a pseudo header of this map";
}

/** Why {@link normalizeGuestMap} refuses the pairs, and the name it is about. */
export function whyNotMap(id: number, pairs: HeaderList): readonly [reason: string, name: string] {
  for (let at = 0; at < pairs.length; at += 2) {
    const name = (pairs[at] as string).toLowerCase();
    const value = pairs[at + 1] as string;
    if (checkHeaderWrite(id, name, value) === "refused") return [whyRefused(id, name, value), name];
  }
  const missing = [...pseudoOf(id)].find((name) => findHeader(pairs, name) < 0);
  if (missing !== undefined) return ["the mandatory pseudo header {} is missing", missing];
  return [
    "a pseudo header comes twice, or the map is over its limits (64 KiB and 256 headers, or the filter's own)",
    "",
  ];
}

/** Mandatory pseudo headers cannot be removed. */
export function mayRemove(id: number, name: string): boolean {
  return name.charCodeAt(0) !== 58 || !pseudoOf(id).has(name);
}

/**
 * A whole new map from a guest: lower-cased, hop-by-hop names dropped, pseudo headers first. Null when any pair is
 * refused or a mandatory pseudo header of map `id` is missing.
 */
export function normalizeGuestMap(id: number, pairs: HeaderList, caps: HeaderCaps = HEADER_CAPS): HeaderList | null {
  return normalize(id, pairs, pseudoOf(id), caps);
}

/** The head of a call-out: as a request's, but :scheme may be missing (abi.md 5.5). Null when a pair is refused. */
export function normalizeCallout(pairs: HeaderList): HeaderList | null {
  return normalize(map.HTTP_REQUEST_HEADERS, pairs, CALLOUT_PSEUDO, HEADER_CAPS);
}

function normalize(id: number, pairs: HeaderList, required: ReadonlySet<string>, caps: HeaderCaps): HeaderList | null {
  const pseudo: HeaderList = [];
  const plain: HeaderList = [];
  for (let at = 0; at < pairs.length; at += 2) {
    const name = (pairs[at] as string).toLowerCase();
    const value = pairs[at + 1] as string;
    const isPseudo = name.charCodeAt(0) === 58;
    const verdict = checkHeaderWrite(id, name, value);
    if (verdict === "refused" || (isPseudo && findHeader(pseudo, name) >= 0)) return null;
    if (verdict === "ok") (isPseudo ? pseudo : plain).push(name, value);
  }
  for (const name of required) if (findHeader(pseudo, name) < 0) return null;
  return fitsLimits(pseudo, plain, caps) ? [...pseudo, ...plain] : null;
}

/** abi.md 14: may one more pair go into this map? A replaced value counts as if both were kept. */
export function hasRoomFor(list: HeaderList, name: string, value: string, caps: HeaderCaps = HEADER_CAPS): boolean {
  let bytes = name.length + value.length;
  for (const text of list) bytes += text.length;
  return bytes <= caps.bytes && list.length + 2 <= caps.count * 2;
}

function fitsLimits(pseudo: HeaderList, plain: HeaderList, caps: HeaderCaps): boolean {
  let bytes = 0;
  for (const text of pseudo) bytes += text.length;
  for (const text of plain) bytes += text.length;
  return bytes <= caps.bytes && pseudo.length + plain.length <= caps.count * 2;
}
