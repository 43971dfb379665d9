// Every limit on what a filter may use: what is answered over it, that it is counted, that a filter's own setting holds,
// and that the documented table says what the code does.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Harness } from "../../../host/testing/harness.ts";
import { LogRelay } from "../../../host/data-plane/log-relay.ts";
import { VirtualClock } from "../../../host/base/clock.ts";
import { DEFAULT_LIMITS } from "../../../host/plugin/defaults.ts";
import { limitTable, SETTABLE_LIMITS } from "../../../host/plugin/limit-table.ts";
import type { FilterLimits, FilterOptions } from "../../../host/plugin/options.ts";
import { Ticker } from "../../../host/plugin/ticker.ts";
import { parse, problemsOf, MINIMAL } from "../../unit/config/support.ts";
import { at, hostile, PAIRS_AT, PAIRS_SIZE } from "../../support/hostile.ts";

const OK = 0;
const NOT_FOUND = 1;
const BAD_ARGUMENT = 2;
const INTERNAL_FAILURE = 10;
const HEADERS = "proxy_on_request_headers";

/** Counts, by `limit:` or `right:` and name. */
type Counts = Map<string, number>;

/** Runs `does` in a request, which leaves a status in `$status`, and gives that and what was counted. */
function statusOf(does: string, limits: Partial<FilterLimits> = {}, options: Partial<FilterOptions> = {}) {
  const counts: Counts = new Map();
  const count = (kind: string) => (filter: string, name: string) => {
    expect(filter).toBe("f");
    counts.set(`${kind}:${name}`, (counts.get(`${kind}:${name}`) ?? 0) + 1);
  };
  const wasm = hostile(
    { does: `(local $i i32) ${does}`, more: '(global $status (export "status") (mut i32) (i32.const -1))' },
    HEADERS,
  );
  const h = new Harness([{ name: "f", wasm, options: { limits: { ...DEFAULT_LIMITS, ...limits }, ...options } }], {
    overLimit: count("limit"),
    denied: count("right"),
  });
  h.upstream("web").on("GET /", { status: 200 });
  h.upstream("web").grpc("s.S/M", {});
  const x = h.request();
  x.end();
  expect(h.faults).toEqual([]);
  const { fault } = h.generations[0]!.context("")!.vm;
  expect(fault).toBeNull();
  const status = statusGlobal(h);
  h.close();
  return { status, counts: Object.fromEntries(counts) };
}

/** What the deed kept: written into the log by the host is not needed, the global is read. */
function statusGlobal(h: Harness): number {
  const memory = h.generations[0]!.context("")!.vm.memory;
  return memory.u32(400)! | 0;
}

const keep = (call: string): string => `(i32.store (i32.const 400) ${call})`;
/** `call` this many times; the last status is kept. `$i` counts. */
const times = (count: number, call: string): string =>
  `(loop $l ${keep(call)} (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${count}))))`;
/** A name of four bytes at 420 that differs with `$i`. */
const naming = `(i32.store (i32.const 420) (i32.add (i32.const 0x61616161) (local.get $i)))`;
const pairs = `(i32.const ${PAIRS_AT}) (i32.const ${PAIRS_SIZE})`;

const ADD = `(call $add_header_map_value (i32.const 0) ${at("x-a")} ${at("x-a")})`;
const DEFINE = `(block (result i32) ${naming} (call $define_metric (i32.const 0) (i32.const 420) (i32.const 4) (i32.const 430)))`;
const CALL = `(call $http_call ${at("web")} ${pairs} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 9) (i32.const 430))`;
const STREAM = `(call $grpc_stream ${at("web")} ${at("s.S")} ${at("M")} (i32.const 0) (i32.const 0) (i32.const 430))`;

