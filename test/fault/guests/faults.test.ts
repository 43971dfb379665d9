// What ends an instance, what the streams that meet it are answered, and how it comes back: by cause, by policy and by
// callback (abi.md 13, decisions.md 1, 2 and 4). Through the real chain, with a clock that stands until it is moved.
import { describe, expect, test } from "vitest";
import { Harness } from "../../../host/testing/harness.ts";
import { DEFAULT_LIMITS } from "../../../host/plugin/defaults.ts";
import type { FilterOptions } from "../../../host/plugin/options.ts";
import { type Deed, exercise, hostile } from "../../support/hostile.ts";

const TRAP: Deed = { does: "unreachable" };
const HEADERS = "proxy_on_request_headers";

function load(deed: Deed, moment: string, options: Partial<FilterOptions> = {}): Harness {
  const h = new Harness([{ name: "bad", wasm: hostile(deed, moment), options }]);
  h.upstream("web").on("GET /", { status: 200 });
  h.upstream("web").grpc("s.S/M", { messages: ["x"] });
  return h;
}

const reasons = (h: Harness): readonly string[] => h.faults.map(({ fault }) => `${fault.reason}/${fault.cause}`);

interface Cause {
  readonly title: string;
  readonly deed: Deed;
  readonly moment?: string;
  readonly options?: Partial<FilterOptions>;
  readonly found: string;
}

const CAUSES: readonly Cause[] = [
  { title: "a trap", deed: TRAP, found: "trap/trap" },
  { title: "a division by zero", deed: { does: "(drop (i32.div_u (i32.const 1) (i32.const 0)))" }, found: "trap/trap" },
  { title: "a load out of bounds", deed: { does: "(drop (i32.load (i32.const -4)))" }, found: "trap/trap" },
  { title: "no end", deed: { does: "(loop $l (br $l))" }, found: "fuel/fuel" },
  { title: "endless recursion", deed: { does: "(call $deed) (call $deed)" }, found: "stack/trap" },
  {
    title: "memory that is refused, and a guest that gives up",
    deed: { does: "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable" },
    options: { limits: { ...DEFAULT_LIMITS, memoryBytes: 16 * 65_536, fuel: 10_000_000 } },
    found: "oom/oom",
  },
  {
    title: "an allocator that traps",
    deed: {
      does: "(drop (call $get_header_map_pairs (i32.const 0) (i32.const 300) (i32.const 304)))",
      allocator: "unreachable",
    },
    found: "trap/trap",
  },
  {
    title: "an allocator that calls the host",
    deed: {
      does: "(drop (call $get_header_map_pairs (i32.const 0) (i32.const 300) (i32.const 304)))",
      allocator: "(drop (call $continue_stream (i32.const 0))) (i32.const 1024)",
    },
    found: "restricted_callback/trap",
  },
  { title: "a trap in its tick", deed: TRAP, moment: "proxy_on_tick", found: "trap/tick" },
];

describe("every cause ends the instance at once and nothing else", () => {
  test.each(CAUSES)("$title: $found", ({ deed, moment = HEADERS, options = {}, found }) => {
    const h = new Harness([
      { name: "good", wasm: hostile({}, "") },
      { name: "bad", wasm: hostile(deed, moment), options: { failurePolicy: "FAIL_OPEN", ...options } },
    ]);
    const { status } = exercise(h);
    expect(reasons(h)[0]).toBe(found);
    expect(h.faults.every(({ filter }) => filter === "bad")).toBe(true);
    // It was skipped, and the other filter served to the end.
    expect(status).toBe(200);
    h.close();
    expect(h.leaks()).toEqual({ streams: 0, contexts: 0 });
  });

  test("an exception in a host function is no exception of the proxy", () => {
    const h = load(
      { does: "(drop (call $get_property (i32.const 16) (i32.const 1) (i32.const 300) (i32.const 304)))" },
      HEADERS,
    );
    const plugin = h.generations[0]!.context("")!;
    Object.defineProperty(plugin.vm.memory, "text", {
      value: () => {
        throw new TypeError("a bug of ours");
      },
    });
    const x = h.request();
    expect(x.reply?.status).toBe(503);
    expect(reasons(h)).toEqual(["host_error/trap"]);
    expect(h.faults[0]?.fault.message).toBe("a bug of ours");
    x.end();
  });

  test("what a guest catches does not save it: the reason stands, whatever it does afterwards", () => {
    const h = load({ does: "(try (do (call $proc_exit (i32.const 3))) (catch_all))" }, HEADERS);
    const x = h.request();
    expect(x.reply?.status).toBe(503);
    expect(reasons(h)).toEqual(["proc_exit/trap"]);
    x.end();
    h.close();
  });
});

