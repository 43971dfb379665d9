// Views over the host's header maps. Nothing is fetched until asked, nothing is decoded until a String is asked for.
// Absent, empty and refused are three answers: null (or the default), "" and `false` with `lastStatus()`.
// Repeated headers: `get`/`bytes` give what the host gives (sluice joins them, Envoy gives the first); `all` is exact.
import * as map from "./abi/map";
import { Bytes } from "./bytes";
import * as env from "./env";
import { accepted } from "./host-status";
import { PairsBuilder, PairsView } from "./pairs";
import { out, outPtr, outSize } from "./scratch";
import { percentDecode } from "./text/percent";
import { decode, encode, encodedSize } from "./text/utf8";

/** What `HeaderView.forEach` calls: JavaScript would have a closure here. */
export abstract class HeaderVisitor {
  /** One header; both windows are valid within the call. */
  abstract visit(name: Bytes, value: Bytes): void;
}

/** One header map. Static objects in the data section: no garbage, no start-up code, nothing for the collector. */
@unmanaged
export class HeaderView {
  private map: u32;

  /** The value as a String (allocates), or `absent`. */
  get(name: string, absent: string = ""): string {
    return this.fetch(name) ? decode(outPtr(), outSize()) : absent;
  }
  /** The value as a window (no garbage): null when absent, empty when there and empty. */
  bytes(name: string): Bytes | null {
    return this.fetch(name) ? Bytes.at(outPtr(), outSize()) : null;
  }
  /** Whether the header is there. */
  has(name: string): bool {
    return this.fetch(name);
  }
  /** Sets one value; further ones of that name go. */
  set(name: string, value: string): bool {
    const key = encode(name);
    const keySize = encodedSize;
    const text = encode(value);
    return accepted(env.proxy_replace_header_map_value(this.map, key, keySize, text, encodedSize));
  }
  /** As `set`, from bytes. */
  setBytes(name: string, value: Bytes): bool {
    const key = encode(name);
    return accepted(env.proxy_replace_header_map_value(this.map, key, encodedSize, value.ptr, value.length));
  }
  /** Appends another value. */
  add(name: string, value: string): bool {
    const key = encode(name);
    const keySize = encodedSize;
    const text = encode(value);
    return accepted(env.proxy_add_header_map_value(this.map, key, keySize, text, encodedSize));
  }
  /** Removes every value; fine when absent. */
  remove(name: string): bool {
    const key = encode(name);
    return accepted(env.proxy_remove_header_map_value(this.map, key, encodedSize));
  }
  /** Every value of `name`, in wire order, exact on every host (allocates an array). `name` in lower case. */
  all(name: string): Bytes[] {
    const values = new Array<Bytes>();
    const pairs = this.pairs();
    while (pairs.next()) if (pairs.key.eq(name)) values.push(pairs.value);
    return values;
  }
  /** Calls `visitor` for each header in wire order. */
  forEach(visitor: HeaderVisitor): void {
    const pairs = this.pairs();
    while (pairs.next()) visitor.visit(pairs.key, pairs.value);
  }
  /** The whole map, pseudo headers first; empty when the host has none now. */
  pairs(): PairsView {
    const ok = accepted(env.proxy_get_header_map_pairs(this.map, out, out + 4));
    return ok ? new PairsView(outPtr(), outSize()) : new PairsView(0, 0);
  }
  /** Replaces the whole map. */
  replaceAll(pairs: PairsBuilder): bool {
    const packed = pairs.pack();
    return accepted(env.proxy_set_header_map_pairs(this.map, packed.ptr, packed.length));
  }
  /** Number of headers, repeated and pseudo ones included. */
  count(): i32 {
    return this.pairs().count;
  }

  private fetch(name: string): bool {
    const key = encode(name);
    return accepted(env.proxy_get_header_map_value(this.map, key, encodedSize, out, out + 4));
  }
}

const REQUEST: HeaderView = changetype<HeaderView>(memory.data<u32>([map.HTTP_REQUEST_HEADERS]));
const RESPONSE: HeaderView = changetype<HeaderView>(memory.data<u32>([map.HTTP_RESPONSE_HEADERS]));