describe("over a limit", () => {
  test("headers: BAD_ARGUMENT, by number and by bytes", () => {
    expect(statusOf(times(3, ADD)).status).toBe(OK);
    expect(statusOf(times(300, ADD))).toEqual({
      status: BAD_ARGUMENT,
      counts: { "limit:headers": expect.any(Number) },
    });
    expect(statusOf(times(8, ADD), { headers: 8 })).toEqual({
      status: BAD_ARGUMENT,
      counts: { "limit:headers": expect.any(Number) },
    });
    const wide = `(call $add_header_map_value (i32.const 0) ${at("x-a")} (i32.const 100000) (i32.const 2000))`;
    const padded = `(memory.fill (i32.const 100000) (i32.const 97) (i32.const 2000)) ${keep(wide)}`;
    expect(statusOf(padded).status).toBe(OK);
    expect(statusOf(padded, { headerBytes: 1024 }).status).toBe(BAD_ARGUMENT);
    const whole = `(memory.fill (i32.const 100000) (i32.const 97) (i32.const 2000))
      ${keep(`(call $set_header_map_pairs (i32.const 0) ${pairs})`)}`;
    expect(statusOf(whole, { headers: 2 })).toEqual({ status: BAD_ARGUMENT, counts: { "limit:headers": 1 } });
  });

  test("metrics: INTERNAL_FAILURE; a name that is there can be defined again", () => {
    expect(statusOf(times(900, DEFINE)).status).toBe(OK);
    expect(statusOf(times(5, DEFINE), { metrics: 4 })).toEqual({
      status: INTERNAL_FAILURE,
      counts: { "limit:metrics": 1 },
    });
    expect(
      statusOf(`${times(4, DEFINE)} (local.set $i (i32.const 0)) ${times(4, DEFINE)}`, { metrics: 4 }).status,
    ).toBe(OK);
  });

  test("call-outs, HTTP and gRPC: INTERNAL_FAILURE, per filter and per stream", () => {
    // The ordinary part of the guest begins one of each as well, afterwards.
    for (const call of [CALL, STREAM]) {
      expect(statusOf(times(64, call)).status).toBe(OK);
      expect(statusOf(times(65, call))).toMatchObject({ status: INTERNAL_FAILURE, counts: { "limit:callouts": 2 } });
      expect(statusOf(times(3, call), { callouts: 2 }).status).toBe(INTERNAL_FAILURE);
      expect(statusOf(times(3, call), { calloutsPerStream: 2 }).status).toBe(INTERNAL_FAILURE);
      expect(statusOf(times(1, call), { callouts: 0 }).status).toBe(INTERNAL_FAILURE);
    }
  });

  test("shared data: the least recently used keys go, at the filter's own number of keys and bytes", () => {
    const set = `(block (result i32) ${naming} (call $set_shared_data (i32.const 420) (i32.const 4) ${at("wasm")} (i32.const 0)))`;
    const first = `(local.set $i (i32.const 0)) ${naming}
      ${keep("(call $get_shared_data (i32.const 420) (i32.const 4) (i32.const 430) (i32.const 434) (i32.const 438))")}`;
    expect(statusOf(`${times(20, set)} ${first}`).status).toBe(OK);
    expect(statusOf(`${times(20, set)} ${first}`, { sharedDataKeys: 4 }).status).toBe(NOT_FOUND);
    expect(statusOf(`${times(200, set)} ${first}`, { sharedDataBytes: 1024 }).status).toBe(NOT_FOUND);
    const long = `(call $set_shared_data (i32.const 0) (i32.const 2000) ${at("wasm")} (i32.const 0))`;
    expect(statusOf(keep(long))).toEqual({ status: INTERNAL_FAILURE, counts: { "limit:sharedData": 1 } });
  });

  test("a queue's items: INTERNAL_FAILURE", () => {
    const push = `(call $enqueue_shared_queue (i32.load (i32.const 256)) ${at("wasm")})`;
    expect(statusOf(times(10_001, push)).status).toBe(INTERNAL_FAILURE);
  });

  test("a local reply's body: BAD_ARGUMENT", () => {
    const reply = `(call $send_local_response (i32.const 200) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1048577) (i32.const 0) (i32.const 0) (i32.const -1))`;
    const { status, counts } = statusOf(`(drop (memory.grow (i32.const 16))) ${keep(reply)}`);
    expect([status, counts]).toEqual([BAD_ARGUMENT, { "limit:replyBody": 1 }]);
  });

  test("linear memory and tables: growing gives -1", () => {
    const grow = keep("(memory.grow (i32.const 20))");
    expect(statusOf(grow).status).toBe(2);
    expect(statusOf(grow, { memoryBytes: 16 * 65_536 }).status).toBe(-1);
    const table = (limits: Partial<FilterLimits>) => {
      const wasm = hostile(
        { does: keep("(table.grow $t (ref.null func) (i32.const 1000))"), more: "(table $t 1 funcref)" },
        HEADERS,
      );
      const h = new Harness([{ name: "f", wasm, options: { limits: { ...DEFAULT_LIMITS, ...limits } } }]);
      h.upstream("web").on("GET /", { status: 200 }).grpc("s.S/M", {});
      h.request().end();
      return statusGlobal(h);
    };
    expect(table({})).toBe(1);
    expect(table({ tableEntries: 500 })).toBe(-1);
  });
});

