// What a guest may write into a header map (abi.md 5.3). A filter cannot inject a line break, a hop-by-hop name or a
// pseudo header that does not belong: whatever it tries, the message that leaves is well formed.
import * as map from "../../sdk/assembly/abi/map.ts";
import { findHeader, type HeaderList } from "./headers.ts";
import { MAX_HEADER_BYTES, MAX_HEADERS } from "./limits.ts";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const BAD_VALUE = /[\0\r\n]/;
const REQUEST_PSEUDO = new Set([":method", ":scheme", ":authority", ":path"]);
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

// Most writes use a name seen before; remembering the verdict spares the regular expression (bench: P5).
const goodNames = new Set<string>();
const MAX_REMEMBERED = 4096;

function isToken(name: string): boolean {
  if (goodNames.has(name)) return true;
  if (!TOKEN.test(name)) return false;
  if (goodNames.size < MAX_REMEMBERED) goodNames.add(name);
  return true;
}

function pseudoOf(id: number): ReadonlySet<string> {
  if (id === map.HTTP_REQUEST_HEADERS) return REQUEST_PSEUDO;
  return id === map.HTTP_RESPONSE_HEADERS ? RESPONSE_PSEUDO : NONE;
}

export type WriteVerdict = "ok" | "refused" | "ignored";

/** May `name: value` be written into map `id`? `ignored`: answer OK and change nothing. `name` is lower-case. */
export function checkHeaderWrite(id: number, name: string, value: string): WriteVerdict {
  if (BAD_VALUE.test(value)) return "refused";
  if (name.charCodeAt(0) === 58) return pseudoOf(id).has(name) && isPseudoValue(name, value) ? "ok" : "refused";
  if (!isToken(name)) return "refused";
  return HOP_BY_HOP.has(name) && !(name === "te" && value === "trailers") ? "ignored" : "ok";
}

function isPseudoValue(name: string, value: string): boolean {
  if (name === ":status") return /^[2-5]\d\d$/.test(value);
  if (name === ":path") return /^(?:\/[^\s]*|\*)$/.test(value);
  return name === ":method" ? /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(value) : /^[^\s/?#@]+$/.test(value);
}

/** Why {@link checkHeaderWrite} refuses the pair; `{}` stands for its name. */
export function whyRefused(id: number, name: string, value: string): string {
  if (BAD_VALUE.test(value)) return "the value given for {} holds CR, LF or NUL (RFC 9110 5.5)";
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
  return ["a pseudo header comes twice, or the map is over 64 KiB or 256 headers", ""];
}

/** Mandatory pseudo headers cannot be removed. */
export function mayRemove(id: number, name: string): boolean {
  return name.charCodeAt(0) !== 58 || !pseudoOf(id).has(name);
}

/**
 * A whole new map from a guest: lower-cased, hop-by-hop names dropped, pseudo headers first. Null when any pair is
 * refused or a mandatory pseudo header of map `id` is missing.
 */
export function normalizeGuestMap(id: number, pairs: HeaderList): HeaderList | null {
  const pseudo: HeaderList = [];
  const plain: HeaderList = [];
  for (let at = 0; at < pairs.length; at += 2) {
    const name = (pairs[at] as string).toLowerCase();
    const value = pairs[at + 1] as string;
    const verdict = checkHeaderWrite(id, name, value);
    if (verdict === "refused") return null;
    if (verdict === "ok") (name.charCodeAt(0) === 58 ? pseudo : plain).push(name, value);
  }
  const required = pseudoOf(id);
  if (pseudo.length !== required.size * 2 || [...required].some((name) => findHeader(pseudo, name) < 0)) return null;
  return fitsLimits(pseudo, plain) ? [...pseudo, ...plain] : null;
}

/** abi.md 14: may one more pair go into this map? A replaced value counts as if both were kept. */
export function hasRoomFor(list: HeaderList, name: string, value: string): boolean {
  let bytes = name.length + value.length;
  for (const text of list) bytes += text.length;
  return bytes <= MAX_HEADER_BYTES && list.length + 2 <= MAX_HEADERS * 2;
}

function fitsLimits(pseudo: HeaderList, plain: HeaderList): boolean {
  let bytes = 0;
  for (const text of pseudo) bytes += text.length;
  for (const text of plain) bytes += text.length;
  return bytes <= MAX_HEADER_BYTES && pseudo.length + plain.length <= MAX_HEADERS * 2;
}