describe("policy by cause", () => {
  const policies = { start: "FAIL_OPEN", trap: "FAIL_CLOSED", fuel: "FAIL_OPEN", tick: "FAIL_OPEN" } as const;

  test("a trap is answered 503 and a loop is skipped, when the filter says so", () => {
    const trap = load(TRAP, HEADERS, { failurePolicies: policies });
    expect(trap.request().reply?.status).toBe(503);
    const loop = load({ does: "(loop $l (br $l))" }, HEADERS, { failurePolicies: policies });
    const x = loop.request();
    expect(x.reply).toBeNull();
    expect(x.upstreamRequest).not.toBeNull();
  });

  test("while a new instance is not due, the cause of the last failure decides", () => {
    const h = load(TRAP, "proxy_on_tick", { failurePolicies: { trap: "FAIL_CLOSED", tick: "FAIL_OPEN" } });
    h.clock.advance(100);
    // The first renewal is at once; its tick fails too.
    h.request().end();
    h.clock.advance(100);
    expect(reasons(h)).toEqual(["trap/tick", "trap/tick"]);
    const x = h.request();
    expect(x.reply).toBeNull();
    expect(x.upstreamRequest).not.toBeNull();
  });

  test("a tick without a policy of its own counts as a trap", () => {
    const h = load(TRAP, "proxy_on_tick", { failurePolicies: { trap: "FAIL_OPEN" } });
    h.clock.advance(100);
    h.request().end();
    h.clock.advance(100);
    expect(h.request().upstreamRequest).not.toBeNull();
  });

  test("a renewal that refuses its configuration follows config, and is tried again after the back-off", () => {
    // Accepts once: the flag is in shared data, which outlives the instance.
    const h = load(
      {
        does: `(if (call $get_shared_data (i32.const 16) (i32.const 1) (i32.const 300) (i32.const 304) (i32.const 308))
            (then (drop (call $set_shared_data (i32.const 16) (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 0))))
            (else (global.set $refuse (i32.const 1))))`,
        more: `(global $refuse (mut i32) (i32.const 0))
          (func (export "proxy_validate_configuration") (param i32 i32) (result i32) (call $deed) (i32.eqz (global.get $refuse)))
          (func (export "proxy_on_foreign_function") (param i32 i32 i32) unreachable)`,
      },
      "",
      { failurePolicies: { config: "FAIL_OPEN" } },
    );
    const trap = h.generations[0]!.context("")!;
    trap.vm.callWith(trap.vm.callbacks.onForeignFunction!, trap, "trap", [0, 0]);
    // The renewal at once refuses; it is skipped and not tried again before its time.
    const x = h.request();
    expect(x.reply).toBeNull();
    expect(x.upstreamRequest).not.toBeNull();
    x.respond().end();
    h.close();
  });
});

