// Header lines: one pass that checks every character, folds names, trims values and hands each field to a visitor. Used for
// request heads, response heads and trailers. Strict: RFC 9112 5 without any of its leniencies.
import { LOWER_TOKEN } from "./chars.ts";
import type { HeadText } from "./head-text.ts";
import { type FieldName, Kind, MAX_INTERNED, beginsWith, internName } from "./names.ts";
import type { Rejection } from "./rejection.ts";

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const DELETE = 127;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export interface FieldVisitor {
  /** Stands before the first line; remembers which name came first the last time. */
  readonly before: FieldName;
  /** A reason to refuse the message, or null to go on. */
  field(name: FieldName, value: string): Rejection | null;
}

/** `text[from, to)` of `head` is nothing but header lines, each ended by CRLF (none at all is fine). */
export function parseFields(head: HeadText, from: number, to: number, visitor: FieldVisitor): Rejection | null {
  const { text, bytes, base } = head;
  const end = base + to;
  let at = base + from;
  let name = visitor.before;
  let code = 0;
  while (at < end) {
    // Messages of one peer repeat their names in order: a right guess is checked in one short loop and needs no hash.
    const guess = name.next;
    if (guess !== null && bytes[at + guess.codes.length] === COLON && beginsWith(bytes, at, guess)) {
      name = guess;
      at += guess.codes.length;
    } else {
      const first = at;
      let hash = FNV_OFFSET;
      code = bytes[at] as number;
      // Every loop stops at the CR that ends the text: it is neither a token nor a value character.
      for (let lower = LOWER_TOKEN[code]; lower !== 0; lower = LOWER_TOKEN[code]) {
        hash = Math.imul(hash ^ (lower as number), FNV_PRIME);
        code = bytes[++at] as number;
      }
      if (code !== COLON || at === first) return badName(code, at === first);
      const found = internName(bytes, first, at, hash);
      // A long name is not kept by the table, so nor by its neighbour.
      if (found.codes.length <= MAX_INTERNED) name.next = found;
      name = found;
    }
    do code = bytes[++at] as number;
    while (code === SPACE || code === TAB);
    const start = at;
    while ((code >= SPACE && code !== DELETE) || code === TAB) code = bytes[++at] as number;
    if (code !== CR || bytes[at + 1] !== LF) return badLineEnd(code);
    const last = trimEnd(bytes, start, at);
    // RFC 9110 5.6.3 would trim it; Node's parser refuses it, and two opinions about this header are an attack.
    if (last !== at && name.kind === Kind.transferEncoding && bytes.subarray(last, at).includes(TAB)) {
      return "bad_transfer_encoding";
    }
    const refused = visitor.field(name, text.slice(start - base, last - base));
    if (refused !== null) return refused;
    at += 2;
  }
  return null;
}

const badName = (code: number, first: boolean): Rejection =>
  first && (code === SPACE || code === TAB) ? "folded_header" : code === LF ? "bare_line_end" : "bad_header_name";

const badLineEnd = (code: number): Rejection => (code === CR || code === LF ? "bare_line_end" : "bad_header_value");

function trimEnd(bytes: Uint8Array, from: number, to: number): number {
  while (to > from) {
    const code = bytes[to - 1];
    if (code !== SPACE && code !== TAB) break;
    to--;
  }
  return to;
}

/** 1*DIGIT without sign, list, leading zero, at most 2^53-1 (reliability.md 3.1); -1 for anything else. */
export function parseContentLength(value: string): number {
  const { length } = value;
  if (length === 0 || length > 16 || (length > 1 && value.charCodeAt(0) === 48)) return -1;
  let sum = 0;
  for (let at = 0; at < length; at++) {
    const digit = value.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return -1;
    sum = sum * 10 + digit;
  }
  return sum <= Number.MAX_SAFE_INTEGER ? sum : -1;
}

/** Whole value `chunked`, case-insensitive: the only transfer coding there is here. */
export const isChunked = (value: string): boolean => value === "chunked" || value.toLowerCase() === "chunked";
