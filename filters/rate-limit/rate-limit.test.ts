import { readFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { compile, type Harness, harness, refusalOf, type TestExchange } from "../../sdk/testing/index.ts";

const { permissions } = JSON.parse(readFileSync("filters/rate-limit/filter.json", "utf8")) as { permissions: string[] };
/** A host that allows the callbacks, and all host calls but these. */
const without = (...names: string[]) => {
  const callbacks = ["context_create", "vm_start", "configure", "request_headers", "response_headers", "delete"];
  const calls = permissions.filter((name) => !names.includes(name));
  return { options: { allowedCapabilities: [...callbacks.map((name) => `proxy_on_${name}`), ...calls] } };
};
const STOCK_HOST = without("proxy_call_foreign_function");
const NO_STATE = without("proxy_call_foreign_function", "proxy_get_shared_data", "proxy_set_shared_data");

let wasm: Uint8Array;
const running: Harness[] = [];
beforeAll(async () => {
  wasm = await compile("filters/rate-limit/assembly/index.ts");
});
afterEach(() => {
  for (const h of running.splice(0)) {
    expect(h.leaks()).toEqual({ streams: 0, contexts: 0 });
    expect(h.faults).toEqual([]);
    h.close();
  }
});
async function start(config: object, host: object = {}): Promise<Harness> {
  const h = await harness(wasm, { config, ...host });
  running.push(h);
  return h;
}
/** A whole exchange; the upstream answers what reaches it. */
function send(h: Harness, input: Parameters<Harness["request"]>[0] = {}): TestExchange {
  const exchange = h.request(input);
  if (exchange.state !== "replied") exchange.respond();
  return exchange.end();
}
const status = (h: Harness, input: Parameters<Harness["request"]>[0] = {}): number => send(h, input).response!.status;
const passed = (h: Harness, count: number, input: Parameters<Harness["request"]>[0] = {}): number =>
  Array.from({ length: count }, () => status(h, input)).filter((code) => code === 200).length;

describe.each([
  ["shared by the host", {}],
  ["over shared data on a stock host", STOCK_HOST],
])("rate-limit: state %s", (_name, host) => {
  test("at one instant exactly the burst passes", async () => {
    const h = await start({ rate: "10/s", burst: 5 }, host);
    expect(passed(h, 20)).toBe(5);
    expect([h.metric("allowed"), h.metric("limited"), h.metric("enforced"), h.metric("errors")]).toEqual([
      5, 15, 15, 0,
    ]);
  });

  test("without a burst of its own, as many pass at once as the rate names", async () => {
    expect(passed(await start({ rate: "7/m" }, host), 20)).toBe(7);
  });

  test("requests come back one by one, to the millisecond", async () => {
    const h = await start({ rate: "10/s", burst: 3 }, host);
    expect(passed(h, 4)).toBe(3);
    h.clock.advance(99);
    expect(passed(h, 2)).toBe(0);
    h.clock.advance(1);
    expect(passed(h, 2)).toBe(1);
    h.clock.advance(250);
    expect(passed(h, 5)).toBe(2);
    h.clock.advance(50);
    expect(passed(h, 2)).toBe(1);
    h.clock.advance(60_000);
    expect(passed(h, 9)).toBe(3);
  });

  test("a steady stream at the rate is never refused, one above it is cut to the rate", async () => {
    const h = await start({ rate: "100/s", burst: 1 }, host);
    const over = (stepMs: number, count: number): number => {
      let good = 0;
      for (let i = 0; i < count; i++) {
        good += passed(h, 1);
        h.clock.advance(stepMs);
      }
      return good;
    };
    expect(over(10, 50)).toBe(50);
    expect(over(5, 100)).toBe(50);
  });

  test("Retry-After is the second at which the request is allowed", async () => {
    const h = await start({ rate: "2/10s", burst: 1 }, host);
    expect(status(h)).toBe(200);
    const refused = send(h).reply!;
    expect([refused.status, refused.header("retry-after")]).toEqual([429, "5"]);
    h.clock.advance(4999);
    expect(send(h).reply!.header("retry-after")).toBe("1");
    h.clock.advance(1);
    expect(status(h)).toBe(200);
  });

  test("the response says what is left and when all is back", async () => {
    const h = await start({ rate: "2/s", burst: 3 }, host);
    const told = [1, 2, 3, 4].map(() => send(h).response!.header("ratelimit"));
    expect(told).toEqual(['"default";r=2;t=1', '"default";r=1;t=1', '"default";r=0;t=2', '"default";r=0;t=1']);
    expect(send(h).response!.header("ratelimit-policy")).toBe('"default";q=2;w=1');
  });

  test("a rate that does not divide evenly still gives the whole burst", async () => {
    const h = await start({ rate: "7/s", burst: 7 }, host);
    expect(passed(h, 9)).toBe(7);
    h.clock.advance(1000);
    expect(passed(h, 9)).toBe(7);
  });
});

describe("rate-limit: both kinds of state", () => {
  test("give the same answers to the same requests", async () => {
    const config = { rate: "13/s", burst: 4, key: "header:x-user" };
    const answers = async (host: object): Promise<unknown[]> => {
      const h = await start(config, host);
      return Array.from({ length: 300 }, (_, i) => {
        h.clock.advance((i * 37) % 53);
        const { list } = send(h, { headers: { "x-user": `u${(i * i) % 3}` } }).response!;
        return list;
      });
    };
    const [own, stock] = [await answers({}), await answers(STOCK_HOST)];
    expect(own).toEqual(stock);
    expect(JSON.stringify(own)).toContain('"429"');
  });

  test("without any state requests pass, or are answered 503, and are counted as errors", async () => {
    const open = await start({ rate: "1/h" }, NO_STATE);
    expect(passed(open, 5)).toBe(5);
    expect([open.metric("errors"), open.metric("allowed")]).toEqual([5, 0]);
    const closed = await start({ rate: "1/h", failOpen: false }, NO_STATE);
    expect(send(closed).reply).toMatchObject({ status: 503, body: "rate limit state is not available\n" });
  });
});

describe("rate-limit: keys", () => {
  const users = async (key: string, inputs: Parameters<Harness["request"]>[0][]): Promise<number[]> => {
    const h = await start({ rate: "2/h", key });
    return inputs.map((input) => passed(h, 5, input));
  };

  test("every header value has its own limit, absent ones share one", async () => {
    const inputs = [{ headers: { "x-user": "ada" } }, { headers: { "x-user": "bob" } }, {}, { path: "/other" }];
    expect(await users("header:X-User", inputs)).toEqual([2, 2, 2, 0]);
  });

  test("every cookie value has its own limit", async () => {
    const inputs = [
      { headers: { cookie: "a=1; sid=x" } },
      { headers: { cookie: "sid=y" } },
      { headers: { cookie: "sid=x" } },
    ];
    expect(await users("cookie:sid", inputs)).toEqual([2, 2, 0]);
  });

  test("the source is the address without the port", async () => {
    const from = (sourceAddress: string, sourcePort: number) => ({ facts: { sourceAddress, sourcePort } });
    const inputs = [
      from("10.0.0.1", 1),
      from("10.0.0.1", 2),
      from("10.0.0.2", 1),
      from("2001:db8::1", 1),
      from("2001:db8::2", 1),
    ];
    expect(await users("source", inputs)).toEqual([2, 0, 2, 2, 2]);
  });

  test("the path counts without its query", async () => {
    expect(await users("path", [{ path: "/a?x" }, { path: "/a?y" }, { path: "/b" }])).toEqual([2, 0, 2]);
  });

  test("long keys are told apart to their last byte", async () => {
    const long = "k".repeat(3000);
    const inputs = [{ headers: { "x-user": `${long}1` } }, { headers: { "x-user": `${long}2` } }];
    expect(await users("header:x-user", inputs)).toEqual([2, 2]);
  });
});

describe("rate-limit: what is limited", () => {
  test("only requests that match count", async () => {
    const h = await start({ rate: "1/h", match: { prefix: "/api" } });
    expect([passed(h, 3, { path: "/web" }), passed(h, 3, { path: "/api/x" })]).toEqual([3, 1]);
  });

  test("log-only counts and refuses nobody, and clients see nothing of it", async () => {
    const h = await start({ rate: "1/h", filterEnforced: { percent: 0 } });
    expect(passed(h, 10)).toBe(10);
    expect([h.metric("allowed"), h.metric("limited"), h.metric("enforced")]).toEqual([1, 9, 0]);
    expect(send(h).response!.list).toEqual([":status", "200"]);
  });

  test("a share is enforced, the same requests each time", async () => {
    const run = async (): Promise<number[]> => {
      const h = await start({ rate: "1/h", filterEnforced: { percent: 30 } });
      return Array.from({ length: 2000 }, (_, i) => status(h, { requestId: `id-${i}` }));
    };
    const [first, second] = [await run(), await run()];
    expect(first).toEqual(second);
    const refused = first.filter((code) => code === 429).length;
    expect(refused).toBeGreaterThan(540);
    expect(refused).toBeLessThan(660);
  });

  test("a share is counted at all", async () => {
    const h = await start({ rate: "1/h", filterEnabled: { percent: 12.5 } });
    for (let i = 0; i < 2000; i++) send(h, { requestId: `id-${i}` });
    const seen = h.metric("allowed") + h.metric("limited");
    expect(seen).toBeGreaterThan(200);
    expect(seen).toBeLessThan(300);
  });

  test("the refusal is as configured", async () => {
    const h = await start({ rate: "1/h", status: 503, body: "later", responseHeaders: false });
    expect(send(h).response!.list).toEqual([":status", "200"]);
    const exchange = send(h);
    expect(exchange.reply!.list).toEqual([":status", "503", "content-type", "text/plain; charset=utf-8"]);
    expect([exchange.reply!.body, exchange.replyDetails]).toEqual(["later", "rate_limited"]);
    expect(exchange.upstreamRequest).toBeNull();
  });

  test("memory stays flat over 20 000 requests", async () => {
    const h = await start({ rate: "1000/s", burst: 10, key: "header:x-user" });
    const some = (count: number): void => {
      for (let i = 0; i < count; i++) {
        if (i % 64 === 0) h.clock.advance(1);
        send(h, { headers: { "x-user": `user-${i % 7}` } });
      }
    };
    some(2000);
    const before = h.memoryBytes();
    some(20_000);
    expect(h.memoryBytes()).toBe(before);
    expect(h.metric("limited")).toBeGreaterThan(0);
  });
});

describe("rate-limit: configuration", () => {
  test.each([
    [{ rate: "100/s" }],
    [{ rate: "5/10s", burst: 20, key: "cookie:sid" }],
    [{ rate: "1000000000/s", key: "source" }],
    [{ rate: "1/24h", burst: 99, filterEnabled: {}, filterEnforced: { percent: 0.0001 } }],
  ])("accepts %j", async (config) => {
    expect(await refusalOf(wasm, config)).toBeNull();
  });

  test.each([
    [undefined, 'at /rate: required, such as "100/s"'],
    [{}, 'at /rate: required, such as "100/s"'],
    [{ rate: "0/s" }, "at /rate: expected at least one event, got 0"],
    [{ rate: "100" }, 'at /rate: expected a rate such as "100/s", got "100"'],
    [{ rate: "-1/s" }, "at /rate: expected a rate"],
    [{ rate: "1/0s" }, "at /rate: expected a rate"],
    [{ rate: "2000000000/s" }, "at /rate: expected at most one event per nanosecond"],
    [{ rate: "1/24h", burst: 101 }, "at /burst: expected a burst that comes back within 100 days"],
    [{ rate: "1/s", burst: -1 }, "at /burst: expected"],
    [
      { rate: "1/s", key: "header:" },
      'at /key: expected header:NAME, cookie:NAME, source, path or global, got "header:"',
    ],
    [{ rate: "1/s", key: "user" }, "at /key: expected"],
    [{ rate: "1/s", status: 200 }, "at /status: expected 400-599, got 200"],
    [{ rate: "1/s", filterEnforced: { percent: 101 } }, "at /filterEnforced/percent: expected 0-100, got 101"],
    [{ rate: "1/s", filterEnabled: 50 }, "at /filterEnabled: expected an object, got a number"],
    [{ rate: "1/s", match: { prefix: "api" } }, "at /match: prefix: expected a path"],
    [{ rate: "1/s", bursts: 3 }, 'at /bursts: unknown key, did you mean "burst"'],
  ])("refuses %j", async (config, reason) => {
    expect(await refusalOf(wasm, config)).toContain(reason);
  });
});
