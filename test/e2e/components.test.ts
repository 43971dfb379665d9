// Components in a running proxy, beside core modules and in their place: the same swap, refusal, experiment, quarantine and
// restart. And a proxy without one never loads a byte of what components need.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { countComponent, newJco, scriptComponent } from "../support/components.ts";
import { guest } from "../support/modules.ts";
import { Load, startProxy, type TestProxy } from "../support/sluice.ts";

const jco = newJco();
const PROGRAM = resolve(import.meta.dirname, "../../bin/sluice.js");
let count: Uint8Array;
let proxy: TestProxy | null = null;

/** Answers every response with `word`. */
const stamping = (word: string): Promise<Uint8Array> =>
  scriptComponent(
    jco,
    `export function onResponse() { return { tag: "mutate", val: { set: [["x-version", "${word}"]], remove: [] } } }`,
  );

beforeAll(async () => {
  count = await countComponent(jco);
}, 60_000);
afterAll(() => jco.close());
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

const echo: NonNullable<Parameters<typeof startProxy>[0]["upstream"]> = (incoming, answer) =>
  void incoming.resume().on("end", () => answer.end(JSON.stringify(incoming.headers)));

describe("a component in a running proxy", () => {
  test("filters requests on every data thread, in one chain with a core module", async () => {
    proxy = await startProxy({
      chain: ["stamp", "count"],
      files: { "stamp.wasm": await guest("stamp"), "count.wasm": count },
      config: {
        filters: [
          { name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "one" } },
          { name: "count", source: "./count.wasm" },
        ],
      },
      upstream: echo,
    });
    const answers = await Promise.all(Array.from({ length: 50 }, () => proxy!.get("/", { "x-secret": "1" })));
    for (const { status, headers, body } of answers) {
      expect(status).toBe(200);
      expect(headers["x-version"]).toBe("one");
      expect(JSON.parse(body)).toMatchObject({ "x-agent": "none" });
      expect(JSON.parse(body)).not.toHaveProperty("x-secret");
    }
  });

  test("is swapped for a core module and back under load, with no failed request", async () => {
    const component = await stamping("component");
    const stamp = await guest("stamp");
    proxy = await startProxy({
      chain: ["stamp"],
      files: { "stamp.wasm": stamp },
      config: { filters: [{ name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "core" } }] },
    });
    const load = new Load(proxy, 16, (answer) => String(answer.headers["x-version"]));
    await proxy.control.upload("stamp", component, { swap: true });
    await proxy.get();
    expect((await proxy.get()).headers["x-version"]).toBe("component");
    await proxy.control.rollback("stamp");
    expect((await proxy.get()).headers["x-version"]).toBe("core");
    await load.stop();
    expect(load.failures).toEqual([]);
    expect([...load.seen.keys()].toSorted()).toEqual(["component", "core"]);
  });

  test("shares traffic with a core module in an experiment, each user sticking to one", async () => {
    const stamp = await guest("stamp");
    proxy = await startProxy({
      chain: ["stamp"],
      files: { "stamp.wasm": stamp },
      config: { filters: [{ name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "core" } }] },
    });
    await proxy.control.upload("stamp", await stamping("component"), { swap: false });
    const variants = [
      { name: "control", version: "v1", weight: 50 },
      { name: "candidate", version: "v2", weight: 50 },
    ];
    await proxy.control.createExperiment({ name: "ab", filter: "stamp", unit: ["header:x-user"], variants });
    const users = Array.from({ length: 200 }, (_, at) => `user-${at}`);
    const ask = (): Promise<string[]> =>
      Promise.all(users.map(async (user) => String((await proxy!.get("/", { "x-user": user })).headers["x-version"])));
    const first = await ask();
    const share = first.filter((word) => word === "component").length / users.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.18);
    expect(await ask()).toEqual(first);
  });

  test("that is refused leaves the version that serves, and says why", async () => {
    proxy = await startProxy({
      chain: ["count"],
      files: { "count.wasm": count },
      config: { filters: [{ name: "count", source: "./count.wasm" }] },
      upstream: echo,
    });
    const refusing = await scriptComponent(
      jco,
      `export function onConfigure() { throw "no such thing" }\nexport function onRequest() { return { tag: "continue" } }`,
    );
    await expect(proxy.control.upload("count", refusing, { swap: true })).rejects.toThrow("no such thing");
    await expect(proxy.control.upload("count", count.slice(0, 4000), { swap: true })).rejects.toThrow(
      "filter count: jco cannot take it apart",
    );
    expect(JSON.parse((await proxy.get()).body)).toHaveProperty("x-count");
  });

  test("that keeps trapping is quarantined, back to the last good version", async () => {
    proxy = await startProxy({
      chain: ["count"],
      workers: 1,
      files: { "count.wasm": await stamping("good") },
      config: { filters: [{ name: "count", source: "./count.wasm" }] },
    });
    await proxy.control.upload("count", count, { swap: true });
    const back = proxy.event(({ type }) => type === "quarantine");
    // A dead instance is renewed at once, then after a second, then after two.
    const trapping = setInterval(() => void proxy?.get("/trap").catch(() => {}), 50);
    await back;
    clearInterval(trapping);
    await proxy.event(({ type, text }) => type === "swap" && text.includes("quarantine"));
    expect((await proxy.get()).headers["x-version"]).toBe("good");
  });
});

