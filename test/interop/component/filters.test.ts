// Components as filters, made by real tools (AssemblyScript, QuickJS, jco) and driven through the host's own chain: what
// they see, what they may do, what ends them, and that the others never notice.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FILTER_DEFAULTS } from "../../../host/plugin/defaults.ts";
import { addHeader } from "../../../host/abi/headers.ts";
import {
  countComponent,
  harnessOf,
  type Loaded,
  newJco,
  scriptComponent,
  takeApart,
} from "../../support/components.ts";

const limits = (memoryBytes: number, fuel = 10_000_000) => ({ ...FILTER_DEFAULTS.limits, memoryBytes, fuel });

const jco = newJco();
let count: Loaded;
let tag: Loaded;

beforeAll(async () => {
  count = await takeApart(jco, await countComponent(jco));
  tag = await takeApart(jco, await scriptComponent(jco));
}, 120_000);
afterAll(() => jco.close());

describe("a component in AssemblyScript", () => {
  test("sees requests and changes their headers, non-ASCII included", () => {
    const harness = harnessOf(count);
    const exchange = harness.request({ headers: { "user-agent": "bl\xe9/1", "x-secret": "7" } });
    const seen = exchange.upstreamRequest;
    expect(seen?.header("x-agent")).toBe("bl\xe9/1");
    expect(seen?.header("x-count")).toBe("1");
    expect(seen?.header("x-secret")).toBeUndefined();
    exchange.respond({});
    exchange.end();
    expect(harness.leaks()).toEqual({ streams: 0, contexts: 0 });
    harness.close();
  });

  test("logs under its filter's name", () => {
    const harness = harnessOf(count);
    harness.request({ path: "/log" }).respond({});
    expect(harness.logs).toEqual([{ level: 2, filter: "part", message: "request 1" }]);
    harness.close();
  });

  test("keeps its state between requests and gives its memory back: 20 000 requests under a cap of 1 MiB", () => {
    const harness = harnessOf(count, { options: { limits: limits(1024 * 1024) } });
    for (let at = 0; at < 20_000; at++) {
      const exchange = harness.request({ headers: { "user-agent": "x".repeat(100) } });
      exchange.respond({});
      exchange.end();
    }
    const last = harness.request();
    expect(harness.faults).toEqual([]);
    expect(last.upstreamRequest?.header("x-count")).toBe("20001");
    harness.close();
  });

  test.each([
    ["/trap", "trap"],
    ["/loop", "fuel"],
    ["/grow", "oom"],
  ])("ends at %s by %s, answers by policy, and is renewed at once", (path, reason) => {
    const harness = harnessOf(count, { options: { limits: limits(1024 * 1024, 1_000_000) } });
    const exchange = harness.request({ path });
    expect(exchange.response?.status).toBe(503);
    expect(harness.faults.map(({ fault }) => [fault.reason, fault.callback])).toEqual([
      [reason, "proxy_on_request_headers"],
    ]);
    const next = harness.request();
    expect(next.upstreamRequest?.header("x-count")).toBe("1");
    harness.close();
  });

  test("FAIL_OPEN passes a request by a component that traps", () => {
    const harness = harnessOf(count, { options: { failurePolicy: "FAIL_OPEN" } });
    expect(harness.request({ path: "/trap" }).upstreamRequest?.header(":path")).toBe("/trap");
    harness.close();
  });

  test("spends fuel like any filter, the same for the same request", () => {
    const used = [0, 1].map(() => {
      const harness = harnessOf(count);
      harness.request();
      const left = harness.generations[0]?.fuelLeft ?? 0;
      harness.close();
      return 10_000_000 - left;
    });
    expect(used[0]).toBeGreaterThan(100);
    expect(used[0]).toBeLessThan(10_000);
    expect(used[1]).toBe(used[0]);
  });
});

