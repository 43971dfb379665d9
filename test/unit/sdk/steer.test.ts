// Steering: routes, delays, properties, foreign functions, with and without a host that knows sluice's extras. And TCP.
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Compiled } from "../../../sdk/build/index.ts";
import * as buffer from "../../../sdk/assembly/abi/buffer.ts";
import * as map from "../../../sdk/assembly/abi/map.ts";
import { buildGuest, GuestKit, readPairs, writePairs } from "../../support/guest-kit.ts";

const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
};

describe("steering", () => {
  let built: Compiled;
  let kit: GuestKit;
  beforeAll(async () => {
    built = await buildGuest("steer");
  });
  beforeEach(() => {
    kit = GuestKit.started(built.wasm);
    kit.open(2);
  });
  const ask = (path: string): string[] => {
    kit.log.length = 0;
    kit.requestHeaders(2, [[":path", path]]);
    return kit.log.map(([, text]) => text);
  };

  test("a route goes to the host as one set of fields", () => {
    kit.foreign.set("sluice.route_set", () => Buffer.alloc(0));
    expect(ask("/route")).toEqual(["routed true"]);
    expect(readPairs(kit.foreignCalls[0]?.[1] ?? Buffer.alloc(0))).toEqual([
      ["cluster", "blue"],
      ["timeouts.route", "1500ms"],
      ["retry.on", "5xx"],
      ["retry.max", "2"],
    ]);
    expect(kit.maps.get(map.HTTP_REQUEST_HEADERS)).toHaveLength(1);
  });

  test("elsewhere control headers carry it, and what has none is refused", () => {
    expect(ask("/route")).toEqual(["routed true"]);
    expect(kit.maps.get(map.HTTP_REQUEST_HEADERS)?.slice(1)).toEqual([
      ["x-sluice-cluster", "blue"],
      ["x-envoy-upstream-rq-timeout-ms", "1500"],
      ["x-envoy-retry-on", "5xx"],
      ["x-envoy-max-retries", "2"],
    ]);
    expect(kit.foreignCalls.at(-1)?.[0]).toBe("clear_route_cache");
    expect(ask("/subset")).toEqual(["subset false"]);
  });

  test("a refused route is not tried by headers", () => {
    kit.foreign.set("sluice.route_set", () => 2);
    expect(ask("/route")).toEqual(["routed false"]);
    expect(kit.maps.get(map.HTTP_REQUEST_HEADERS)).toHaveLength(1);
  });

  test("a delay is the host's, or a timer's, in the right direction", () => {
    kit.foreign.set("sluice.delay", () => Buffer.alloc(0));
    expect(kit.requestHeaders(2, [[":path", "/delay"]])).toBe(1);
    expect(kit.foreignCalls[0]?.[1].readUInt32LE()).toBe(30);
    expect(kit.tickMs).toBe(0);
    kit.foreign.clear();
    expect(kit.requestHeaders(2, [[":path", "/delay"]])).toBe(1);
    kit.advance(30);
    expect(kit.resumed).toEqual([0]);
    expect(kit.responseHeaders(2, [["x-delay", "1"]])).toBe(1);
    kit.advance(20);
    expect(kit.resumed).toEqual([0, 1]);
  });

  test("properties are read in both wire forms", () => {
    kit.properties.set("request.time", int64(1234567890123456789n));
    kit.properties.set("source.port", int64(8080n));
    kit.properties.set("connection.mtls", Buffer.from([1]));
    kit.properties.set("sluice.system.load1", Buffer.from(new Float64Array([1.5]).buffer));
    kit.properties.set("xds.route_name", Buffer.from("r1"));
    kit.properties.set("sluice.arm.s1", Buffer.from("B"));
    kit.properties.set("text.int", Buffer.from("-42"));
    kit.properties.set("text.bool", Buffer.from("true"));
    expect(ask("/props")).toEqual([
      "time 1234567890123456789 port 8080",
      "mtls true load 1.5",
      "route r1 none dflt arm B",
      "text -42 true",
    ]);
    expect(kit.properties.get("mine")?.toString()).toBe("v");
  });

  test("unset properties are defaults", () => {
    expect(ask("/props")[0]).toBe("time 0 port 0");
  });

  test("features are asked for once", () => {
    kit.foreign.set("sluice.features", () => writePairs([["sluice.gcra", "1"]]));
    expect([ask("/features"), ask("/features")]).toEqual([["gcra 1"], ["gcra 1"]]);
    expect(kit.foreignCalls).toHaveLength(1);
    expect(ask("/foreign")).toEqual(["null 1"]);
  });

  test("randomness is a value of clock and context; the stable fraction is GrowthBook's", () => {
    const [first] = ask("/random");
    const other = GuestKit.started(built.wasm);
    other.open(2);
    other.requestHeaders(2, [[":path", "/random"]]);
    expect(other.log[0]?.[1]).toBe(first);
    expect(Number(first?.slice(7))).toBeLessThan(1);
    expect(ask("/random")[0]).not.toBe(first);
    expect(ask("/stable")).toEqual(["stable 0.0505"]);
  });

  test.each([
    ["/api/v1/x", true],
    ["/api/v1/xyz/deep", true],
    ["/api/v1/y", false],
    ["/api/v1/v2/x", false],
    ["/api//x", true],
  ])("the glob /api/*/x** on %s is %s", (path, matches) => {
    expect(ask(path)).toEqual([`glob ${matches}`]);
  });

  test("extras without a fallback say so", () => {
    expect(ask("/extras")).toEqual(["jws null", "hold false meta false "]);
    const answer: [string, string][] = [
      ["valid", "0"],
      ["reason", "expired"],
    ];
    kit.foreign.set("sluice.verify_jws", () => writePairs(answer));
    kit.foreign.set("sluice.hold_headers", () => Buffer.alloc(0));
    kit.foreign.set("sluice.explain", () => Buffer.from("because"));
    expect(ask("/extras")).toEqual(["jws falseexpired", "hold true meta false because"]);
    const [, args] = kit.foreignCalls.findLast(([name]) => name === "sluice.metadata_set") ?? [];
    expect(readPairs(args ?? Buffer.alloc(0))).toEqual([
      ["ns", "n"],
      ["key", "k"],
      ["value", "v"],
    ]);
  });

  test("the names of the extras are in the info", () => {
    expect(built.info.extras).toEqual([
      "sluice.delay",
      "sluice.explain",
      "sluice.features",
      "sluice.gcra",
      "sluice.hold_headers",
      "sluice.metadata_set",
      "sluice.route_set",
      "sluice.verify_jws",
    ]);
  });
});

