// A request head as text -> the flat list in chain form, and everything the exchange must know of it, in one pass. One
// object per connection, filled anew for every request.
import { isAuthority } from "../../abi/authority.ts";
import { findHeader, removeHeader } from "../../abi/headers.ts";
import { authorityEndpoint } from "../../upstream/authorities.ts";
import { CONNECT } from "../upgrade/agree.ts";
import { ConnectionOptions } from "./connection-options.ts";
import { type FieldVisitor, isChunked, parseFields } from "./fields.ts";
import type { HeadText } from "./head-text.ts";
import { type FieldName, Kind, fieldName } from "./names.ts";
import type { Rejection } from "./rejection.ts";
import { RequestFields } from "../request-fields.ts";
import { RequestLine } from "./start-line.ts";

export class RequestHead extends RequestFields implements FieldVisitor {
  chunked = false;
  /** The client will not, or must not, send another request on this connection. */
  close = false;
  readonly before = fieldName("");
  readonly #line = new RequestLine();
  readonly #connection = new ConnectionOptions();
  readonly #maxHeaders: number;
  readonly #scheme: string;
  readonly #connect: boolean;
  #count = 0;
  #host: string | null = null;
  #targetAuthority = "";

  /** @param options `connect`: CONNECT is offered */
  constructor(options: { readonly maxHeaders: number; readonly scheme: string; readonly connect: boolean }) {
    super();
    this.#maxHeaders = options.maxHeaders;
    this.#scheme = options.scheme;
    this.#connect = options.connect;
  }

  get http10(): boolean {
    return this.protocol === "HTTP/1.0";
  }

  /** The head is the text from `from` to `to`, which includes the CRLF of its last line. */
  parse(head: HeadText, from: number, to: number): Rejection | null {
    this.#reset();
    this.bytes = to + 2 - from;
    const refused = this.#parseLine(head, from) ?? parseFields(head, this.#line.end, to, this);
    return refused ?? this.#checkHost() ?? this.#finish();
  }

  field(name: FieldName, value: string): Rejection | null {
    if (++this.#count > this.#maxHeaders) return "too_many_headers";
    if (name.kind === Kind.plain) {
      this.headers.push(name.name, value);
      return null;
    }
    return this.#special(name, value);
  }

  #special({ name, kind }: FieldName, value: string): Rejection | null {
    switch (kind) {
      case Kind.host:
        if (this.#host !== null) return "duplicate_host";
        this.#host = value;
        return null;
      case Kind.connection:
        return this.#connection.add(value);
      case Kind.hop:
        return null;
      case Kind.upgrade:
        this.upgrade = this.upgrade === "" ? value : `${this.upgrade}, ${value}`;
        return null;
      case Kind.transferEncoding:
        if (this.chunked) return "duplicate_transfer_encoding";
        this.chunked = isChunked(value);
        return this.chunked ? null : "bad_transfer_encoding";
      case Kind.expect:
        this.expectsContinue = value.toLowerCase() === "100-continue";
        if (!this.expectsContinue) return "bad_expectation";
        break;
      case Kind.te:
        if (this.acceptsTrailers || !/(?:^|[,\s])trailers(?:$|[,\s;])/i.test(value)) return null;
        this.acceptsTrailers = true;
        this.headers.push(name, "trailers");
        return null;
    }
    return this.keep(name, kind, value);
  }

  #reset(): void {
    this.resetFields();
    this.chunked = false;
    this.close = false;
    this.#connection.reset();
    this.#count = 0;
    this.#host = null;
    this.#targetAuthority = "";
  }

  #parseLine(head: HeadText, from: number): Rejection | null {
    const line = this.#line;
    const refused = line.parse(head, from);
    if (refused !== null) return refused;
    const { method } = line;
    this.protocol = line.protocol;
    this.method = method;
    const wrong = this.#target(line.target);
    // A new list for every request: the last one now belongs to its exchange.
    this.headers = [":method", method, ":scheme", this.#scheme, ":authority", "", ":path", this.path];
    return wrong;
  }

  /** The four forms of RFC 9112 3.2; authority-form belongs to CONNECT, asterisk-form to OPTIONS. */
  #target(target: string): Rejection | null {
    if (this.method === "CONNECT") return this.#authorityForm(target);
    if (target.charCodeAt(0) === 47) this.path = target;
    else if (target === "*") {
      if (this.method !== "OPTIONS") return "bad_target";
      this.path = target;
    } else return this.#absoluteForm(target);
    return null;
  }

  #authorityForm(target: string): Rejection | null {
    if (!this.#connect) return "connect_refused";
    if (authorityEndpoint(target) === null) return "bad_target";
    this.#targetAuthority = target;
    this.path = "";
    return null;
  }

  #absoluteForm(target: string): Rejection | null {
    const match = /^https?:\/\/([^/?]+)([/?].*)?$/i.exec(target);
    if (match === null || !isAuthority(match[1] ?? "")) return "bad_target";
    this.#targetAuthority = match[1] ?? "";
    const rest = match[2] ?? "/";
    this.path = rest.startsWith("?") ? `/${rest}` : rest;
    return null;
  }

  #checkHost(): Rejection | null {
    const host = this.#host;
    if (host === null && !this.http10) return "missing_host";
    if (host !== null && !isAuthority(host)) return "bad_host";
    const target = this.#targetAuthority;
    if (target !== "" && host !== null && target.toLowerCase() !== host.toLowerCase()) return "host_mismatch";
    this.authority = host ?? target;
    return null;
  }

  #finish(): Rejection | null {
    if (this.chunked && this.contentLength >= 0) return "length_and_encoding";
    if (this.chunked && this.http10) return "encoding_on_http10";
    const connection = this.#connection;
    this.hasBody = this.chunked || this.contentLength > 0;
    if (this.method === "CONNECT") return this.hasBody ? "connect_with_body" : this.#finishConnect();
    // HTTP/1.0 knows no upgrade, and who still has a body to send cannot change the protocol yet (RFC 9110 7.8).
    if (this.upgrade !== "" && (!connection.upgrade || this.hasBody || this.http10)) this.upgrade = "";
    this.close = connection.close || (this.http10 && !connection.keepAlive);
    // An expectation without a body, or from 1.0, means nothing (RFC 9110 10.1.1).
    if (this.expectsContinue && (this.http10 || !this.hasBody)) this.#dropExpectation();
    const { headers } = this;
    headers[5] = this.authority;
    if (connection.nominates) {
      connection.removeNominated(headers);
      this.#locate();
    }
    return null;
  }

  /** What follows is no HTTP, and neither side of it is kept alive (RFC 9110 9.3.6). */
  #finishConnect(): null {
    this.upgrade = CONNECT;
    this.close = true;
    this.expectsContinue = false;
    this.headers[5] = this.authority;
    const connection = this.#connection;
    if (connection.nominates) connection.removeNominated(this.headers);
    removeHeader(this.headers, "expect");
    removeHeader(this.headers, "content-length");
    this.#locate();
    return null;
  }

  #dropExpectation(): void {
    this.expectsContinue = false;
    removeHeader(this.headers, "expect");
    this.#locate();
  }

  /** Finds the marked headers again after others were taken out. */
  #locate(): void {
    this.requestIdAt = findHeader(this.headers, "x-request-id");
    this.forwardedForAt = findHeader(this.headers, "x-forwarded-for");
    this.forwardedProtoAt = findHeader(this.headers, "x-forwarded-proto");
  }
}