describe("a component in JavaScript", () => {
  test("takes its configuration, changes requests and responses, and answers by itself", () => {
    const harness = harnessOf(tag, { config: { value: "v1", deny: "/admin" } });
    const passed = harness.request({ path: "/a", headers: { "x-debug": "1" } });
    expect(passed.upstreamRequest?.header("x-tag")).toBe("v1");
    expect(passed.upstreamRequest?.header("x-debug")).toBeUndefined();
    passed.respond({ status: 201 });
    expect(passed.response?.header("x-seen")).toBe("201");
    const denied = harness.request({ path: "/admin/7" });
    expect(denied.upstreamRequest).toBeNull();
    expect(denied.response?.status).toBe(403);
    expect(denied.response?.body).toBe("/admin/7 is closed\n");
    expect(harness.logs.map(({ message }) => message)).toContain("denied /admin/7");
    expect(harness.faults).toEqual([]);
    harness.close();
  });

  test("refuses a configuration in its own words", () => {
    expect(() => harnessOf(tag, { config: { value: 7 } })).toThrow("value: expected a text, got 7");
  });

  test("gets no log and no configuration when they are not among its capabilities", () => {
    const names = ["proxy_on_request_headers", "proxy_on_response_headers"];
    const harness = harnessOf(tag, {
      config: { value: "v1", deny: "/admin" },
      options: { allowedCapabilities: names },
    });
    const exchange = harness.request({ path: "/admin/7" });
    expect(exchange.upstreamRequest?.header("x-tag")).toBe("js");
    expect(harness.logs).toEqual([]);
    harness.close();
  });

  test("a memory cap it does not fit under is said with both numbers", () => {
    expect(() => harnessOf(tag, { options: { limits: limits(64 * 1024) } })).toThrow(
      /the memory begins with \d+ pages .* the cap is 1/,
    );
  });

  test("an endless loop in JavaScript ends by fuel", async () => {
    const source = "export function onRequest() { while (true) {} }";
    const spin = await takeApart(jco, await scriptComponent(jco, source));
    const harness = harnessOf(spin);
    expect(harness.request().response?.status).toBe(503);
    expect(harness.faults[0]?.fault.reason).toBe("fuel");
    harness.close();
  }, 60_000);
});

describe("what a component may write", () => {
  const mutating = (set: string, remove = "[]"): string =>
    `export function onRequest() { return { tag: "mutate", val: { set: ${set}, remove: ${remove} } } }`;
  const harnessFor = async (source: string) => harnessOf(await takeApart(jco, await scriptComponent(jco, source)));

  test("a header that would break the message is left out and said, the others pass", async () => {
    const set = String.raw`[["x-a", "1"], ["x-b", "1\r\nx-evil: 1"], ["te", "gzip"], ["x y", "1"], ["x-w", "\u2192"]]`;
    const harness = await harnessFor(mutating(set, '[":path", "x-old"]'));
    const { upstreamRequest: seen } = harness.request({ headers: { "x-old": "1" } });
    expect(seen?.list.join("|")).not.toContain("evil");
    expect(seen?.header("x-a")).toBe("1");
    expect(seen?.header("x-old")).toBeUndefined();
    expect(harness.logs.map(({ message }) => message)).toEqual([
      'left out: ":path" is mandatory and cannot be removed',
      'left out: the value given for "x-b" holds CR, LF or NUL (RFC 9110 5.5)',
      'left out: "x y" is not a header name (RFC 9110 5.1)',
      'left out: "x-w" holds a character above U+00FF; header values are bytes, so write UTF-8 as the bytes it is made of',
    ]);
    harness.close();
  }, 60_000);

  test("the first value of a name replaces, further ones are added, and the path can be rewritten", async () => {
    const harness = await harnessFor(mutating('[["x-a", "1"], ["x-a", "2"], [":path", "/new?q"]]'));
    const { upstreamRequest: seen } = harness.request({ headers: { "x-a": "old" } });
    expect(seen?.header(":path")).toBe("/new?q");
    const list: string[] = [];
    for (let at = 0; at < (seen?.list.length ?? 0); at += 2)
      if (seen?.list[at] === "x-a") addHeader(list, "x-a", seen.list[at + 1] ?? "");
    expect(list).toEqual(["x-a", "1", "x-a", "2"]);
    harness.close();
  }, 60_000);

  test("an answer that cannot be sent ends the instance: nothing passes a filter that wanted to refuse", async () => {
    const source = `export function onRequest() { return { tag: "respond", val: { status: 99, headers: [], body: new Uint8Array() } } }`;
    const harness = await harnessFor(source);
    const exchange = harness.request();
    expect(exchange.response?.status).toBe(503);
    expect(harness.faults[0]?.fault.message).toBe("respond: the status 99 is not in 200..599");
    harness.close();
  }, 60_000);
});
