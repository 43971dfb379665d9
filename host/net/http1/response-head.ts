// A response head as text -> the flat list in chain form, and how the body is framed. One object per upstream connection,
// filled anew for every answer.
import type { HeaderList } from "../../abi/headers.ts";
import { isFieldValue } from "./chars.ts";
import { ConnectionOptions } from "./connection-options.ts";
import { type FieldVisitor, type HeadSource, isChunked, parseContentLength, parseFields } from "./fields.ts";
import { type FieldName, Kind, fieldName } from "./names.ts";
import type { Rejection } from "./rejection.ts";

export class ResponseHead implements FieldVisitor {
  /** `:status`, then the headers; nothing hop-by-hop. Handed over to the exchange. */
  headers: HeaderList = [];
  /** 100 to 599. */
  status = 0;
  /** -1 = no Content-Length. */
  contentLength = -1;
  chunked = false;
  /** The upstream will close after this answer. */
  close = false;
  readonly before = fieldName("");
  readonly #connection = new ConnectionOptions();
  readonly #maxHeaders: number;
  #count = 0;

  constructor(options: { readonly maxHeaders: number }) {
    this.#maxHeaders = options.maxHeaders;
  }

  /** The head is the text up to `to`, which includes the CRLF of its last line. */
  parse(source: HeadSource, to: number): Rejection | null {
    const { text } = source;
    this.contentLength = -1;
    this.chunked = false;
    this.#connection.reset();
    this.#count = 0;
    const lineEnd = text.indexOf("\r\n");
    return this.#parseStatusLine(text, lineEnd) ?? parseFields(source, lineEnd + 2, to, this) ?? this.#finish(text);
  }

  field({ name, kind }: FieldName, value: string): Rejection | null {
    if (++this.#count > this.#maxHeaders) return "too_many_headers";
    switch (kind) {
      case Kind.connection:
        return this.#connection.add(value);
      case Kind.hop:
      case Kind.te:
        return null;
      case Kind.contentLength:
        if (this.contentLength >= 0) return "duplicate_content_length";
        this.contentLength = parseContentLength(value);
        if (this.contentLength < 0) return "bad_content_length";
        break;
      case Kind.transferEncoding:
        if (this.chunked) return "duplicate_transfer_encoding";
        this.chunked = isChunked(value);
        return this.chunked ? null : "bad_transfer_encoding";
    }
    this.headers.push(name, value);
    return null;
  }

  /** `HTTP/1.x SP 3DIGIT [SP reason]`; the space may be missing when there is no reason, as many servers send it. */
  #parseStatusLine(text: string, end: number): Rejection | null {
    if (end < 12 || !text.startsWith("HTTP/1.") || text.charCodeAt(8) !== 32) return "bad_status_line";
    const minor = text.charCodeAt(7);
    if (minor !== 48 && minor !== 49) return "bad_status_line";
    const code = text.slice(9, 12);
    this.status = parseContentLength(code);
    if (this.status < 100 || this.status > 599) return "bad_status_line";
    if (end > 12 && (text.charCodeAt(12) !== 32 || !isFieldValue(text.slice(13, end)))) return "bad_status_line";
    this.headers = [":status", code];
    return null;
  }

  #finish(text: string): Rejection | null {
    const http10 = text.charCodeAt(7) === 48;
    if (this.chunked && this.contentLength >= 0) return "length_and_encoding";
    if (this.chunked && http10) return "encoding_on_http10";
    const connection = this.#connection;
    this.close = connection.close || (http10 && !connection.keepAlive);
    if (connection.nominates) connection.removeNominated(this.headers);
    return null;
  }
}