describe("log lines", () => {
  const line = { level: 2, filter: "f", version: "v1", contextId: 1, message: "hello" };

  test("data threads share a filter's limit; what is over it is dropped, counted and said", () => {
    const clock = new VirtualClock();
    const sent: string[] = [];
    let dropped = 0;
    const send = (lines: readonly { message: string }[]): void =>
      void sent.push(...lines.map(({ message }) => message));
    const relay = new LogRelay({ clock, threads: 4, send, dropped: () => void dropped++ });
    for (let at = 0; at < 100; at++) relay.add(line, 40);
    for (let at = 0; at < 5; at++) relay.add({ ...line, filter: "other" }, 1000);
    relay.flush();
    expect(sent).toHaveLength(15);
    expect(dropped).toBe(90);
    clock.advance(1000);
    relay.add(line, 40);
    relay.flush();
    expect(sent.slice(15)).toEqual(["90 log lines dropped: more than limits.logLines: 40 in a second", "hello"]);
  });
});

describe("ticks", () => {
  function ticking(costMs: (tick: number) => number, periodMs: number, shortestMs = 1) {
    const clock = new VirtualClock();
    const began: number[] = [];
    const slowed: number[] = [];
    let busy = 0;
    const ticker = new Ticker({
      clock: { ...spread(clock), monotonicMs: () => clock.monotonicMs() + busy },
      shortestMs,
      run: () => {
        began.push(clock.monotonicMs());
        busy += costMs(began.length);
        return true;
      },
      slowed: (ms) => void slowed.push(ms),
    });
    ticker.set(periodMs);
    return { clock, began, slowed, ticker };
  }
  const spread = (clock: VirtualClock) => ({
    nowMs: () => clock.nowMs(),
    nowNanos: () => clock.nowNanos(),
    monotonicNanos: () => clock.monotonicNanos(),
    after: (ms: number, run: () => void) => clock.after(ms, run),
  });

  test("a cheap tick keeps its period; one below the filter's shortest period is stretched to it", () => {
    const cheap = ticking(() => 0, 10);
    cheap.clock.advance(100);
    expect(cheap.began).toHaveLength(10);
    expect(cheap.slowed).toEqual([]);
    const eager = ticking(() => 0, 1, 50);
    eager.clock.advance(100);
    expect(eager.began).toHaveLength(2);
    eager.ticker.stop();
    eager.clock.advance(1000);
    expect(eager.began).toHaveLength(2);
  });

  test("one that turns itself off in each run is not made rarer", () => {
    const clock = new VirtualClock();
    let ran = 0;
    const ticker: Ticker = new Ticker({
      clock,
      shortestMs: 1,
      run: () => {
        ran++;
        ticker.set(0);
        return true;
      },
      slowed: () => expect.unreachable(),
    });
    for (let round = 0; round < 20; round++) {
      ticker.set(10);
      clock.advance(10);
    }
    expect(ran).toBe(20);
  });

  test("one that takes over a tenth of the time is doubled until it does not, and comes back when it is cheap again", () => {
    const { clock, began, slowed } = ticking((tick) => (tick < 10 ? 5 : 0), 10);
    clock.advance(2000);
    expect(slowed).toEqual([20, 40, 80]);
    const last = began.slice(-2);
    expect(last[1]! - last[0]!).toBe(10);
  });
});

