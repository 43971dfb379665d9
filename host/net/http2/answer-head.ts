// An answer's header block as node:http2 decoded it -> the flat list in chain form. As strict as http1/response-head.ts.
import type { HeaderList } from "../../abi/headers.ts";
import { isFieldValue } from "../http1/chars.ts";
import { parseContentLength } from "../http1/fields.ts";
import { Kind, fieldNameOf, isFramingName } from "../http1/names.ts";
import type { IncomingAnswer } from "../incoming-head.ts";

const MAX_HEADERS = 100;

/** Null: it is no answer that could be handed on. */
export function answerHead(raw: readonly string[]): IncomingAnswer | null {
  const text = raw[1] ?? "";
  // nghttp2 lets no pseudo header but this one through, and only as the first.
  if (raw[0] !== ":status" || !/^[1-5]\d\d$/.test(text) || raw.length > 2 * (MAX_HEADERS + 1)) return null;
  const headers: HeaderList = [":status", text];
  let contentLength = -1;
  for (let at = 2; at + 1 < raw.length; at += 2) {
    const name = fieldNameOf(raw[at] as string);
    const value = raw[at + 1] as string;
    if (name === null || !isFieldValue(value)) return null;
    if (name.kind === Kind.te) continue;
    if (name.kind === Kind.contentLength) {
      if (contentLength >= 0) return null;
      contentLength = parseContentLength(value);
      if (contentLength < 0) return null;
    } else if (isFramingName(name.name)) return null;
    headers.push(name.name, value);
  }
  return { headers, status: Number(text), contentLength };
}
