// The testing kit seen by an author: what it can do to a filter, and what it says when a test fails.
import "../../../sdk/testing/vitest.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { build, describeFault, type Harness, harness, reload } from "../../../sdk/testing/index.ts";
import * as status from "../../../sdk/assembly/abi/status.ts";

const KIT = join(import.meta.dirname, "guest/kit/index.ts");
const running: Harness[] = [];
afterEach(() => {
  for (const h of running.splice(0)) h.close();
});
type Options = Parameters<typeof harness>[1];
async function start(options: Options = {}): Promise<Harness> {
  const h = await harness(KIT, options);
  running.push(h);
  return h;
}
const doing = (what: string) => ({ headers: { "x-do": what } });
/** What a matcher says when it fails. */
function complaint(run: () => void): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it did not fail");
}

describe("matchers", () => {
  test("hold for what happened", async () => {
    const h = await start();
    const x = h.request(doing("log"));
    expect(x).toContinue();
    expect(x.upstreamRequest).toHaveHeader("x-version", "one");
    expect(x.upstreamRequest).toHaveHeader("x-version", /^o/);
    expect(x.upstreamRequest).not.toHaveHeader("x-none");
    x.respond({ body: "hi" }).end();
    expect(h).toHaveLogged("warn", "careful");
    expect(h).toHaveMetric("served", 1);
    expect(h).toHaveNoLeaks();
    const y = h.request(doing("reply")).end();
    expect(y).toHaveReplied(418, "teapot");
    expect(y).not.toContinue();
  });

  test("say what they found instead", async () => {
    const h = await start();
    const x = h.request(doing("log"));
    expect(complaint(() => expect(x.upstreamRequest).toHaveHeader("x-version", "two"))).toContain('it is "one"');
    expect(complaint(() => expect(x).toHaveReplied(403))).toContain("it is running");
    expect(complaint(() => expect(x).toPause())).toContain('get_header_map_value(http_request_headers, "x-do")');
    expect(complaint(() => expect(h).toHaveLogged("error", "careful"))).toContain("warn kit: careful now");
    expect(complaint(() => expect(h).toHaveMetric("served", 7))).toContain("it is 1");
    expect(complaint(() => expect(h).toHaveNoLeaks())).toContain("1 open streams");
    x.respond().end();
  });

  test("a call-out is found by any part of it", async () => {
    const h = await start();
    h.upstream("side").on("POST /ask", { status: 204, delayMs: 20 });
    const x = h.request(doing("call"));
    expect(x).toPause();
    expect(h.pendingCalls).toBe(1);
    h.clock.advance(20);
    expect(x.upstreamRequest).toHaveHeader("x-call", "204");
    for (const one of [h, x]) expect(one).toHaveCalled("side", { path: "/ask", body: "q" });
    expect(complaint(() => expect(h).toHaveCalled("side", { path: "/other" }))).toContain('side: POST /ask "q"');
    x.respond().end();
    expect(h).toHaveNoLeaks();
  });

  test("a leak check runs what it is given a thousand times", async () => {
    const h = await start();
    let runs = 0;
    const run = (): void => {
      runs++;
      h.request({ body: "x" }).respond({ body: "y" }).end();
    };
    expect(h).toHaveNoLeaks(run);
    expect(runs).toBe(1000);
    expect(complaint(() => expect(h).toHaveNoLeaks(() => void h.request(), 3))).toContain("3 open streams");
  });

  test("fuel is a budget that does not flake", async () => {
    const h = await start({ mode: "release" });
    // The first exchange pays for what the SDK keeps from then on.
    h.request().respond().end();
    const x = h.request().respond().end();
    const used = x.fuel ?? 0;
    expect(used).toBeGreaterThan(0);
    expect(x).toUseAtMostFuel(used);
    expect(complaint(() => expect(x).toUseAtMostFuel(used - 1))).toContain(`used ${used}`);
    expect(h.request().respond().end().fuel).toBe(used);
  });
});

