// Reloads of a running proxy with real data threads under live traffic: every response is checked.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ProblemError } from "../../host/base/problem.ts";
import { guest, withNonce } from "../support/modules.ts";
import { Load, startProxy, type ProxySetup, type TestProxy } from "../support/sluice.ts";

let proxy: TestProxy | null = null;
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

const STAMP = { name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "one" } };

async function start(more: Partial<ProxySetup> = {}): Promise<TestProxy> {
  const stamp = await guest("stamp");
  proxy = await startProxy({ chain: ["stamp"], files: { "stamp.wasm": stamp }, config: { filters: [STAMP] }, ...more });
  return proxy;
}

describe("swaps under load", () => {
  test("30 uploads of different bytes: no request fails, each is answered by one whole version", async () => {
    const p = await start();
    const stamp = await guest("stamp");
    const load = new Load(p, 16, (answer) => String(answer.headers["x-version"]));
    for (let round = 0; round < 30; round++) {
      const word = `w${round}`;
      const { swap } = await p.control.upload("stamp", withNonce(stamp, round), {
        swap: true,
        pluginConfig: JSON.stringify({ word }),
      });
      expect(swap?.threads).toBe(2);
      // Committed on all threads: whoever asks from now on gets the new version.
      expect((await p.get()).headers["x-version"]).toBe(word);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.count).toBeGreaterThan(30);
    const known = new Set(["one", ...Array.from({ length: 30 }, (_, round) => `w${round}`)]);
    expect([...load.seen.keys()].filter((word) => !known.has(word))).toEqual([]);
  });

  test("a request in flight finishes on the version it began with, and that version is freed after it", async () => {
    const gate = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const p = await start({
      upstream: (incoming, answer) => {
        if (incoming.url !== "/slow") return void answer.end("ok");
        arrived.resolve();
        void gate.promise.then(() => answer.end("slow"));
      },
    });
    const slow = p.get("/slow");
    await arrived.promise;
    const { swap } = await p.control.upload("stamp", withNonce(await guest("stamp"), 1), {
      swap: true,
      pluginConfig: '{"word":"two"}',
    });
    expect(swap).toMatchObject({ from: "v1", to: "v2", inFlight: 1 });
    expect((await p.get()).headers["x-version"]).toBe("two");
    gate.resolve();
    expect((await slow).headers["x-version"]).toBe("one");
    await p.event((event) => event.type === "retired" && event.text.startsWith("stamp@v1"));
    const [status] = await p.control.filters();
    expect(status?.versions.map(({ version, state }) => [version, state])).toEqual([
      ["v1", "stored"],
      ["v2", "live"],
    ]);
  });

  test("rollback goes to the version that was live before, swap to any by name", async () => {
    const p = await start();
    const stamp = await guest("stamp");
    for (const word of ["two", "three"]) {
      await p.control.upload("stamp", withNonce(stamp, word.length), {
        swap: true,
        pluginConfig: JSON.stringify({ word }),
      });
    }
    expect(await p.control.rollback("stamp")).toMatchObject({ from: "v3", to: "v2" });
    expect((await p.get()).headers["x-version"]).toBe("two");
    expect(await p.control.swap("stamp", "v1")).toMatchObject({ from: "v2", to: "v1" });
    expect((await p.get()).headers["x-version"]).toBe("one");
    await expect(p.control.swap("stamp", "v9")).rejects.toThrow(/has no version "v9"/);
  });
});