describe("the filter's configuration", () => {
  const FILTER = (limits: string): string => `${MINIMAL}filters:\n  - { name: f, limits: { ${limits} } }\n`;

  test("every limit of the table can be set, and nothing else", async () => {
    const set = "memory: 1MiB, fuel: 5M, tableEntries: 7, headers: 8, headerBytes: 2KiB, logLines: 9, metrics: 10";
    const more = "sharedDataKeys: 11, sharedDataBytes: 3KiB, callouts: 12, calloutsPerStream: 13, tickPeriod: 14ms";
    const { config } = await parse(FILTER(`${set}, ${more}`));
    const limits = {
      memoryBytes: 1 << 20,
      fuel: 5_000_000,
      tableEntries: 7,
      headers: 8,
      headerBytes: 2048,
      logLines: 9,
      metrics: 10,
      sharedDataKeys: 11,
      sharedDataBytes: 3072,
      callouts: 12,
      calloutsPerStream: 13,
      tickPeriodMs: 14,
    };
    expect(config.filters[0]?.limits).toEqual(limits);
    expect(new Set(SETTABLE_LIMITS.map(({ field }) => field))).toEqual(new Set(Object.keys(limits)));
    expect((await problemsOf(FILTER("logLine: 5")))[0]).toMatchObject({
      code: "unknown_key",
      hint: 'did you mean "logLines"?',
    });
  });

  test("what is out of its range is refused with the range", async () => {
    expect((await problemsOf(FILTER("headerBytes: 2MiB")))[0]?.message).toContain(
      "limits.headerBytes is 1024 to 1048576 bytes, got 2097152",
    );
    expect((await problemsOf(FILTER("tickPeriod: 2m")))[0]?.message).toContain(
      "limits.tickPeriod is 1 to 60000 ms, got 120000",
    );
    expect((await problemsOf(FILTER("headers: 0")))[0]?.code).toBe("bad_value");
  });
});

test("docs/limits.md holds the table of the code", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/limits.md"), "utf8");
  const cells = (table: string): string => table.replaceAll(/ *\| */g, "|").replaceAll(/-{3,}/g, "---");
  expect(cells(text)).toContain(cells(limitTable()));
});

describe("fuel as a metric", () => {
  test("points and calls per callback, over the instances there were, the failed call included", () => {
    const does = `(if (i32.eqz (call $get_header_map_value (i32.const 0) ${at("x-a")} (i32.const 300) (i32.const 304))) (then unreachable))`;
    const h = new Harness([{ name: "f", wasm: hostile({ does }, HEADERS) }]);
    h.upstream("web").on("GET /", { status: 200 }).grpc("s.S/M", {});
    for (const headers of [{}, {}, { "x-a": "1" }, {}]) h.request({ headers }).end();
    const uses = h.generations[0]!.fuelUses;
    expect(uses.get(HEADERS)?.calls).toBe(4);
    expect(uses.get("proxy_on_configure")?.calls).toBe(2);
    expect(uses.get("proxy_on_tick")).toBeUndefined();
    const { points } = uses.get(HEADERS)!;
    expect(points).toBeGreaterThan(4 * 10);
    expect(points).toBeLessThan(4 * 200);
    // What one call takes, it takes again.
    h.request().end();
    const after = h.generations[0]!.fuelUses.get(HEADERS)!;
    h.request().end();
    const again = h.generations[0]!.fuelUses.get(HEADERS)!;
    expect(after.points - points).toBe(again.points - after.points);
    h.close();
  });
});