/** The head of the request. One object per VM, re-armed for each callback: do not keep it, keep what you read. */
@unmanaged
export class RequestHead {
  /** True when neither body nor trailers follow. */
  end: bool;

  /** All request headers, pseudo headers (`:method` ...) included. */
  get headers(): HeaderView {
    return REQUEST;
  }
  /** `GET`, `POST` ... */
  get method(): string {
    return REQUEST.get(":method");
  }
  /** Path with query, as sent. */
  get path(): string {
    return REQUEST.get(":path");
  }
  /** Path without query. */
  get pathOnly(): string {
    const path = this.pathBytes();
    const mark = path.indexOfByte(63);
    return path.slice(0, mark < 0 ? path.length : mark).toString();
  }
  /** What follows the first `?`, or "". */
  get query(): string {
    return this.queryBytes().toString();
  }
  /** `:authority`, port included. */
  get host(): string {
    return REQUEST.get(":authority");
  }
  /** `http` or `https`. */
  get scheme(): string {
    return REQUEST.get(":scheme");
  }
  /** First query parameter `name`, percent-decoded; null when absent, "" when there without value. */
  queryParam(name: string): string | null {
    return lookUp(this.queryBytes(), name, 38, true);
  }
  /** Cookie `name` as sent (RFC 6265 5.4), or null. */
  cookie(name: string): string | null {
    const header = REQUEST.bytes("cookie");
    return header ? lookUp(header, name, 59, false) : null;
  }
  /** Call this in `onRequestHeaders` when the body will change length: removes `content-length` (abi.md 9.11). */
  willEditBody(): void {
    REQUEST.remove("content-length");
  }

  private pathBytes(): Bytes {
    const path = REQUEST.bytes(":path");
    return path ? path : Bytes.at(0, 0);
  }
  private queryBytes(): Bytes {
    const path = this.pathBytes();
    const mark = path.indexOfByte(63);
    return mark < 0 ? path.slice(path.length) : path.slice(mark + 1);
  }
}

/** `name=value` in a list split by the byte `separator`. */
function lookUp(list: Bytes, name: string, separator: u8, escaped: bool): string | null {
  for (let start = 0; start <= list.length;) {
    let end = list.indexOfByte(separator, start);
    if (end < 0) end = list.length;
    const item = list.slice(start, end).trim();
    const equals = item.indexOfByte(61);
    const key = item.slice(0, equals < 0 ? item.length : equals);
    const value = equals < 0 ? item.slice(item.length) : item.slice(equals + 1);
    if (escaped ? percentDecode(key) == name : key.eq(name)) return escaped ? percentDecode(value) : value.toString();
    start = end + 1;
  }
  return null;
}

/** The head of the response. One object per VM, re-armed for each callback. */
@unmanaged
export class ResponseHead {
  /** True when neither body nor trailers follow. */
  end: bool;

  /** All response headers, `:status` included. */
  get headers(): HeaderView {
    return RESPONSE;
  }
  /** Status code, 0 when the host has none. */
  get status(): i32 {
    const text = RESPONSE.bytes(":status");
    return text ? <i32>text.parseInt() : 0;
  }
  /** Call this in `onResponseHeaders` when the body will change length: removes `content-length` (abi.md 9.11). */
  willEditBody(): void {
    RESPONSE.remove("content-length");
  }
}

const REQUEST_HEAD: RequestHead = changetype<RequestHead>(memory.data(4));
const RESPONSE_HEAD: ResponseHead = changetype<ResponseHead>(memory.data(4));

/** The request head of the effective stream, also from continuations and later callbacks. */
export function requestHead(end: bool = false): RequestHead {
  REQUEST_HEAD.end = end;
  return REQUEST_HEAD;
}
/** The response head of the effective stream. */
export function responseHead(end: bool = false): ResponseHead {
  RESPONSE_HEAD.end = end;
  return RESPONSE_HEAD;
}
