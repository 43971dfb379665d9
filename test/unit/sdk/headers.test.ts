// Headers through the SDK: views, edits, the answers of flow, and memory that stays flat.
import { beforeAll, describe, expect, test } from "vitest";
import type { Compiled } from "../../../sdk/build/index.ts";
import * as map from "../../../sdk/assembly/abi/map.ts";
import { buildGuest, GuestKit, type Pairs } from "../../support/guest-kit.ts";

const STREAM = 2;
const REQUEST: Pairs = [
  [":method", "GET"],
  [":path", "/shop/a?a+b=%41%zz&c&e=f"],
  [":authority", "h:80"],
  [":scheme", "http"],
  ["x-empty", ""],
  ["x-many", "one"],
  ["x-many", "twö"],
  ["cookie", "a=1; sid=x=y; b=2"],
  ["content-length", "21"],
];

describe.each(["debug", "release"] as const)("headers (%s)", (mode) => {
  let built: Compiled;
  let kit: GuestKit;
  beforeAll(async () => {
    built = await buildGuest("headers", mode);
    kit = GuestKit.started(built.wasm);
    kit.open(STREAM);
  });

  test("a request is read without being copied first", () => {
    expect(kit.requestHeaders(STREAM, REQUEST)).toBe(4);
    expect(kit.log.map(([, text]) => text)).toEqual([
      "method GET path /shop/a?a+b=%41%zz&c&e=f only /shop/a",
      "query a+b=%41%zz&c&e=f host h:80 scheme http",
      "end true count 9",
      "empty 0 absent dflt",
      "absent null has true",
      "param [A%zz][][null]",
      "cookie [x=y][null]",
      "all 2 one twö",
      `${REQUEST.map(([key, value]) => `${key}=${value}`).join("|")}|`,
    ]);
  });

  test("edits reach the host, in UTF-8", () => {
    expect(kit.maps.get(map.HTTP_REQUEST_HEADERS)?.slice(-4)).toEqual([
      ["content-length", "21"],
      ["x-doubled", "42"],
      ["x-ümlaut-värde", "blé 🎉"],
      ["x-many", "three"],
    ]);
  });

  test("a whole map is replaced, and each callback has its own numbers for flow", () => {
    kit.log.length = 0;
    expect(kit.responseHeaders(STREAM, [[":status", "204"]])).toBe(3);
    expect(kit.log).toEqual([[2, "status 204"]]);
    expect(kit.maps.get(map.HTTP_RESPONSE_HEADERS)).toEqual([
      [":status", "201"],
      ["x-a", ""],
      ["x-b", "ü"],
    ]);
    kit.maps.set(map.HTTP_REQUEST_TRAILERS, [["x-in", "1"]]);
    expect(kit.call("proxy_on_request_trailers", STREAM, 1)).toBe(1);
    expect(kit.header(map.HTTP_REQUEST_TRAILERS, "x-sum")).toBe("1!");
  });
});

describe("the example filter", () => {
  let built: Compiled;
  beforeAll(async () => {
    built = await buildGuest("tag", "release");
  });

  test("tags a request, refuses a listed agent and counts it", () => {
    const kit = GuestKit.started(built.wasm, '{"header":"x-v","value":"é","deny":["curl","bot"]}');
    kit.open(STREAM);
    expect(kit.requestHeaders(STREAM, [["user-agent", "Mozilla"]])).toBe(0);
    expect(kit.header(map.HTTP_REQUEST_HEADERS, "x-v")).toBe("é");
    expect(kit.requestHeaders(STREAM, [["user-agent", "curl/8"]])).toBe(1);
    expect(kit.reply).toEqual({ status: 403, body: "denied", headers: [], details: "" });
    expect(kit.metrics.get("tag_denied_total")).toBe(1n);
  });

  test("only what it overrides is exported", () => {
    expect(built.info.callbacks).toEqual([
      "proxy_on_configure",
      "proxy_on_context_create",
      "proxy_on_delete",
      "proxy_on_memory_allocate",
      "proxy_on_request_headers",
      "proxy_on_vm_start",
    ]);
    expect(built.info.hostCalls).not.toContain("proxy_http_call");
    expect(built.info.hostCalls).not.toContain("proxy_set_tick_period_milliseconds");
  });

  test("memory stays flat over 20 000 requests", () => {
    const kit = GuestKit.started(built.wasm, '{"deny":["curl"]}');
    const run = (from: number, count: number): void => {
      for (let id = from; id < from + count; id++) {
        kit.open(id);
        kit.requestHeaders(id, [["user-agent", "Mozilla"]]);
        kit.end(id);
      }
    };
    run(2, 1000);
    const before = kit.memoryBytes;
    run(2000, 20_000);
    expect(kit.memoryBytes).toBe(before);
    expect(before).toBeLessThanOrEqual(192 * 1024);
  });

  test("many streams at a time find their own object", () => {
    const kit = GuestKit.started(built.wasm);
    const ids = Array.from({ length: 3000 }, (_, i) => 2 + i * 64);
    for (const id of ids) kit.open(id);
    for (const id of ids.filter((_, i) => i % 3 === 0)) kit.end(id);
    for (const [i, id] of ids.entries()) {
      kit.requestHeaders(id, []);
      expect(kit.maps.get(map.HTTP_REQUEST_HEADERS)).toEqual(i % 3 === 0 ? [] : [["x-tag", "v1"]]);
    }
  });

  test("unknown ids, absent plugin contexts and refused host calls are answered, never trapped", () => {
    const kit = GuestKit.started(built.wasm);
    expect(kit.requestHeaders(99, [])).toBe(0);
    kit.open(5, 77);
    expect(kit.requestHeaders(5, [])).toBe(0);
    kit.open(6);
    kit.failing.set("proxy_replace_header_map_value", 2);
    expect(kit.requestHeaders(6, [])).toBe(0);
    expect(kit.call("proxy_on_memory_allocate", 0)).toBe(0);
    expect(kit.call("proxy_on_memory_allocate", -1)).toBe(0);
    kit.end(99);
    kit.call("proxy_on_delete", 1);
  });
});
