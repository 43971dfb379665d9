// Trailer fields of a chunked body -> flat list. Fields that frame, route, authenticate or control are dropped: whoever
// merges trailers into headers must not be fooled by them (RFC 9110 6.5.1).
import type { HeaderList } from "../../abi/headers.ts";
import { type FieldVisitor, parseFields } from "./fields.ts";
import { headTextOf } from "./head-text.ts";
import { type FieldName, Kind, fieldName } from "./names.ts";
import type { Rejection } from "./rejection.ts";

/** Longest trailer section in bytes and in fields (reliability.md 3.4). */
export const MAX_TRAILER_BYTES = 16 * 1024;
const MAX_TRAILERS = 32;

const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  "authorization",
  "cache-control",
  "content-encoding",
  "content-range",
  "content-type",
  "cookie",
  "max-forwards",
  "proxy-authenticate",
  "proxy-authorization",
  "range",
  "set-cookie",
  "trailer",
  "www-authenticate",
]);

/** Whether a field may travel as a trailer. */
export const isTrailer = ({ name, kind }: Pick<FieldName, "name" | "kind">): boolean =>
  (kind === Kind.plain || kind === Kind.underscore) && !NOT_IN_TRAILERS.has(name);

class TrailerVisitor implements FieldVisitor {
  readonly before = fieldName("");
  readonly list: HeaderList = [];
  #count = 0;

  field(name: FieldName, value: string): Rejection | null {
    if (++this.#count > MAX_TRAILERS) return "trailers_too_large";
    // Dropping it would do; Node refuses it, and whoever sends it means no good.
    if (name.kind === Kind.contentLength || name.kind === Kind.transferEncoding) return "bad_trailer";
    if (isTrailer(name)) this.list.push(name.name, value);
    return null;
  }
}

/** `text` is the trailer section up to and including the CRLF of its last line. */
export function parseTrailers(text: string): HeaderList | Rejection {
  const visitor = new TrailerVisitor();
  return parseFields(headTextOf(text), 0, text.length, visitor) ?? visitor.list;
}
