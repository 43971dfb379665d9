// Filters on TCP connections of a whole sluice: real data threads, real swaps, real drains.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { withNonce } from "../../support/modules.ts";
import { gateModule, probeModule } from "../../support/probe.ts";
import { startProxy, type TestProxy } from "../../support/sluice.ts";
import { dialRaw, pour, Sink, startUpstream, type TestUpstream, untilStill } from "../../support/tcp.ts";
import { dial, until, type Client } from "../../support/wire.ts";

const MiB = 1024 * 1024;
let wasm: Uint8Array;
let upstream: TestUpstream;
let proxy: TestProxy | null = null;
let serve: Parameters<typeof startUpstream>[0] = undefined;

beforeAll(async () => {
  wasm = await gateModule();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await proxy?.stop();
  await upstream[Symbol.asyncDispose]();
  proxy = null;
  serve = undefined;
});

interface Setup {
  readonly config?: Record<string, unknown>;
  readonly listener?: Record<string, unknown>;
  /** Further clusters, where nobody answers. */
  readonly clusters?: readonly string[];
}

/** A filter `a` in `mode` before an upstream that echoes. */
async function start(mode: string, more: Setup = {}): Promise<TestProxy> {
  upstream = await startUpstream(serve ?? ((socket) => void socket.pipe(socket)));
  proxy = await startProxy({
    chain: ["gate"],
    listener: { protocol: "tcp", tcp: { cluster: "raw" }, routes: undefined, ...more.listener },
    files: { "gate.wasm": wasm },
    config: {
      filters: [{ name: "gate", source: "./gate.wasm", pluginConfig: { name: "a", mode } }],
      clusters: [
        { name: "raw", endpoints: [{ address: `127.0.0.1:${upstream.port}` }] },
        ...(more.clusters ?? []).map((name) => ({ name, endpoints: [{ address: "127.0.0.1:1" }] })),
      ],
      ...more.config,
    },
  });
  return proxy;
}

/** Closed after the test, so that no drain waits for them. */
const clients: Client[] = [];

async function open(p: TestProxy): Promise<Client> {
  const client = await dial(p.port, { allowHalfOpen: true });
  clients.push(client);
  return client;
}

/** Sends a line and gives what comes back for it. */
async function ask(client: Client, line: string): Promise<string> {
  const from = client.text.length;
  client.send(line);
  await until(() => client.text.length > from || client.closed, `an answer to ${JSON.stringify(line)}`);
  return client.text.slice(from);
}