/** Writes every module this process, its threads and its children resolve into a file. */
const SPY = `
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";
registerHooks({
  resolve(name, context, next) {
    const found = next(name, context);
    appendFileSync(process.env.SPY_FILE, found.url + "\\n");
    return found;
  },
});`;

/** Modules loaded by \`sluice validate\`-free running of one request through \`wasm\`, in every process of the proxy. */
async function modulesLoaded(wasm: Uint8Array, starts = 1): Promise<string[][]> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-spy-"));
  try {
    await writeFile(join(folder, "spy.mjs"), SPY);
    await writeFile(join(folder, "part.wasm"), wasm);
    const config = {
      admin: false,
      workers: 1,
      listeners: [
        {
          name: "a",
          address: "127.0.0.1:0",
          filters: ["part"],
          routes: [{ name: "r", match: { prefix: "/" }, directResponse: { status: 200 } }],
        },
      ],
      filters: [{ name: "part", source: "./part.wasm" }],
    };
    await writeFile(join(folder, "sluice.yaml"), JSON.stringify(config));
    const loaded: string[][] = [];
    for (let start = 0; start < starts; start++) loaded.push(await serveOne(folder, join(folder, `urls-${start}`)));
    return loaded;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One start of the proxy in `folder`, one request, one end. */
async function serveOne(folder: string, spyFile: string): Promise<string[]> {
  const env = { ...process.env, NODE_OPTIONS: `--import=${join(folder, "spy.mjs")}`, SPY_FILE: spyFile };
  const child = spawn(process.execPath, [PROGRAM, "run", "-c", "sluice.yaml", "--json"], { cwd: folder, env });
  let complaint = "";
  child.stderr.on("data", (text) => (complaint += String(text)));
  const port = await new Promise<number>((ready, failed) => {
    let said = "";
    child.stdout.on("data", (text) => {
      said += String(text);
      const found = /"address":"127\.0\.0\.1:(\d+)"/.exec(said);
      if (found !== null) ready(Number(found[1]));
    });
    child.once("exit", (code) => failed(new Error(`ended with ${code}: ${complaint}`)));
  });
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
  return (await readFile(spyFile, "utf8")).split("\n");
}

const ofComponents = (urls: readonly string[]): string[] =>
  urls.filter((url) =>
    /node_modules\/(?:@bytecodealliance|componentize-qjs|binaryen)|module\/component\/child/.test(url),
  );

describe("what is loaded", () => {
  test("a proxy with core filters loads nothing of jco, in no thread and no child", async () => {
    const [urls = []] = await modulesLoaded(await guest("stamp"));
    expect(urls.some((url) => url.endsWith("data-plane/thread.ts"))).toBe(true);
    expect(urls.some((url) => url.endsWith("vm/vm.ts"))).toBe(true);
    expect(ofComponents(urls)).toEqual([]);
  });

  test("with a component it does, in the child process, and the next start takes it from the cache", async () => {
    const [first = [], second = []] = await modulesLoaded(count, 2);
    expect(ofComponents(first).some((url) => url.includes("jco-transpile"))).toBe(true);
    expect(ofComponents(first).some((url) => url.endsWith("module/component/child.ts"))).toBe(true);
    expect(ofComponents(second).filter((url) => !url.endsWith("jco-transpile/dist/index.js"))).toEqual([]);
  });
});