describe.each(["FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"] as const)("%s", (failurePolicy) => {
  const meets = (h: Harness): string => {
    const x = h.request();
    const met = x.reply === null ? "passed" : String(x.reply.status);
    x.end();
    return met;
  };
  const hit = failurePolicy === "FAIL_OPEN" ? "passed" : "503";

  test("renews at once, then after 1 s, 2 s, 4 s ... up to 60 s, each between half and whole", () => {
    const h = load(TRAP, HEADERS, { failurePolicy });
    const waits: number[] = [];
    for (let round = 0; round < 9; round++) {
      expect(meets(h)).toBe(hit);
      expect(h.faults).toHaveLength(round + 1);
      const wait = h.faults.at(-1)!.renewInMs;
      waits.push(wait);
      if (wait === 0) continue;
      // One moment earlier there is no instance to hit.
      h.clock.advance(Math.ceil(wait) - 1);
      expect(meets(h)).toBe(hit);
      expect(h.faults).toHaveLength(round + 1);
      h.clock.advance(1);
    }
    expect(waits[0]).toBe(0);
    for (const [at, wait] of waits.slice(1).entries()) {
      const whole = Math.min(60_000, 1000 * 2 ** at);
      expect(wait).toBeGreaterThanOrEqual(whole / 2);
      expect(wait).toBeLessThanOrEqual(whole);
    }
    // Jitter is the random source's: another seed, other waits.
    expect(new Set(waits.slice(1).map((wait) => wait % 1)).size).toBeGreaterThan(1);
    h.close();
  });

  test("a quiet minute makes the next failure the first again", () => {
    const h = load(TRAP, HEADERS, { failurePolicy });
    meets(h);
    meets(h);
    h.clock.advance(61_000);
    meets(h);
    expect(h.faults.map(({ renewInMs }) => renewInMs === 0)).toEqual([true, false, true]);
    h.close();
  });

  test("streams that wait in the dead instance are answered at once, those of other filters are not touched", async () => {
    const h = new Harness([
      { name: "bad", wasm: hostile({}, ""), options: { failurePolicy } },
      { name: "traps", wasm: hostile(TRAP, "proxy_on_tick"), options: { failurePolicy } },
    ]);
    h.upstream("web").on("GET /", { status: 200 });
    h.upstream("web").grpc("s.S/M", { messages: ["x"] });
    const waiting = h.request();
    expect(waiting.upstreamRequest).not.toBeNull();
    // The second filter dies in its tick while the request waits for its upstream.
    h.clock.advance(100);
    await Promise.resolve();
    expect(h.faults.map(({ filter }) => filter)).toEqual(["traps"]);
    if (failurePolicy === "FAIL_OPEN") {
      waiting.respond({ status: 204 });
      expect(waiting.response?.status).toBe(204);
    } else {
      expect(waiting.reply?.status).toBe(503);
      expect(waiting.replyDetails).toBe("wasm_fail_stream");
    }
    waiting.end();
    h.close();
    expect(h.leaks()).toEqual({ streams: 0, contexts: 0 });
  });
});

describe("what is told", () => {
  test("reason, callback, request, fuel and the last host calls, oldest first", () => {
    const h = load(
      {
        does: `(drop (call $get_log_level (i32.const 300)))
          (drop (call $get_property (i32.const 16) (i32.const 1) (i32.const 300) (i32.const 304)))
          unreachable`,
      },
      HEADERS,
    );
    h.request({ requestId: "r-1" }).end();
    const { fault } = h.faults[0]!;
    expect(fault).toMatchObject({ reason: "trap", callback: HEADERS, requestId: "r-1" });
    expect(fault.fuel).toBeGreaterThan(0);
    expect(fault.fuel).toBeLessThan(100);
    expect(fault.hostCalls.slice(-2)).toEqual(["get_log_level = OK", "get_property = NOT_FOUND"]);
    expect(fault.hostCalls.slice(0, -2).every((words) => words.startsWith("before: "))).toBe(true);
  });

  test("at most sixteen host calls are kept, and the one that did not return says so", () => {
    const h = load(
      {
        does: `(local $i i32)
          (loop $l (drop (call $get_log_level (i32.const 300)))
            (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))
          (drop (call $get_header_map_pairs (i32.const 0) (i32.const 300) (i32.const 304)))`,
        allocator: "unreachable",
      },
      HEADERS,
    );
    h.request().end();
    const { hostCalls } = h.faults[0]!.fault;
    expect(hostCalls).toHaveLength(16);
    expect(hostCalls.at(-1)).toBe("get_header_map_pairs = did not return");
    expect(new Set(hostCalls.slice(0, 15))).toEqual(new Set(["get_log_level = OK"]));
  });

  test("a loop used its whole budget", () => {
    const h = load({ does: "(loop $l (br $l))" }, HEADERS, {
      limits: { ...DEFAULT_LIMITS, memoryBytes: 1 << 20, fuel: 5000 },
    });
    h.request().end();
    expect(h.faults[0]!.fault.fuel).toBe(5000);
  });
});

describe("host work is charged", () => {
  const endsByFuel = (does: string): void => {
    const h = load({ does }, HEADERS, { limits: { ...DEFAULT_LIMITS, memoryBytes: 4 << 20, fuel: 1_000_000 } });
    const before = performance.now();
    h.request().end();
    expect(reasons(h)).toEqual(["fuel/fuel"]);
    expect(performance.now() - before).toBeLessThan(2000);
    h.close();
  };

  test("a storm of host calls ends by fuel long before its loop would", () =>
    endsByFuel("(loop $l (drop (call $get_log_level (i32.const 300))) (br $l))"));

  test("so does a storm of copies", () =>
    endsByFuel(
      "(loop $l (drop (call $set_shared_data (i32.const 16) (i32.const 1) (i32.const 0) (i32.const 100000) (i32.const 0))) (br $l))",
    ));
});
