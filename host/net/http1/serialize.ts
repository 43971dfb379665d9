// Flat lists -> head text without framing. Names go out as they stand in the list: lower-case (RATIONALE: "Why are header
// names lower-case on the wire?"). The caller adds length, Connection and the empty line.
import { isAuthority } from "../../abi/authority.ts";
import { type HeaderList, firstHeader } from "../../abi/headers.ts";
import { isFieldValue, isLowerToken, isToken, isVisible } from "./chars.ts";
import { isTrailer } from "./trailers.ts";
import { Kind, isFramingName } from "./names.ts";

const COLON = 58;

/**
 * Header lines of a list that came from our own parser, from index `from` on: nothing to check, only the length is the
 * codec's business.
 */
export function parsedLines(list: HeaderList, from: number): string {
  let text = "";
  for (let at = from; at < list.length; at += 2) {
    const name = list[at] as string;
    if (name !== "content-length") text += name + ": " + (list[at + 1] as string) + "\r\n";
  }
  return text;
}

/**
 * Header lines of a list that filters may have written. Pseudo headers and framing names are left out; null when a name or
 * a value could break out of its line. The host calls have checked all this: here is the last door before the wire.
 * @param parsed the list as our parser made it: a pair that still stands where it stood was checked there, and looking at
 * every character again costs more than parsing it did
 */
export function checkedLines(list: HeaderList, parsed: HeaderList): string | null {
  let text = "";
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] as string;
    if (name.charCodeAt(0) === COLON) continue;
    const value = list[at + 1] as string;
    const isKnown = at < parsed.length && name === parsed[at] && value === parsed[at + 1];
    if (isKnown ? name === "content-length" : isFramingName(name)) continue;
    if (!isKnown && (!isLowerToken(name) || !isFieldValue(value))) return null;
    text += name + ": " + value + "\r\n";
  }
  return text;
}

/** TE as well: it would have to stand in Connection (RFC 9110 10.1.4), and no trailers come in another protocol. */
const SHOWN_ONLY: ReadonlySet<string> = new Set(["connection", "te", "upgrade"]);

/** A list for filters shows what asks for, or agrees to, another protocol; what is sent of it is the codec's to write. */
export const withoutHop = (list: HeaderList): HeaderList =>
  list.filter((_, at) => !SHOWN_ONLY.has(list[at & ~1] as string));

/** Trailer lines; what may not be a trailer is left out. */
export function trailerLines(list: HeaderList): string {
  let text = "";
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] as string;
    const value = list[at + 1] as string;
    const fits = isLowerToken(name) && isFieldValue(value) && !isFramingName(name);
    if (fits && isTrailer({ name, kind: Kind.plain })) text += name + ": " + value + "\r\n";
  }
  return text;
}

export interface RequestLine {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
}

/** Whether a request line with these parts is one line and names one target. An empty authority is filled in later. */
export function isRequestLine({ method, path, authority }: RequestLine): boolean {
  const target = path.charCodeAt(0) === 47 || (path === "*" && method === "OPTIONS");
  return (
    target && isToken(method) && method !== "CONNECT" && isVisible(path) && (authority === "" || isAuthority(authority))
  );
}

/** RFC 9112 3.2.1: an empty path is sent as `/`, whatever a filter has written. */
export const requestTarget = (path: string): string => (path.charCodeAt(0) === 63 ? `/${path}` : path);

export const requestLine = ({ method, path, authority }: RequestLine): string =>
  `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n`;

/**
 * The length to announce for a body that filters have passed: the sender's, as long as its Content-Length still stands in
 * the list unchanged; else -1. A length that a filter wrote never decides the framing (abi.md 9.11).
 */
export function declaredLength(headers: HeaderList, original: number): number {
  if (original < 0) return -1;
  return firstHeader(headers, "content-length") === String(original) ? original : -1;
}