describe("refusals leave the old version serving", () => {
  test("one data thread refuses: all threads stay on the old version and the reason is told", async () => {
    const p = await start();
    const refuser = await guest("refuser");
    const load = new Load(p, 8, (answer) => String(answer.headers["x-version"]));
    const upload = p.control.upload("stamp", refuser, { swap: true, pluginConfig: '{"word":"refused"}' });
    await expect(upload).rejects.toThrow(/only one data thread may have me/);
    for (let round = 0; round < 50; round++) expect((await p.get()).headers["x-version"]).toBe("one");
    await load.stop();
    expect([...load.seen.keys()]).toEqual(["one"]);
    expect(load.failures).toEqual([]);
  });

  test.each([
    ["a configuration the filter refuses", async () => guest("stamp"), '{"word":"bad"}', /word must not be bad/],
    ["an unknown configuration key", async () => guest("stamp"), '{"wrod":"x"}', /wrod/],
    [
      "a truncated module",
      async () => (await guest("stamp")).subarray(0, 5000),
      "{}",
      /section 10 says \d+ bytes, \d+ are left/,
    ],
    ["bytes that are no wasm", async () => Buffer.from("hello world"), "{}", /wasm/i],
    ["a module without the ABI", async () => Buffer.from([0, 97, 115, 109, 1, 0, 0, 0]), "{}", /marker|ABI/i],
  ])("%s", async (_what, wasm, pluginConfig, reason) => {
    const p = await start();
    const failure = await p.control
      .upload("stamp", await wasm(), { swap: true, pluginConfig })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ProblemError);
    expect((failure as Error).message).toMatch(reason);
    expect((await p.get()).headers["x-version"]).toBe("one");
  });
});

describe("configuration", () => {
  test("a new config is one commit: routes, filters and clusters change together; a bad one changes nothing", async () => {
    const p = await start();
    const dump = (await p.control.configDump()) as { text: string };
    const config = JSON.parse(dump.text) as { filters: (typeof STAMP)[] };
    const better = JSON.stringify({ ...config, filters: [{ ...STAMP, pluginConfig: { word: "loaded" } }] });
    expect(await p.control.load(better)).toMatchObject({ changed: true });
    expect((await p.get()).headers["x-version"]).toBe("loaded");
    const worse = JSON.stringify({ ...config, filters: [{ ...STAMP, pluginConfig: { word: "bad" } }] });
    await expect(p.control.load(worse)).rejects.toThrow(/must not be bad/);
    await expect(p.control.load("listeners: [")).rejects.toThrow(ProblemError);
    expect((await p.get()).headers["x-version"]).toBe("loaded");
  });

  test("a reload takes a source that changed on disk, and leaves an uploaded version alone while it did not", async () => {
    const p = await start();
    const stamp = await guest("stamp");
    await p.control.upload("stamp", withNonce(stamp, 1), { swap: true, pluginConfig: '{"word":"uploaded"}' });
    expect(await p.control.reload()).toMatchObject({ changed: false });
    expect((await p.get()).headers["x-version"]).toBe("uploaded");
    await writeFile(join(p.folder, "stamp.wasm"), withNonce(stamp, 2));
    expect(await p.control.reload()).toMatchObject({ changed: true, changes: ["filter stamp changed: source"] });
    expect((await p.get()).headers["x-version"]).toBe("one");
  });

  test("a listener's limits apply at once, and a listener that moves answers at its new address", async () => {
    const p = await start();
    const { text } = (await p.control.configDump()) as { text: string };
    const config = JSON.parse(text) as { listeners: object[] };
    const load = (listener: object): Promise<unknown> =>
      p.control.load(JSON.stringify({ ...config, listeners: [{ ...config.listeners[0], ...listener }] }));
    await load({ limits: { maxHeaders: 1 } });
    expect((await p.get("/", { a: "1", b: "2" })).status).toBe(431);
    await load({ address: "127.0.0.2:0" });
    const [moved] = await p.control.listeners();
    expect(moved?.address).toMatch(/^127\.0\.0\.2:/);
    const answer = await fetch(`http://${moved?.address}/`);
    expect([answer.status, answer.headers.get("x-version")]).toEqual([200, "one"]);
    await answer.text();
  });

  test("declared experiments follow the configuration: started, moved, aborted", async () => {
    const p = await start();
    const { text } = (await p.control.configDump()) as { text: string };
    const declared = (weight: number): object => ({
      name: "exp",
      filter: "stamp",
      unit: { header: "x-user" },
      variants: [
        { name: "a", version: "current", weight: 100 - weight },
        { name: "b", version: "current", pluginConfig: { word: "b" }, weight },
      ],
    });
    const load = (experiments: object[]): Promise<unknown> =>
      p.control.load(JSON.stringify({ ...(JSON.parse(text) as object), experiments }));
    const weights = async (): Promise<unknown> =>
      (await p.control.experiments()).map((one) => [one.state, one.arms.map((arm) => arm.weight)]);
    await load([declared(100)]);
    expect((await p.get("/", { "x-user": "1" })).headers["x-version"]).toBe("b");
    await load([declared(30)]);
    expect(await weights()).toEqual([["running", [70, 30]]]);
    await load([]);
    expect(await weights()).toEqual([["aborted", [70, 30]]]);
    expect((await p.get("/", { "x-user": "1" })).headers["x-version"]).toBe("one");
  });

  test("wrong sha256 names both digests", async () => {
    const setup = start({ config: { filters: [{ ...STAMP, sha256: "0".repeat(64) }] } });
    await expect(setup).rejects.toThrow(/has sha256 [0-9a-f]{64}, the config says 0{64}/);
  });

  test("a route can change a filter's configuration, drop it, or add one", async () => {
    const route = (name: string, filters: object) => ({
      name,
      match: { prefix: `/${name}` },
      route: { cluster: "web" },
      filters,
    });
    const p = await start({
      listener: {
        routes: [
          route("changed", { override: { stamp: { word: "route" } } }),
          route("without", { disable: ["stamp"] }),
          { name: "all", match: { prefix: "/" }, route: { cluster: "web" } },
        ],
      },
    });
    expect((await p.get("/changed")).headers["x-version"]).toBe("route");
    expect((await p.get("/without")).headers["x-version"]).toBeUndefined();
    expect((await p.get("/other")).headers["x-version"]).toBe("one");
  });
});

