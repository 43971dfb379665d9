// A header block of HTTP/2 as node:http2 decoded it -> the flat list in chain form, and everything the exchange must know of
// it. One object per connection, filled anew for every request. As strict as http1/request-head.ts; nghttp2 has checked most
// of it before, and nothing here relies on that.
import { removeHeader } from "../../abi/headers.ts";
import { isAuthority } from "../../abi/authority.ts";
import { isFieldValue, isToken, isVisible } from "../http1/chars.ts";
import { type FieldName, Kind, fieldNameOf } from "../http1/names.ts";
import type { Rejection } from "../http1/rejection.ts";
import { authorityEndpoint } from "../../upstream/authorities.ts";
import { CONNECT } from "../upgrade/agree.ts";
import { RequestFields } from "../request-fields.ts";

const COLON = 58;

/** What a client may ask for besides requests. */
export interface TunnelOffers {
  readonly connect: boolean;
  readonly extended: boolean;
}

const NO_OFFERS: TunnelOffers = { connect: false, extended: false };

interface HeadLimits {
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
}

export class Http2RequestHead extends RequestFields {
  readonly #scheme: string;
  #givenScheme = "";
  #host: string | null = null;
  #cookieAt = -1;
  #protocol = "";
  readonly #offers: TunnelOffers;

  /**
   * @param scheme what the connection is, whatever the client says
   * @param offers whether CONNECT, and extended CONNECT (RFC 8441), are offered
   */
  constructor(scheme: string, offers: TunnelOffers = NO_OFFERS) {
    super();
    this.protocol = "HTTP/2";
    this.#scheme = scheme;
    this.#offers = offers;
  }

  /** @param raw `[name, value, ...]` as it came */
  parse(raw: readonly string[], endStream: boolean, limits: HeadLimits): Rejection | null {
    this.#reset(endStream);
    let count = 0;
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const name = raw[at] as string;
      const value = raw[at + 1] as string;
      this.bytes += name.length + value.length;
      // As RFC 9113 6.5.2 counts. node:http2 keeps the same limit once the client has acknowledged it.
      if (this.bytes + 16 * at > limits.maxHeaderBytes) return "header_too_large";
      const isPseudo = name.charCodeAt(0) === COLON;
      if (!isPseudo && ++count > limits.maxHeaders) return "too_many_headers";
      if (!isFieldValue(value)) return "bad_header_value";
      const refused = isPseudo ? this.#pseudo(name, value, count) : this.#field(name, value);
      if (refused !== null) return refused;
    }
    return this.#checkLine() ?? this.#checkHost() ?? this.#finish();
  }

  #reset(endStream: boolean): void {
    this.headers = [":method", "", ":scheme", this.#scheme, ":authority", "", ":path", ""];
    this.method = "";
    this.authority = "";
    this.path = "";
    this.bytes = 0;
    this.resetFields();
    this.hasBody = !endStream;
    this.#givenScheme = "";
    this.#host = null;
    this.#cookieAt = -1;
    this.#protocol = "";
  }

  /** @param before ordinary headers so far: pseudo headers come first, each once (RFC 9113 8.3) */
  #pseudo(name: string, value: string, before: number): Rejection | null {
    if (before > 0 || value === "") return "bad_pseudo_header";
    if (name === ":method" && this.method === "") this.method = value;
    else if (name === ":path" && this.path === "") this.path = value;
    else if (name === ":authority" && this.authority === "") this.authority = value;
    else if (name === ":protocol" && this.#protocol === "" && this.#offers.extended) this.#protocol = value;
    else if (name === ":scheme" && this.#givenScheme === "") this.#givenScheme = value;
    else return "bad_pseudo_header";
    return null;
  }

  #field(text: string, value: string): Rejection | null {
    const name = fieldNameOf(text);
    if (name === null) return "bad_header_name";
    if (name.kind !== Kind.plain) return this.#special(name, value);
    const { headers } = this;
    if (name.name === "cookie") {
      // One header again for whoever does not speak HTTP/2 (RFC 9113 8.2.3).
      if (this.#cookieAt >= 0) {
        headers[this.#cookieAt] += `; ${value}`;
        return null;
      }
      this.#cookieAt = headers.length + 1;
    }
    headers.push(name.name, value);
    return null;
  }

  #special({ name, kind }: FieldName, value: string): Rejection | null {
    switch (kind) {
      case Kind.host:
        if (this.#host !== null) return "duplicate_host";
        this.#host = value;
        return null;
      case Kind.expect:
        this.expectsContinue = value.toLowerCase() === "100-continue";
        if (!this.expectsContinue) return "bad_expectation";
        if (!this.hasBody) return null;
        break;
      case Kind.te:
        if (value.toLowerCase() !== "trailers") return "connection_specific";
        if (this.acceptsTrailers) return null;
        this.acceptsTrailers = true;
        this.headers.push(name, "trailers");
        return null;
      case Kind.connection:
      case Kind.hop:
      case Kind.upgrade:
      case Kind.transferEncoding:
        return "connection_specific";
    }
    return this.keep(name, kind, value);
  }

  #checkLine(): Rejection | null {
    if (this.method === "CONNECT" && isToken(this.#protocol)) this.#extendedConnect();
    else if (this.#protocol !== "") return "bad_pseudo_header";
    const { method, path } = this;
    if (method === "CONNECT") return this.#offers.connect ? this.#plainConnect() : "connect_refused";
    if (!isToken(method) || !/^https?$/i.test(this.#givenScheme)) return "bad_pseudo_header";
    const isTarget = path.charCodeAt(0) === 47 || (path === "*" && method === "OPTIONS");
    return isTarget && isVisible(path) && !path.includes("#") ? null : "bad_target";
  }

  /** RFC 9113 8.5: an authority and nothing else. */
  #plainConnect(): Rejection | null {
    if (this.path !== "" || this.#givenScheme !== "" || this.#protocol !== "") return "bad_pseudo_header";
    if (authorityEndpoint(this.authority) === null) return "bad_target";
    if (this.contentLength > 0) return "connect_with_body";
    this.upgrade = CONNECT;
    this.hasBody = false;
    return null;
  }

  /** RFC 8441 4: what an Upgrade is in HTTP/1.1, and becomes here (RFC 6455 4.1: with GET). */
  #extendedConnect(): void {
    this.method = "GET";
    this.upgrade = this.#protocol;
    this.hasBody = false;
    removeHeader(this.headers, "expect");
  }

  #checkHost(): Rejection | null {
    const host = this.#host;
    if (this.authority === "") {
      if (host === null) return "missing_host";
      this.authority = host;
    } else if (host !== null && host.toLowerCase() !== this.authority.toLowerCase()) return "host_mismatch";
    return isAuthority(this.authority) ? null : "bad_host";
  }

  #finish(): Rejection | null {
    // A length without a body is a body cut off.
    if (!this.hasBody && this.contentLength > 0) return "bad_content_length";
    if (!this.hasBody) this.expectsContinue = false;
    const { headers } = this;
    headers[1] = this.method;
    headers[5] = this.authority;
    headers[7] = this.path;
    return null;
  }
}
