// Flat lists -> what node:http2 takes. HTTP/2 has no framing headers and no Connection; whatever a filter wrote is checked
// here, the last door before the wire, as http1/serialize.ts does.
import { type HeaderList, NOTHING_PARSED } from "../../abi/headers.ts";
import { isFieldValue, isLowerToken } from "../http1/chars.ts";
import { Kind, isFramingName } from "../http1/names.ts";
import { withoutHop } from "../http1/serialize.ts";
import { isTrailer } from "../http1/trailers.ts";

const COLON = 58;

/**
 * Appends the headers of `list` to `into`: no pseudo headers, nothing that frames. False: a name or a value cannot be sent.
 * @param parsed the list as a parser of ours made it: pairs that still stand where they stood were checked there. null: the
 * whole list was, and nobody has touched it
 */
export function appendHeaders(into: HeaderList, list: HeaderList, parsed: HeaderList | null): boolean {
  const known = parsed ?? list;
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] as string;
    if (name.charCodeAt(0) === COLON) continue;
    const value = list[at + 1] as string;
    const isKnown = at < known.length && name === known[at] && value === known[at + 1];
    if (isKnown ? name === "content-length" : isFramingName(name)) continue;
    if (isKnown) into.push(name, value);
    else if (!isLowerToken(name) || !isFieldValue(value)) return false;
    // White space around a value is part of nothing (RFC 9110 5.5), and malformed in HTTP/2 (RFC 9113 8.2.1). TE may only
    // say `trailers` (8.2.2).
    else if (name !== "te" || value === "trailers") into.push(name, value.trim());
  }
  return true;
}

/** An answer's head without a length; null when filters have written what cannot be sent. */
export function answerList(headers: HeaderList, parsed: HeaderList | null): HeaderList | null {
  const list: HeaderList = [":status", headers[1] as string];
  return appendHeaders(list, headers, parsed) ? list : null;
}

/** RFC 8441 5: a 200 says what 101 says in HTTP/1.1. */
export const switchList = (headers: HeaderList): HeaderList | null =>
  answerList(withoutHop([":status", "200", ...headers.slice(2)]), NOTHING_PARSED);

type Fields = Record<string, string | string[]>;

/** A list as the object that node:http2 wants for trailers and 1xx; what may not be sent is left out. */
export function trailerFields(list: HeaderList): Fields {
  const fields: Fields = {};
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] as string;
    const value = list[at + 1] as string;
    const fits = isLowerToken(name) && isFieldValue(value) && !isFramingName(name);
    if (fits && isTrailer({ name, kind: Kind.plain })) add(fields, name, value.trim());
  }
  return fields;
}

/** A 1xx head; null when it cannot be sent. */
export function informationalFields(status: number, headers: HeaderList): Fields | null {
  const list: HeaderList = [];
  if (!appendHeaders(list, headers, NOTHING_PARSED)) return null;
  const fields: Fields = { ":status": String(status) };
  for (let at = 0; at < list.length; at += 2) add(fields, list[at] as string, list[at + 1] as string);
  return fields;
}

function add(fields: Fields, name: string, value: string): void {
  // A peer may name a field as it likes; only defining it makes every name a plain field.
  const before = Object.hasOwn(fields, name) ? fields[name] : undefined;
  const next = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  Object.defineProperty(fields, name, { value: next, enumerable: true, configurable: true, writable: true });
}

/** Trailers as they came: no pseudo headers, nothing that may not be one (RFC 9110 6.5.1), at most 32. Null: too many. */
export function receivedTrailers(raw: readonly string[]): HeaderList | null {
  const list: HeaderList = [];
  if (raw.length > 64) return null;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    const value = raw[at + 1] as string;
    const fits = isLowerToken(name) && isFieldValue(value) && !isFramingName(name);
    if (fits && isTrailer({ name, kind: Kind.plain })) list.push(name, value);
  }
  return list;
}