describe("watching", () => {
  const SOURCE = (word: string): string => `export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, ResponseHead } from "@sluice/sdk";
@config
class WordConfig extends Config {}
class Word extends HttpFilter {
  constructor(config: WordConfig) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.headers.set("x-version", "${word}");
    return Flow.Continue;
  }
}
definePlugin<WordConfig, Word>("word");
`;

  test("saving a source makes it live; a compile error keeps the last good version; both it and a trap point at the line", async () => {
    const p = await start({
      chain: ["word"],
      watch: true,
      files: { "word/index.ts": SOURCE("first") },
      config: { filters: [{ name: "word", source: "./word/index.ts" }] },
    });
    const file = join(p.folder, "word/index.ts");
    expect((await p.get()).headers["x-version"]).toBe("first");
    await writeFile(file, SOURCE("second"));
    await p.event((event) => event.type === "swap" && event.data?.["to"] === "v2");
    expect((await p.get()).headers["x-version"]).toBe("second");
    await writeFile(file, SOURCE("third").replace("Flow.Continue", "Flow.Contniue"));
    const failed = await p.event((event) => event.type === "compile-failed");
    expect(failed.text).toContain("still serving v2");
    expect(failed.problems?.[0]).toMatchObject({ kind: "compile", file, line: 11, column: 17 });
    expect((await p.get()).headers["x-version"]).toBe("second");
    await writeFile(file, SOURCE("second"));
    await p.event((event) => event.text.includes("nothing changed, v2 keeps serving"));
    // Undone is mended: nobody is shown the mistake any longer.
    expect((await p.control.filters())[0]?.problems).toEqual([]);
    await writeFile(file, SOURCE("fourth").replace("return Flow.Continue", "unreachable();\n    return Flow.Continue"));
    await p.event((event) => event.type === "swap" && event.data?.["to"] === "v3");
    expect((await p.get()).status).toBe(503);
    const fault = await p.event((event) => event.type === "fault");
    expect(fault.text).toContain(`${file}:11:5`);
    await writeFile(file, SOURCE("fourth"));
    await p.event((event) => event.type === "swap" && event.data?.["to"] === "v4");
    expect((await p.get()).headers["x-version"]).toBe("fourth");
  });
});