describe("on sockets", () => {
  test("a filter holds a new connection back and lets it go on", async () => {
    const p = await start("pause");
    expect(await ask(await open(p), "hello")).toBe("hello");
  });

  test("a filter leads a connection to another cluster by Envoy's filter state", async () => {
    const p = await start("steer", { listener: { protocol: "tcp", tcp: { cluster: "closed" } }, clusters: ["closed"] });
    expect(await ask(await open(p), "hello")).toBe("hello");
  });

  test("a filter refuses a connection with a word of its own", async () => {
    const p = await start("refuse");
    const client = await open(p);
    expect(await client.waitForEnd()).toBe("go away\n");
    expect(upstream.sockets).toHaveLength(0);
  });

  test("a filter collects a line and edits it", async () => {
    const p = await start("lines");
    const client = await open(p);
    client.send("on");
    expect(await ask(client, "e line\n")).toBe("<a:one line>\n");
  });

  test("a filter closes after what it let pass has been written", async () => {
    let got = "";
    serve = (socket) => void socket.setEncoding("latin1").on("data", (text: string) => (got += text));
    const p = await start("command");
    const client = await open(p);
    client.send("quit");
    await client.waitForEnd();
    await until(() => got === "quit", "the last word at the upstream");
  });

  test("a filter answers the client itself", async () => {
    const p = await start("echo");
    expect(await ask(await open(p), "ping")).toBe("ping");
  });

  test("answers of a filter to a client that does not read stop the reading, and all arrive", async () => {
    const p = await start("echo");
    const client = await dialRaw(p.port);
    pour(client, 32 * MiB);
    await untilStill(() => client.bytesWritten - client.writableLength);
    expect(client.bytesWritten - client.writableLength).toBeLessThan(32 * MiB);
    const sink = new Sink(client);
    await until(() => sink.received === 32 * MiB, "all answers", 30_000);
    expect(sink.wrong).toBe(0);
    client.destroy();
  });

  test("a trap breaks the connection off, and the next one is served", async () => {
    const p = await start("command");
    const client = await open(p);
    client.send("trap");
    await until(() => client.closed, "the end");
    expect(client.reset).toBe(true);
    expect(await ask(await open(p), "fine")).toBe("fine");
  });

  test("20 MiB each way pass a filter that looks at every piece", async () => {
    const sinks: Sink[] = [];
    serve = (socket) => {
      sinks.push(new Sink(socket));
      pour(socket, 20 * MiB);
    };
    const p = await start("pass");
    const client = await dialRaw(p.port);
    const sink = new Sink(client);
    pour(client, 20 * MiB);
    await until(() => sink.ended && sinks[0]?.ended === true, "both ends", 30_000);
    expect([sink.received, sink.wrong, sinks[0]?.received, sinks[0]?.wrong]).toEqual([20 * MiB, 0, 20 * MiB, 0]);
  });

  test("50 connections on two threads are carried side by side, and their ends are logged", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-log-"));
    const path = join(folder, "access.log");
    const p = await start("lines", { listener: { accessLog: { format: "json", path } } });
    const clients = await Promise.all(Array.from({ length: 50 }, () => open(p)));
    const answers = await Promise.all(clients.map((client, at) => ask(client, `${at}\n`)));
    expect(answers).toEqual(clients.map((_, at) => `<a:${at}>\n`));
    for (const client of clients) client.socket.end();
    await Promise.all(clients.map((client) => client.waitForEnd()));
    await p.control.shutdown("test");
    await p.running.stopped;
    const lines = (await readFile(path, "utf8")).trim().split("\n");
    expect(lines).toHaveLength(50);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      listener: "public",
      protocol: "TCP",
      flags: "",
      details: "via_upstream",
      cluster: "raw",
      upstream: `127.0.0.1:${upstream.port}`,
      attempts: 1,
    });
    await rm(folder, { recursive: true });
  });
});

