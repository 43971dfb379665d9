// A response head as text -> the flat list in chain form, and how the body is framed. One object per upstream connection,
// filled anew for every answer.
import type { HeaderList } from "../../abi/headers.ts";
import { ConnectionOptions } from "./connection-options.ts";
import { type FieldVisitor, isChunked, parseContentLength, parseFields } from "./fields.ts";
import type { HeadText } from "./head-text.ts";
import { type FieldName, Kind, fieldName } from "./names.ts";
import type { Rejection } from "./rejection.ts";
import { StatusLine, statusText } from "./start-line.ts";

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
  /** What Upgrade says; "" = nothing. */
  upgrade = "";
  readonly before = fieldName("");
  readonly #line = new StatusLine();
  readonly #connection = new ConnectionOptions();
  readonly #maxHeaders: number;
  #count = 0;

  constructor(options: { readonly maxHeaders: number }) {
    this.#maxHeaders = options.maxHeaders;
  }

  /** The head is the text up to `to`, which includes the CRLF of its last line. */
  parse(head: HeadText, to: number): Rejection | null {
    this.contentLength = -1;
    this.chunked = false;
    this.upgrade = "";
    this.#connection.reset();
    this.#count = 0;
    const line = this.#line;
    const refused = line.parse(head);
    if (refused !== null) return refused;
    this.status = line.status;
    this.headers = [":status", statusText(line.status)];
    return parseFields(head, line.end, to, this) ?? this.#finish(line.http10);
  }

  field({ name, kind }: FieldName, value: string): Rejection | null {
    if (++this.#count > this.#maxHeaders) return "too_many_headers";
    switch (kind) {
      case Kind.connection:
        return this.#connection.add(value);
      case Kind.hop:
      case Kind.te:
        return null;
      case Kind.upgrade:
        this.upgrade = value;
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

  /**
   * 1xx and 204 have no body and no framing (RFC 9110 8.6, RFC 9112 6.1; a length of 0 is overlooked, as Envoy does), and a
   * 1xx cannot be the last answer of a connection. Where a peer would see a body we would see the next answer.
   */
  #isBare(): boolean {
    return !this.chunked && this.contentLength <= 0 && (this.status >= 200 || !this.close);
  }

  #finish(http10: boolean): Rejection | null {
    if (this.chunked && this.contentLength >= 0) return "length_and_encoding";
    if (this.chunked && http10) return "encoding_on_http10";
    const connection = this.#connection;
    this.close = connection.close || (http10 && !connection.keepAlive);
    if ((this.status < 200 || this.status === 204) && !this.#isBare()) return "bad_bodyless_answer";
    if (connection.nominates) connection.removeNominated(this.headers);
    return null;
  }
}