describe("a fault", () => {
  const line =
    readFileSync(KIT, "utf8")
      .split("\n")
      .findIndex((one) => one.includes("return list[at]")) + 1;

  test.each(["debug", "release"] as const)("points at the filter's line, from a %s build too", async (mode) => {
    const h = await start({ mode });
    const x = h.request(doing("trap"));
    expect(x).toHaveReplied(503);
    const [fault] = h.faults;
    expect(fault!.where).toMatch(/^test\/unit\/testing\/guest\/kit\/index\.ts:\d+:\d+$/);
    expect(fault!.where).toContain(`index.ts:${line}:`);
    const message = complaint(() => expect(x).toContinue());
    expect(message).toContain(describeFault(fault!));
    expect(message).toContain(`at ${fault!.where}`);
    expect(message).toContain("kit proxy_on_request_headers");
    x.end();
  });
});

describe("faults and limits on purpose", () => {
  test("the next call of a host function fails, or the second, or all", async () => {
    const h = await start();
    h.upstream("side").on("POST /ask", {});
    h.fail("proxy_http_call", status.INTERNAL_FAILURE, { at: 2 });
    expect(h.request(doing("call"))).toPause();
    expect(h.request(doing("call")).upstreamRequest).toHaveHeader("x-status", "10");
    expect(h.request(doing("call"))).toPause();
    h.fail("proxy_http_call", 77);
    expect(h.request(doing("call")).upstreamRequest).toHaveHeader("x-status", "77");
    expect(h.request(doing("call")).upstreamRequest).toHaveHeader("x-status", "77");
    h.heal();
    expect(h.request(doing("call"))).toPause();
    expect(h.faults).toEqual([]);
  });

  test("an allocator that gives nothing leaves the filter alive", async () => {
    const h = await start({ inject: "allocations" });
    h.fail("proxy_on_memory_allocate", 0);
    const x = h.request(doing("reply"));
    expect(h.faults).toEqual([]);
    expect(x.state).not.toBe("reset");
    x.end();
    h.heal();
    expect(h.request(doing("reply")).end()).toHaveReplied(418);
    const plain = await start();
    expect(() => plain.fail("proxy_on_memory_allocate", 0)).toThrow('inject: "allocations"');
  });

  test("fuel and memory end as they do in production", async () => {
    const h = await start({ options: { limits: { fuel: 300, memoryBytes: 2 ** 20 } } });
    const x = h.request();
    expect(x).toHaveReplied(503);
    expect(h.faults[0]!.fault.cause).toBe("fuel");
    x.end();
  });

  test("foreign functions that only the test knows answer the filter", async () => {
    const h = await start();
    h.foreign("test.twice", (args) => args.toString() + args.toString());
    expect(h.request(doing("foreign")).upstreamRequest).toHaveHeader("x-answer", "abab");
    h.foreign("test.twice", () => status.BAD_ARGUMENT);
    expect(h.request(doing("foreign")).upstreamRequest).toHaveHeader("x-answer", "none 2");
  });

  test("need a harness that was linked for it", async () => {
    const h = await start({ inject: false });
    expect(() => h.fail("proxy_log", 1)).toThrow("inject: true");
  });
});

describe("a reload", () => {
  test("in the middle of a stream lets it finish on the old version", async () => {
    const h = await start({ config: { version: "one" } });
    const old = h.request({ method: "POST", body: "x" });
    await reload(h, KIT, { config: { version: "two" } });
    const fresh = h.request();
    expect(fresh.upstreamRequest).toHaveHeader("x-version", "two");
    // Time passes: the drain of the old version must not cut the stream off.
    h.clock.advance(5000);
    expect(h.leaks()).toEqual({ streams: 2, contexts: 2 });
    expect(old.respond().response).toHaveHeader("x-version", "one");
    expect(fresh.respond().response).toHaveHeader("x-version", "two");
    old.end();
    fresh.end();
    expect(h).toHaveNoLeaks();
    expect(h.metric("served")).toBe(2);
  });

  test("that is refused leaves the old version in place", async () => {
    const h = await start();
    await expect(reload(h, KIT, { config: { vershion: "two" } })).rejects.toThrow("vershion");
    const x = h.request().respond().end();
    expect(x.response).toHaveHeader("x-version", "one");
  });
});