describe("reloads", () => {
  test("live connections keep their version past the drain timeout; it is freed when they end", async () => {
    const p = await start("lines", { config: { drainTimeout: "200ms" } });
    const old = await Promise.all(Array.from({ length: 8 }, () => open(p)));
    for (const client of old) expect(await ask(client, "1\n")).toBe("<a:1>\n");
    await p.control.upload("gate", withNonce(wasm, 1), { swap: true, pluginConfig: '{"name":"b","mode":"lines"}' });
    expect(await ask(await open(p), "2\n")).toBe("<b:2>\n");
    const swapped = performance.now();
    await until(() => performance.now() - swapped > 500, "more than the drain timeout");
    for (const client of old) expect(await ask(client, "3\n")).toBe("<a:3>\n");
    expect(p.events.some(({ type }) => type === "retired")).toBe(false);
    const retired = p.event(({ type }) => type === "retired");
    for (const client of old) client.socket.end();
    await retired;
  });

  test("20 swaps while connections talk: not one is broken", async () => {
    const p = await start("lines");
    const clients = await Promise.all(Array.from({ length: 8 }, () => open(p)));
    for (let round = 0; round < 20; round++) {
      const pluginConfig = `{"name":"v${round}","mode":"lines"}`;
      const [, ...answers] = await Promise.all([
        p.control.upload("gate", withNonce(wasm, round), { swap: true, pluginConfig }),
        ...clients.map((client) => ask(client, `${round}\n`)),
      ]);
      expect(answers).toEqual(clients.map(() => `<a:${round}>\n`));
      const fresh = await open(p);
      expect(await ask(fresh, "new\n")).toBe(`<v${round}:new>\n`);
      fresh.socket.end();
    }
  });

  test("a config that leads elsewhere leaves live connections where they are", async () => {
    await using elsewhere = await startUpstream((socket) => void socket.on("data", () => socket.write("elsewhere")));
    const p = await start("lines");
    const client = await open(p);
    expect(await ask(client, "1\n")).toBe("<a:1>\n");
    const text = await readFile(join(p.folder, "sluice.yaml"), "utf8");
    const moved = text.replace(`127.0.0.1:${upstream.port}`, `127.0.0.1:${elsewhere.port}`);
    await p.control.load(moved, { path: join(p.folder, "sluice.yaml") });
    expect(await ask(client, "2\n")).toBe("<a:2>\n");
    expect(await ask(await open(p), "3\n")).toBe("elsewhere");
  });

  test("an experiment by connection splits connections, and each keeps its arm", async () => {
    const p = await start("lines", {
      config: {
        experiments: [
          {
            name: "halves",
            filter: "gate",
            unit: { connection: true },
            variants: [
              { name: "control", version: "current", weight: 50 },
              { name: "other", version: "current", pluginConfig: { name: "b", mode: "lines" }, weight: 50 },
            ],
          },
        ],
      },
    });
    const clients = await Promise.all(Array.from({ length: 60 }, () => open(p)));
    const first = await Promise.all(clients.map((client) => ask(client, "x\n")));
    expect(new Set(first)).toEqual(new Set(["<a:x>\n", "<b:x>\n"]));
    await p.control.setWeights("halves", { control: 0, other: 100 });
    expect(await Promise.all(clients.map((client) => ask(client, "x\n")))).toEqual(first);
    expect(await ask(await open(p), "x\n")).toBe("<b:x>\n");
  });

  test("a unit that only requests have puts connections into the control, counted", async () => {
    const p = await start("lines", {
      config: {
        experiments: [
          {
            name: "users",
            filter: "gate",
            unit: { header: "x-user" },
            variants: [
              { name: "control", version: "current", weight: 0 },
              { name: "other", version: "current", pluginConfig: { name: "b", mode: "lines" }, weight: 100 },
            ],
          },
        ],
      },
    });
    expect(await ask(await open(p), "x\n")).toBe("<a:x>\n");
    expect((await p.control.experiments())[0]?.unitMissing).toBe(1);
  });
});

describe("the end", () => {
  test("accepted connections go on while the proxy drains, and it ends with the last of them", async () => {
    const p = await start("lines");
    const client = await open(p);
    await ask(client, "1\n");
    const stopping = p.control.shutdown("test");
    await p.event(({ type }) => type === "drain");
    expect(await ask(client, "2\n")).toBe("<a:2>\n");
    client.socket.end();
    await client.waitForEnd();
    await stopping;
    await p.running.stopped;
  });
});

describe("filters of the other protocol are refused by name", () => {
  test("a TCP filter on an HTTP listener", async () => {
    await expect(start("pass", { listener: { protocol: "http", tcp: undefined } })).rejects.toThrow(
      "listener public speaks HTTP, and filter gate has callbacks for TCP connections only",
    );
  });

  test("an HTTP filter on a TCP listener, also when it comes later", async () => {
    const p = await start("lines");
    const client = await open(p);
    await expect(p.control.upload("gate", await probeModule(), { swap: true, pluginConfig: "{}" })).rejects.toThrow(
      "listener public speaks TCP, and filter gate has callbacks for HTTP requests only",
    );
    expect(await ask(client, "still\n")).toBe("<a:still>\n");
    expect(await ask(await open(p), "served\n")).toBe("<a:served>\n");
  });
});
