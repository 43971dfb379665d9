// Where a key comes from: what tells users apart for limits and sticky shares. All of it as bytes, without garbage.
import { Bytes } from "../bytes";
import { HttpFilter } from "../context";
import { RequestHead } from "../headers";
import { props } from "../properties";
import { formatInt } from "../text/number";
import { lowerCased } from "./names";

/** x-request-id as the host knows it; a host without one has at least numbers of streams. */
export function requestIdOf(stream: HttpFilter): Bytes {
  const id = props.bytes("request.id");
  if (id && id.length) return id;
  const header = stream.request.headers.bytes("x-request-id");
  return header && header.length ? header : formatInt(stream.id);
}

/** The value of a cookie as sent (RFC 6265 5.4), or null. */
export function cookieOf(request: RequestHead, name: string): Bytes | null {
  const list = request.headers.bytes("cookie");
  if (list === null) return null;
  for (let start = 0; start < list.length;) {
    let end = list.indexOfByte(59, start);
    if (end < 0) end = list.length;
    const item = list.slice(start, end).trim();
    const equals = item.indexOfByte(61);
    if (equals >= 0 && item.slice(0, equals).eq(name)) return item.slice(equals + 1);
    start = end + 1;
  }
  return null;
}

/** Where a key is read from. */
export enum KeyKind {
  Header,
  Cookie,
  /** The client's address without port. */
  Source,
  /** Path without query. */
  Path,
  RequestId,
  /** One key for all. */
  Global,
}

/** A key's place as written in a configuration: `header:x-user-id`, `cookie:sid`, `source`, `path`, `requestId`, `global`. */
export class KeySource {
  constructor(
    public kind: KeyKind,
    public name: string,
  ) {}

  /** Null when the text names no such place. */
  static parse(text: string): KeySource | null {
    if (text.startsWith("header:") && text.length > 7) {
      return new KeySource(KeyKind.Header, lowerCased(text.substring(7)));
    }
    if (text.startsWith("cookie:") && text.length > 7) return new KeySource(KeyKind.Cookie, text.substring(7));
    if (text == "source") return new KeySource(KeyKind.Source, "");
    if (text == "path") return new KeySource(KeyKind.Path, "");
    if (text == "requestId") return new KeySource(KeyKind.RequestId, "");
    return text == "global" ? new KeySource(KeyKind.Global, "") : null;
  }
  /** The key of the stream's request; null when it has none. */
  read(stream: HttpFilter): Bytes | null {
    if (this.kind == KeyKind.Header) return stream.request.headers.bytes(this.name);
    if (this.kind == KeyKind.Cookie) return cookieOf(stream.request, this.name);
    if (this.kind == KeyKind.Source) return sourceAddress();
    if (this.kind == KeyKind.Path) return pathOnly(stream.request);
    return this.kind == KeyKind.RequestId ? requestIdOf(stream) : Bytes.at(0, 0);
  }
}

function sourceAddress(): Bytes | null {
  const address = props.bytes("source.address");
  if (address === null) return null;
  // The port follows the last colon; an IPv6 address has more of them.
  let colon = address.length - 1;
  while (colon >= 0 && address[colon] != 58) colon--;
  return colon < 0 ? address : address.slice(0, colon);
}

function pathOnly(request: RequestHead): Bytes | null {
  const path = request.headers.bytes(":path");
  if (path === null) return null;
  const mark = path.indexOfByte(63);
  return mark < 0 ? path : path.slice(0, mark);
}