describe("chunkings", () => {
  test("find what is wrong across the edge of two chunks, and name the cut", async () => {
    const h = await start();
    const run = (chunks: readonly Buffer[]) => h.request().respondInChunks(chunks).end().response!.body;
    expect(complaint(() => h.chunkings("a secret", run))).toMatch(/cut as ".*" \+ ".*" the result is another/);
    expect(h.chunkings("a word", run)).toBe("a word");
  });

  test("of the same seed are the same", async () => {
    const cuts = async (): Promise<string[]> => {
      const seen: string[] = [];
      (await start({ seed: 9 })).chunkings("abcdef", (chunks) => void seen.push(chunks.join("|")));
      return seen;
    };
    const first = await cuts();
    expect(first).toContain("abc|def");
    expect(first).toContain("a|b|c|d|e|f");
    expect(await cuts()).toEqual(first);
  });
});

describe("the trace", () => {
  test("tells one exchange apart from another, and is the same in every run", async () => {
    const tell = async (): Promise<string> => {
      const h = await start();
      const [x, y] = [h.request(doing("log")), h.request({ path: "/other" })];
      x.respond().end();
      y.respond().end();
      expect(y.story).not.toContain("careful");
      return x.story;
    };
    const story = await tell();
    expect(story).toMatchInlineSnapshot(`
      "kit proxy_on_request_headers(5, 1) = continue
          increment_metric(32772, 1) = OK
          replace_header_map_value(http_request_headers, "x-version", "one") = OK
          get_header_map_value(http_request_headers, "x-do") = OK "log"
          get_log_level() = OK 0
          log(warn, "careful now") = OK
      kit proxy_on_response_headers(1, 1) = continue
          replace_header_map_value(http_response_headers, "x-version", "one") = OK
      kit proxy_on_delete()"
    `);
    expect(await tell()).toBe(story);
  });

  test("costs so little that a hundred exchanges a second are nothing", async () => {
    const h = await start();
    const started = performance.now();
    for (let round = 0; round < 500; round++) h.request({ body: "x" }).respond({ body: "y" }).end();
    // Five seconds on the slowest machine; far less on any other. The figure is in docs/performance.md.
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("what filters share and leave behind", () => {
  test("shared data, queues and properties can be read", async () => {
    const h = await start();
    h.request(doing("data")).respond().end();
    expect([h.sharedData("k"), h.sharedData("none"), h.queueSize("q"), h.queueSize("none")]).toEqual([
      "v",
      null,
      1,
      -1,
    ]);
    const x = h.request(doing("prop"));
    expect([x.property("mine"), x.property("request.path"), x.property("no.such")]).toEqual(["yes", "/", null]);
    x.respond().end();
  });

  test("two harnesses side by side are two data threads", async () => {
    const first = await start();
    const second = await start({ beside: first });
    first.request(doing("data")).respond().end();
    second.request(doing("log")).respond().end();
    expect(second.sharedData("k")).toBe("v");
    expect(first.metric("served")).toBe(2);
    expect(second.clock).toBe(first.clock);
  });

  test("two harnesses apart share nothing", async () => {
    const [first, second] = [await start(), await start()];
    first.request(doing("data")).respond().end();
    expect([second.sharedData("k"), second.metric("served")]).toEqual([null, 0]);
  });
});

test("a module of any maker runs as it is", async () => {
  const h = await harness((await build(KIT)).wasm, { config: { version: "bytes" } });
  running.push(h);
  expect(h.request().upstreamRequest).toHaveHeader("x-version", "bytes");
});