describe("tcp", () => {
  let built: Compiled;
  beforeAll(async () => {
    built = await buildGuest("sniff");
  });

  test("a filter waits for enough bytes, then counts", () => {
    const kit = GuestKit.started(built.wasm);
    kit.open(2);
    const data = (bytes: number[], end = 0): number => {
      kit.buffers.set(buffer.DOWNSTREAM_DATA, Buffer.from(bytes));
      return kit.call("proxy_on_downstream_data", 2, bytes.length, end);
    };
    expect(data([0x16, 3])).toBe(1);
    expect(data([0x16, 3, 1, 0, 5, 9])).toBe(0);
    kit.open(3);
    expect(kit.call("proxy_on_downstream_data", 3, 0, 1)).toBe(0);
    kit.call("proxy_on_downstream_connection_close", 2, 2);
    expect(kit.log).toEqual([[2, "client closed"]]);
    expect(kit.metrics.get("sniff_connections_total;.;kind=.=tls;.;")).toBe(1n);
    expect(kit.metrics.get("sniff_connections_total;.;kind=.=plain;.;")).toBe(1n);
    expect(built.info.kind).toBe("tcp");
    expect(kit.has("proxy_on_request_headers")).toBe(false);
  });

  test("a filter of one kind exports no callback of the other", async () => {
    const names = (one: Compiled): string[] =>
      WebAssembly.Module.exports(new WebAssembly.Module(one.wasm)).map(({ name }) => name);
    const tcp = /^proxy_on_(new_connection|(down|up)stream_)/;
    const http = /^proxy_on_(request|response)_/;
    expect(names(built).filter((name) => http.test(name))).toEqual([]);
    expect(names(built).filter((name) => tcp.test(name))).toEqual([
      "proxy_on_downstream_data",
      "proxy_on_downstream_connection_close",
    ]);
    expect(names(await buildGuest("tag")).filter((name) => tcp.test(name))).toEqual([]);
  });

  test("write hands flags and bytes to the host", async () => {
    const kit = GuestKit.started((await buildGuest("greet")).wasm);
    kit.open(2);
    expect(kit.call("proxy_on_new_connection", 2)).toBe(0);
    expect(kit.foreignCalls).toEqual([
      ["sluice.reply_downstream", Buffer.from("\0\0\0\0hello\n")],
      ["sluice.reply_downstream", Buffer.from("\x01\0\0\0bye")],
    ]);
  });
});