describe("rights", () => {
  const property = (path: string): string =>
    `(call $get_property (i32.const 440) (i32.const ${path.length}) (i32.const 430) (i32.const 434))`;
  const spell = (text: string, address: number): string =>
    [...Buffer.from(text)]
      .map((byte, index) => `(i32.store8 (i32.const ${address + index}) (i32.const ${byte}))`)
      .join(" ");

  test.each([
    [null, OK],
    [["request"], OK],
    [["request.path"], OK],
    [["request.pat"], NOT_FOUND],
    [["response", "source"], NOT_FOUND],
    [[], NOT_FOUND],
  ])("allowedProperties %j: request.path answers %i", (allowedProperties, status) => {
    const path = "request\0path";
    const found = statusOf(`${spell(path, 440)} ${keep(property(path))}`, {}, { allowedProperties });
    expect(found.status).toBe(status);
    expect(found.counts).toEqual(status === OK ? {} : { "right:property": 1 });
  });

  test("setting a property outside the prefixes is BAD_ARGUMENT", () => {
    const set = `${spell("mine", 440)} ${keep(`(call $set_property (i32.const 440) (i32.const 4) ${at("wasm")})`)}`;
    expect(statusOf(set, {}, { allowedProperties: ["mine"] }).status).toBe(OK);
    expect(statusOf(set, {}, { allowedProperties: ["other"] })).toEqual({
      status: BAD_ARGUMENT,
      counts: { "right:property": 1 },
    });
  });

  test("a foreign function that is not allowed is NOT_FOUND, as on a host without it, with empty outputs", () => {
    const call = `${spell("sluice.features", 440)}
      ${keep("(call $call_foreign_function (i32.const 440) (i32.const 15) (i32.const 0) (i32.const 0) (i32.const 430) (i32.const 434))")}`;
    expect(statusOf(call, {}, { allowedForeignFunctions: ["sluice.features"] }).status).toBe(OK);
    expect(statusOf(call, {}, { allowedForeignFunctions: [] })).toEqual({
      status: NOT_FOUND,
      counts: { "right:foreign_function": 1 },
    });
  });

  test("a host function that is not allowed is INTERNAL_FAILURE and counted each time, said once", () => {
    const allowedCapabilities = ["proxy_on_request_headers", "proxy_on_context_create", "proxy_on_configure"];
    const found = statusOf(times(3, "(call $get_log_level (i32.const 430))"), {}, { allowedCapabilities });
    expect(found).toMatchObject({ status: INTERNAL_FAILURE, counts: { "right:proxy_get_log_level": 3 } });
  });

  test("a call-out to a cluster that is not allowed is BAD_ARGUMENT", () => {
    expect(statusOf(keep(CALL), {}, { allowedUpstreams: ["web"] }).status).toBe(OK);
    expect(statusOf(keep(CALL), {}, { allowedUpstreams: ["auth"] })).toMatchObject({
      status: BAD_ARGUMENT,
      counts: { "right:upstream": 2 },
    });
  });

  test("another filter's queue cannot be found", () => {
    const resolve = keep(`(call $resolve_shared_queue ${at("vm")} ${at("queue")} (i32.const 430))`);
    expect(statusOf(resolve, {}, { vmId: "vm", allowedNamespaces: ["vm"] }).status).toBe(OK);
    expect(statusOf(resolve, {}, { vmId: "vm", allowedNamespaces: [] })).toEqual({
      status: NOT_FOUND,
      counts: { "right:namespace": 1 },
    });
  });

  test("a module from elsewhere may do less, unless the configuration says more", async () => {
    const sha256 = "ab".repeat(32);
    const filter = (more: string): string =>
      `${MINIMAL}filters:\n  - { name: f, source: "https://example.test/f.wasm", sha256: ${sha256}${more} }\n  - { name: own, source: ./own.wasm }\n`;
    const { config } = await parse(filter(""));
    expect(config.filters[0]).toMatchObject({
      allowedCapabilities: null,
      allowedProperties: null,
      allowedForeignFunctions: ["sluice.features"],
      allowedNamespaces: ["f"],
      allowedUpstreams: [],
    });
    expect(config.filters[1]).toMatchObject({
      allowedForeignFunctions: null,
      allowedNamespaces: null,
      allowedUpstreams: null,
    });
    const more = await parse(filter(", allowedUpstreams: [web], allowedForeignFunctions: [compress], vmId: shared"));
    expect(more.config.filters[0]).toMatchObject({
      allowedForeignFunctions: ["compress"],
      allowedNamespaces: ["shared"],
      allowedUpstreams: ["web"],
    });
  });
});
