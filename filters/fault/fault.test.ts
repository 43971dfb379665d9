import { readFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { build, type Compiled, type Harness, harness, refusalOf } from "../../sdk/testing/index.ts";

type Input = Parameters<Harness["request"]>[0];
const { permissions } = JSON.parse(readFileSync("filters/fault/filter.json", "utf8")) as { permissions: string[] };

let built: Compiled;
const running: Harness[] = [];
beforeAll(async () => {
  built = await build("filters/fault");
});
afterEach(() => {
  for (const h of running.splice(0)) {
    expect(h.leaks()).toEqual({ streams: 0, contexts: 0 });
    expect([h.metric("active_faults"), h.faults]).toEqual([0, []]);
    h.close();
  }
});
async function start(config: object, host: object = {}): Promise<Harness> {
  const h = await harness(built.wasm, { config, ...host });
  running.push(h);
  return h;
}
/** A host that knows no foreign functions. */
function stockHost(): object {
  const calls = permissions.filter((name) => name !== "proxy_call_foreign_function");
  return { options: { allowedCapabilities: [...built.info.callbacks, ...calls] } };
}

describe.each([
  ["by the host", () => ({})],
  ["by ticks on a stock host", stockHost],
])("fault: delays %s", (_name, host) => {
  test("a request is held for the time given, and then goes on untouched", async () => {
    const h = await start({ delay: { fixed: "200ms" } }, host());
    const exchange = h.request({ method: "POST", path: "/a", body: "text" });
    expect([exchange.state, h.metric("active_faults")]).toEqual(["paused", 1]);
    h.clock.advance(199);
    expect(exchange.upstreamRequest).toBeNull();
    h.clock.advance(1);
    expect(exchange.upstreamRequest).toMatchObject({ complete: true, body: "text" });
    expect(exchange.respond().end().response!.status).toBe(200);
    expect([h.metric("delays_injected"), h.metric("aborts_injected")]).toEqual([1, 0]);
  });

  test("delays of several requests end each at its time", async () => {
    const h = await start({ delay: { fixed: "100ms" } }, host());
    const first = h.request();
    h.clock.advance(60);
    const second = h.request();
    h.clock.advance(40);
    expect([first.state, second.state]).toEqual(["running", "paused"]);
    h.clock.advance(60);
    expect(second.state).toBe("running");
    for (const one of [first, second]) one.respond().end();
  });

  test("an abort comes after the delay", async () => {
    const h = await start({ delay: { fixed: "50ms" }, abort: { status: 418, body: "teapot" } }, host());
    const exchange = h.request();
    h.clock.advance(49);
    expect(exchange.state).toBe("paused");
    h.clock.advance(1);
    expect(exchange.reply).toMatchObject({ status: 418, body: "teapot" });
    expect(exchange.upstreamRequest).toBeNull();
    exchange.end();
    expect([h.metric("delays_injected"), h.metric("aborts_injected")]).toEqual([1, 1]);
  });

  test("a client that leaves during the delay leaves nothing behind", async () => {
    const h = await start({ delay: { fixed: "50ms" }, abort: { status: 503, percent: 50 } }, host());
    for (let i = 0; i < 20; i++) h.request().end();
    expect(h.metric("active_faults")).toBe(0);
    h.clock.advance(1000);
    expect(h.metric("aborts_injected")).toBe(0);
  });
});

describe("fault: aborts", () => {
  test("answers with status, body and details, and sends nothing upstream", async () => {
    const h = await start({ abort: { status: 503 } });
    const exchange = h.request().end();
    expect(exchange.reply).toMatchObject({ status: 503, body: "fault filter abort" });
    expect([exchange.replyDetails, exchange.upstreamRequest]).toEqual(["fault_filter_abort", null]);
  });

  test("gRPC requests get a gRPC answer", async () => {
    const h = await start({ abort: { status: 503 } });
    const reply = h.request({ headers: { "content-type": "application/grpc" } }).end().reply!;
    expect([reply.status, reply.header("grpc-status")]).toEqual([200, "14"]);
  });
});

describe("fault: shares", () => {
  /** Ids that were aborted. */
  async function hit(percent: number, count: number): Promise<string[]> {
    const h = await start({ abort: { status: 503, percent } });
    const ids = Array.from({ length: count }, (_, i) => `8c1f${i}-${i * 7919}`);
    return ids.filter((requestId) => h.request({ requestId }).end().state === "replied");
  }

  test.each([
    [0, 0, 0],
    [1, 30, 70],
    [25, 1160, 1340],
    [99.5, 4955, 4995],
    [100, 5000, 5000],
  ])("%s %% of 5000 requests are hit", async (percent, low, high) => {
    const { length } = await hit(percent, 5000);
    expect(length).toBeGreaterThanOrEqual(low);
    expect(length).toBeLessThanOrEqual(high);
  });

  test("the same ids are hit each time, and a larger share keeps them", async () => {
    const [small, again, large] = [await hit(10, 1000), await hit(10, 1000), await hit(20, 1000)];
    expect(again).toEqual(small);
    expect(large).toEqual(expect.arrayContaining(small));
  });

  test("delays and aborts fall on requests independently", async () => {
    const h = await start({ delay: { fixed: "10ms", percent: 50 }, abort: { status: 503, percent: 50 } });
    for (let i = 0; i < 2000; i++) {
      const exchange = h.request({ requestId: `id-${i}` });
      h.clock.advance(10);
      exchange.end();
    }
    const [delays, aborts] = [h.metric("delays_injected"), h.metric("aborts_injected")];
    for (const count of [delays, aborts]) expect(Math.abs(count - 1000)).toBeLessThan(90);
  });
});

describe("fault: who is meant", () => {
  const state = (h: Harness, input: Input): string => {
    const exchange = h.request(input);
    if (exchange.state === "running") exchange.respond();
    return exchange.end().state;
  };

  test("path prefix and headers must match", async () => {
    const match = { prefix: "/orders", headers: { "x-user-group": { exact: "beta" } } };
    const h = await start({ match, abort: { status: 503 } });
    const headers = { "x-user-group": "beta" };
    expect(state(h, { path: "/orders/1", headers })).toBe("replied");
    expect(state(h, { path: "/orders/1" })).toBe("done");
    expect(state(h, { path: "/web", headers })).toBe("done");
  });

  test("without any fault configured requests pass", async () => {
    const h = await start({});
    expect(state(h, {})).toBe("done");
    expect(h.metric("active_faults")).toBe(0);
  });

  test("beyond maxActiveFaults requests are spared, until one under a fault ends", async () => {
    const h = await start({ delay: { fixed: "1s" }, maxActiveFaults: 2 });
    const held = [h.request(), h.request()];
    expect(state(h, {})).toBe("done");
    expect([h.metric("faults_overflow"), h.metric("active_faults")]).toEqual([1, 2]);
    held[0]!.end();
    const next = h.request();
    expect(next.state).toBe("paused");
    h.clock.advance(1000);
    held[1]!.respond().end();
    next.respond().end();
  });
});

describe("fault: header mode", () => {
  const ask = (delay: string | null, abort: string | null) => ({
    headers: {
      ...(delay === null ? {} : { "x-envoy-fault-delay-request": delay }),
      ...(abort === null ? {} : { "x-envoy-fault-abort-request": abort }),
    },
  });

  test("a request names its own delay and abort", async () => {
    const h = await start({ headerMode: true });
    const exchange = h.request(ask("30", "404"));
    h.clock.advance(29);
    expect(exchange.state).toBe("paused");
    h.clock.advance(1);
    expect(exchange.end().reply!.status).toBe(404);
  });

  test.each([
    [null, null, "running"],
    ["", "", "running"],
    ["soon", "no", "running"],
    ["-5", "199", "running"],
    ["0", "600", "running"],
    [null, "503", "replied"],
    [" 20 ", null, "paused"],
    ["99999999999999999999", null, "running"],
  ])("delay %j and abort %j leave the request %s", async (delay, abort, state) => {
    const h = await start({ headerMode: true });
    const exchange = h.request(ask(delay, abort));
    expect(exchange.state).toBe(state);
    exchange.end();
  });

  test("a delay asked for ends after a minute at the latest", async () => {
    const h = await start({ headerMode: true }, { options: { pauseTimeoutMs: 0 } });
    const exchange = h.request(ask("86400000", null));
    h.clock.advance(59_999);
    expect(exchange.state).toBe("paused");
    h.clock.advance(1);
    expect(exchange.state).toBe("running");
    exchange.respond().end();
  });

  test("percent still decides, and what is configured holds for those who ask nothing", async () => {
    const h = await start({ headerMode: true, abort: { status: 503, percent: 0 }, delay: { fixed: "1s" } });
    const exchange = h.request(ask(null, "404"));
    h.clock.advance(1000);
    expect(exchange.respond().end().response!.status).toBe(200);
  });

  test("the headers mean nothing without header mode", async () => {
    const h = await start({});
    expect(h.request(ask("1000", "503")).respond().end().state).toBe("done");
  });
});

describe("fault: configuration", () => {
  test.each([
    [undefined],
    [{ delay: { fixed: "60s", percent: 0.0001 } }],
    [{ abort: { status: 200, percent: 100, body: "" } }],
    [{ headerMode: true, abort: { percent: 10 } }],
  ])("accepts %j", async (config) => {
    expect(await refusalOf(built.wasm, config)).toBeNull();
  });

  test.each([
    [{ delay: { fixed: "61s" } }, 'at /delay/fixed: expected a duration from 0ms to 60s, got "61s"'],
    [{ delay: { fixed: 200 } }, "at /delay/fixed: expected a string, got a number"],
    [{ delay: { percent: 5 } }, "at /delay/fixed: required with percent"],
    [{ delay: { fixed: "1s", percent: -1 } }, "at /delay/percent: expected 0-100, got -1"],
    [{ abort: { status: 100 } }, "at /abort: status: expected 200-599, or 0 for none"],
    [{ abort: { status: 600 } }, "at /abort/status: expected 0-599, got 600"],
    [{ abort: { percent: 5 } }, "at /abort/status: required with percent"],
    [{ abort: { status: 503, percentage: 5 } }, 'at /abort/percentage: unknown key, did you mean "percent"'],
    [{ headerMode: "yes" }, "at /headerMode: expected true or false, got a string"],
    [{ maxActiveFaults: -1 }, "at /maxActiveFaults: expected"],
    [{ match: { path: "/" } }, "at /match/path: unknown key"],
  ])("refuses %j", async (config, reason) => {
    expect(await refusalOf(built.wasm, config)).toContain(reason);
  });
});
