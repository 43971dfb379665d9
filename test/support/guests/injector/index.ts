// A hostile filter for tests: does with raw host calls what the request header `x-attack` says, in hexadecimal so that any
// byte can be asked for: `call stage hex(name) hex(value)`. Leaves the call's status in the header or trailer x-status.
export * from "@sluice/sdk/proxy";
import {
  Config,
  definePlugin,
  Flow,
  HttpFilter,
  log,
  PairsBuilder,
  RequestHead,
  ResponseHead,
  Trailers,
} from "@sluice/sdk";
import * as env from "@sluice/sdk/assembly/env";
import * as maps from "@sluice/sdk/assembly/abi/map";
import { outPtr } from "@sluice/sdk/assembly/scratch";
import { encode, encodedSize } from "@sluice/sdk/assembly/text/utf8";

@config
class NoConfig extends Config {}

function unhex(text: string): string {
  let plain = "";
  for (let at = 0; at + 1 < text.length; at += 2) plain += String.fromCharCode(<i32>parseInt(text.substr(at, 2), 16));
  return plain;
}

class Injector extends HttpFilter {
  private deed: string = "";
  private stage: string = "";
  private name: string = "";
  private value: string = "";
  private code: u32 = 99;
  constructor(private config: NoConfig) {
    super();
  }

  override onRequestHeaders(request: RequestHead): Flow {
    const words = request.headers.get("x-attack").split(" ");
    if (words.length == 4) {
      this.deed = words[0];
      this.stage = words[1];
      this.name = unhex(words[2]);
      this.value = unhex(words[3]);
    }
    if (this.stage != "request") return Flow.Continue;
    if (this.deed.startsWith("reply")) return this.answer();
    this.write(maps.HTTP_REQUEST_HEADERS);
    request.headers.set("x-status", this.code.toString());
    return Flow.Continue;
  }
  override onRequestTrailers(trailers: Trailers): Flow {
    if (this.stage != "request-trailers") return Flow.Continue;
    this.write(maps.HTTP_REQUEST_TRAILERS);
    trailers.headers.set("x-status", this.code.toString());
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    if (this.stage != "response") return Flow.Continue;
    if (this.deed.startsWith("reply")) return this.answer();
    this.write(maps.HTTP_RESPONSE_HEADERS);
    response.headers.set("x-status", this.code.toString());
    return Flow.Continue;
  }
  override onResponseTrailers(trailers: Trailers): Flow {
    if (this.stage != "response-trailers") return Flow.Continue;
    this.write(maps.HTTP_RESPONSE_TRAILERS);
    trailers.headers.set("x-status", this.code.toString());
    return Flow.Continue;
  }
  override onLog(): void {
    log.info("status " + this.code.toString());
  }

  private write(map: u32): void {
    const name = encode(this.name);
    const nameSize = encodedSize;
    const value = encode(this.value);
    const valueSize = encodedSize;
    if (this.deed == "add") this.code = env.proxy_add_header_map_value(map, name, nameSize, value, valueSize);
    if (this.deed == "replace") this.code = env.proxy_replace_header_map_value(map, name, nameSize, value, valueSize);
    if (this.deed == "set") this.code = this.setPairs(map);
    if (this.deed == "property") this.code = env.proxy_set_property(name, nameSize, value, valueSize);
    if (this.deed.startsWith("callout")) this.code = this.callOut();
  }

  /** The whole map anew, with one more pair, or the one pair in place of its namesake. */
  private setPairs(map: u32): u32 {
    const pairs = new PairsBuilder();
    if (map == maps.HTTP_REQUEST_HEADERS) {
      if (this.name != ":method") pairs.add(":method", "POST");
      if (this.name != ":path") pairs.add(":path", "/set");
      if (this.name != ":authority") pairs.add(":authority", "a");
      if (this.name != ":scheme") pairs.add(":scheme", "http");
    }
    if (map == maps.HTTP_RESPONSE_HEADERS && this.name != ":status") pairs.add(":status", "200");
    const packed = pairs.add(this.name, this.value).pack();
    return env.proxy_set_header_map_pairs(map, packed.ptr, packed.length);
  }

  /** reply: a header; reply-details: `value` as details; reply-body: `value` as body. */
  private answer(): Flow {
    const headers = new PairsBuilder().add("x-good", "1");
    if (this.deed == "reply") headers.add(this.name, this.value);
    const details = encode(this.deed == "reply-details" ? this.value : "attack");
    const detailsSize = encodedSize;
    const body = encode(this.deed == "reply-body" ? this.value : "answer");
    const bodySize = encodedSize;
    const packed = headers.pack();
    const at = packed.ptr;
    this.code = env.proxy_send_local_response(418, details, detailsSize, body, bodySize, at, packed.length, -1);
    return Flow.Pause;
  }

  /** callout: a header or pseudo header; callout-trailer: a trailer; callout-name: `value` as the upstream's name. */
  private callOut(): u32 {
    const headers = new PairsBuilder();
    if (this.name != ":method") headers.add(":method", "POST");
    if (this.name != ":path") headers.add(":path", "/callout");
    if (this.name != ":authority") headers.add(":authority", "a");
    const trailers = new PairsBuilder();
    (this.deed == "callout-trailer" ? trailers : headers).add(this.name, this.value);
    const head = headers.pack();
    const tail = trailers.pack();
    const upstream = encode(this.deed == "callout-name" ? this.value : "web");
    const size = encodedSize;
    const body = encode("body");
    const to = outPtr();
    return env.proxy_http_call(upstream, size, head.ptr, head.length, body, 4, tail.ptr, tail.length, 1000, to);
  }
}
definePlugin<NoConfig, Injector>("injector");
