// Taps on a running proxy with two data threads: what is sampled, what is told of it, and that nothing stays.
import { resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { spawnWorker } from "../../host/control/spawn.ts";
import type { ThreadHandle } from "../../host/control/threads.ts";
import type { TapEvent } from "../../host/control/types.ts";
import type { TapRecord, TapSelection } from "../../host/link/tap.ts";
import { runCli } from "../../host/cli/main.ts";
import { startAdmin } from "../../host/admin/server.ts";
import { compile } from "../../sdk/testing/index.ts";
import { probeModule } from "../support/probe.ts";
import { Capture } from "../unit/cli/support.ts";
import { guest, withNonce } from "../support/modules.ts";
import { startProxy, type ProxySetup, type TestProxy } from "../support/sluice.ts";

let proxy: TestProxy | null = null;
const open: Tap[] = [];
afterEach(async () => {
  for (const tap of open.splice(0)) tap.close();
  await proxy?.stop();
  proxy = null;
});

const ANY: TapSelection = { filter: "", route: "", match: [], status: [], rate: 1000, trace: false };

/** A tap that waits for what comes instead of for time. */
class Tap {
  readonly events: TapEvent[] = [];
  readonly close: () => void;
  #waiting: (() => void)[] = [];

  constructor(p: TestProxy, selection: Partial<TapSelection> = {}) {
    this.close = p.control.tap({ ...ANY, ...selection }, (event) => {
      this.events.push(event);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    open.push(this);
  }

  /** Opened and sampling on both threads. */
  static async open(p: TestProxy, selection: Partial<TapSelection> = {}): Promise<Tap> {
    const tap = new Tap(p, selection);
    await tap.until(() => tap.threads.length === 2);
    return tap;
  }

  get threads(): number[] {
    return this.events.flatMap((event) => (event.type === "sampling" ? [event.thread] : []));
  }

  get records(): TapRecord[] {
    return this.events.flatMap((event) => (event.type === "request" ? [event.record] : []));
  }

  async until(fits: () => boolean): Promise<void> {
    while (!fits()) await new Promise<void>((wake) => this.#waiting.push(wake));
  }

  /** The record of the request with this id. */
  async record(id: string): Promise<TapRecord> {
    const found = (): TapRecord | undefined => this.records.find(({ requestId }) => requestId === id);
    await this.until(() => found() !== undefined);
    return found()!;
  }
}

async function start(more: Partial<ProxySetup> = {}): Promise<TestProxy> {
  const [asker, stamp] = await Promise.all([guest("asker"), guest("stamp")]);
  proxy = await startProxy({
    chain: ["asker", "stamp"],
    files: { "asker.wasm": asker, "stamp.wasm": stamp },
    listener: {
      routes: [
        { name: "bad", match: { prefix: "/bad" }, directResponse: { status: 503, body: "no" } },
        {
          name: "plain",
          match: { prefix: "/plain" },
          route: { cluster: "web" },
          filters: { disable: ["asker", "stamp"] },
        },
        { name: "all", match: { prefix: "/" }, route: { cluster: "web" } },
      ],
    },
    config: {
      filters: [
        { name: "asker", source: "./asker.wasm" },
        { name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "one" } },
      ],
    },
    ...more,
  });
  return proxy;
}

let count = 0;
/** One request; its id, by which its record is found, and its answer. */
async function ask(p: TestProxy, path = "/", headers: Record<string, string> = {}) {
  const id = `00000000-0000-4000-8000-${String(++count).padStart(12, "0")}`;
  const answer = await p.get(path, { "x-request-id": id, ...headers });
  return { id, answer };
}

async function gauge(p: TestProxy, name: string): Promise<number> {
  const samples = (await p.control.metrics()).filter((sample) => sample.name === name);
  return samples.reduce((sum, { value }) => sum + Number(value), 0);
}

const callsOf = (record: TapRecord): string[] =>
  record.filters.flatMap(({ phases }) => phases.flatMap(({ hostCalls }) => hostCalls));

describe("without trace, on the serving instances", () => {
  test("a record tells route, status, filters and their callbacks, and why host calls were refused", async () => {
    const p = await start();
    const tap = await Tap.open(p);
    const { id } = await ask(p, "/a?token=s3cret&b=1", { "x-do": "add X@Y v" });
    const record = await tap.record(id);
    expect(record).toMatchObject({
      listener: "public",
      route: "all",
      method: "GET",
      path: "/a?token=[redacted]&b=1",
      status: 200,
      details: "via_upstream",
      cluster: "web",
      flags: "",
    });
    expect(record.thread).toBeGreaterThan(0);
    expect(record.durationMs).toBeGreaterThan(0);
    const [asker, stamp] = record.filters;
    expect([asker?.filter, asker?.version, asker?.instance]).toEqual(["asker", "v1", "serving"]);
    expect(stamp?.filter).toBe("stamp");
    const head = asker?.phases.find(({ name }) => name === "proxy_on_request_headers");
    expect(head).toMatchObject({ action: "continue", hostCalls: [], omitted: 0 });
    expect(head?.args[1]).toBe(1);
    expect(head?.fuel).toBeGreaterThan(0);
    expect(head?.refusals).toContain('"x@y" is not a header name (RFC 9110 5.1)');
    expect(await gauge(p, "sluice_tap_twins")).toBe(0);
  });

  test("a chain without filters and an answer of the proxy's own are seen as well", async () => {
    const p = await start();
    const tap = await Tap.open(p);
    const plain = await ask(p, "/plain/x");
    expect(plain.answer.body).toBe("ok");
    expect(await tap.record(plain.id)).toMatchObject({ route: "plain", status: 200, filters: [] });
    const bad = await ask(p, "/bad");
    expect(bad.answer).toMatchObject({ status: 503, body: "no" });
    expect(await tap.record(bad.id)).toMatchObject({ route: "bad", status: 503 });
  });

  test("selections: filter, route, status, header, path and method", async () => {
    const p = await start();
    const match = (key: string, value: string, isPrefix = false) => ({ match: [{ key, value, isPrefix }] });
    const all = await Tap.open(p);
    const taps = {
      stamp: await Tap.open(p, { filter: "stamp" }),
      bad: await Tap.open(p, { route: "bad" }),
      failed: await Tap.open(p, { status: ["5xx"] }),
      user: await Tap.open(p, match("x-user", "7")),
      path: await Tap.open(p, match("path", "/a", true)),
      post: await Tap.open(p, match("method", "POST")),
    };
    const a = await ask(p, "/a/b", { "x-user": "7" });
    const bad = await ask(p, "/bad");
    const plain = await ask(p, "/plain", { "x-user": "70" });
    // Each record is one message for all taps, so what `all` has, the others have.
    for (const { id } of [a, bad, plain]) await all.record(id);
    const seen = (tap: Tap): string[] => tap.records.map(({ requestId }) => requestId).sort();
    expect(seen(taps.stamp)).toEqual([a.id, bad.id].sort());
    expect(taps.stamp.records.map(({ filters }) => filters.map(({ filter }) => filter))).toEqual([
      ["stamp"],
      ["stamp"],
    ]);
    expect(seen(taps.bad)).toEqual([bad.id]);
    expect(seen(taps.failed)).toEqual([bad.id]);
    expect(seen(taps.user)).toEqual([a.id]);
    expect(seen(taps.path)).toEqual([a.id]);
    expect(seen(taps.post)).toEqual([]);
    const eighth = new Tap(p);
    expect(() => new Tap(p)).toThrow(/8 taps are open already/);
    eighth.close();
    new Tap(p).close();
  });

  test("the rate holds per second and thread, for every request that is sampled", async () => {
    const p = await start({ workers: 1 });
    const tap = new Tap(p, { rate: 3 });
    const marker = new Tap(p, { match: [{ key: "x-last", value: "1", isPrefix: false }] });
    await tap.until(() => tap.threads.length === 1);
    await marker.until(() => marker.threads.length === 1);
    const began = performance.now();
    for (let n = 0; n < 40; n++) await ask(p);
    const last = await ask(p, "/", { "x-last": "1" });
    const seconds = Math.ceil((performance.now() - began) / 1000);
    await marker.record(last.id);
    expect(tap.records.length).toBeGreaterThanOrEqual(3);
    expect(tap.records.length).toBeLessThanOrEqual(3 * (seconds + 1));
  });
});

describe("with trace, on twins", () => {
  test("every host call in words, refusals with their reason, secrets and bodies left out", async () => {
    const p = await start();
    const tap = await Tap.open(p, { trace: true });
    const { id, answer } = await ask(p, "/a?api_key=k1", {
      "x-do":
        "header authorization; header x-plain; add X@Y v; header :path; get request|headers|cookie; header x-api-key",
      authorization: "Bearer s3cret",
      cookie: "sid=s3cret",
      "x-api-key": "s3cret",
      "x-plain": "p1",
      "x-tell": "1",
    });
    expect(answer.status).toBe(200);
    const record = await tap.record(id);
    const calls = callsOf(record);
    expect(record.filters.map(({ instance }) => instance)).toEqual(["twin", "twin"]);
    expect(calls).toContain('get_header_map_value(http_request_headers, "authorization") = OK "[redacted]"');
    expect(calls).toContain('get_header_map_value(http_request_headers, "x-api-key") = OK "[redacted]"');
    expect(calls).toContain('get_header_map_value(http_request_headers, ":path") = OK "/a?api_key=[redacted]"');
    expect(calls).toContain('get_property("request.headers.cookie") = OK "[redacted]"');
    expect(calls).toContain('get_header_map_value(http_request_headers, "x-plain") = OK "p1"');
    expect(calls).toContain(
      'add_header_map_value(http_request_headers, "X@Y", "v") = BAD_ARGUMENT: "x@y" is not a header name (RFC 9110 5.1)',
    );
    expect(calls).toContain('add_header_map_value(http_response_headers, "x-version", "one") = OK');
    const told = JSON.stringify(record).replaceAll(/log\([^)]*\)/g, "");
    expect(told).not.toContain("s3cret");
  });

  test("reasons stay inside: sluice.explain answers nothing on a twin that serves", async () => {
    const p = await start();
    const tap = await Tap.open(p, { trace: true });
    const { id, answer } = await ask(p, "/", { "x-do": "get nothing; call sluice.explain", "x-tell": "1" });
    expect((await tap.record(id)).filters[0]?.instance).toBe("twin");
    expect(answer.headers["x-told"]).toBe("get 1 ;call 0 ;");
  });

  test("closing gives the twins back; a second tap has them again", async () => {
    const p = await start();
    for (let round = 0; round < 2; round++) {
      const tap = await Tap.open(p, { trace: true });
      const { id } = await ask(p);
      await tap.record(id);
      expect(await gauge(p, "sluice_tap_twins")).toBeGreaterThanOrEqual(2);
      expect(await gauge(p, "sluice_taps")).toBe(2);
      tap.close();
      // The report comes behind the message that closes.
      expect(await gauge(p, "sluice_taps")).toBe(0);
      expect(await gauge(p, "sluice_tap_twins")).toBe(0);
      expect((await ask(p)).answer.headers["x-version"]).toBe("one");
    }
    const filters = await p.control.filters();
    expect(filters.flatMap(({ versions }) => versions.map(({ inFlight }) => inFlight))).toEqual([0, 0]);
  });

  test("a request under way keeps its twin when the tap closes", async () => {
    const gate = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const p = await start({
      upstream: (_incoming, answer) => {
        arrived.resolve();
        void gate.promise.then(() => answer.end("slow"));
      },
    });
    const tap = await Tap.open(p, { trace: true });
    const slow = ask(p);
    await arrived.promise;
    tap.close();
    expect(await gauge(p, "sluice_tap_twins")).toBe(2);
    gate.resolve();
    expect((await slow).answer).toMatchObject({ status: 200, body: "slow" });
    await expect.poll(() => gauge(p, "sluice_tap_twins")).toBe(0);
  });

  test("a reload while tapped: the record names the new version, and the old twins go", async () => {
    const p = await start();
    const tap = await Tap.open(p, { trace: true, filter: "stamp" });
    const before = await ask(p);
    expect((await tap.record(before.id)).filters.map(({ version }) => version)).toEqual(["v1"]);
    await p.control.upload("stamp", withNonce(await guest("stamp"), 1), { swap: true, pluginConfig: '{"word":"two"}' });
    const after = await ask(p);
    expect(after.answer.headers["x-version"]).toBe("two");
    const record = await tap.record(after.id);
    expect(record.filters).toMatchObject([{ filter: "stamp", version: "v2", instance: "twin" }]);
    expect(callsOf(record)).toContain('add_header_map_value(http_response_headers, "x-version", "two") = OK');
    await expect.poll(() => gauge(p, "sluice_tap_twins")).toBeLessThanOrEqual(2);
  });
});

describe("twins that are not like their originals", () => {
  test("the answer of a call-out belongs to the request that waits for it", async () => {
    const auth = await compile(resolve(import.meta.dirname, "../unit/sdk/guest/auth/index.ts"), "release");
    const p = await start({
      chain: ["auth"],
      listener: {},
      files: { "auth.wasm": auth },
      upstream: (incoming, answer) =>
        void incoming
          .resume()
          .on("end", () => answer.end(incoming.url === "/verify" ? "ann" : incoming.headers["x-user"])),
      config: { filters: [{ name: "auth", source: "./auth.wasm", pluginConfig: { cluster: "web", timeout: "2s" } }] },
    });
    const tap = await Tap.open(p, { trace: true });
    const { id, answer } = await ask(p, "/", { authorization: "Bearer s3cret" });
    expect(answer.body).toBe("ann");
    const record = await tap.record(id);
    const phases = record.filters[0]?.phases ?? [];
    expect(phases.map(({ name, action }) => `${name} ${action}`.trim())).toEqual(
      expect.arrayContaining(["proxy_on_request_headers pause", "proxy_on_http_call_response"]),
    );
    const told = callsOf(record);
    expect(told.some((call) => call.startsWith('http_call("web", '))).toBe(true);
    expect(told).toContain("continue_stream(http_request) = OK");
    // Bodies are told by their length: the call-out's answer among them.
    expect(told.some((call) => /^get_buffer_bytes\(http_call_response_body, .*\) = OK 3 bytes$/.test(call))).toBe(true);
    expect(JSON.stringify(record)).not.toContain("s3cret");
  });

  test("one that does not start leaves the request to the serving instance", async () => {
    const p = await start({
      chain: ["picky"],
      listener: {},
      workers: 1,
      files: { "picky.wasm": await guest("refuser") },
      config: { filters: [{ name: "picky", source: "./picky.wasm", pluginConfig: { word: "one" } }] },
    });
    const tap = new Tap(p, { trace: true });
    await tap.until(() => tap.threads.length === 1);
    const { id, answer } = await ask(p);
    expect([answer.status, answer.headers["x-version"]]).toEqual([200, "one"]);
    expect((await tap.record(id)).filters).toMatchObject([{ filter: "picky", instance: "serving" }]);
    expect(await gauge(p, "sluice_tap_twins")).toBe(0);
  });

  test("one that dies says so in the record, and the serving instance lives on", async () => {
    const p = await start({
      chain: ["probe"],
      listener: {},
      workers: 1,
      files: { "probe.wasm": await probeModule() },
      config: { filters: [{ name: "probe", source: "./probe.wasm", failurePolicy: "FAIL_OPEN" }] },
    });
    const tap = new Tap(p, { trace: true });
    await tap.until(() => tap.threads.length === 1);
    const { id, answer } = await ask(p, "/", { "x-probe": "trap" });
    expect(answer.status).toBe(200);
    const record = await tap.record(id);
    expect(record.filters[0]?.phases.at(-1)).toMatchObject({ name: "proxy_on_request_headers", action: "fault" });
    const said = await p.event((event) => event.text.includes("a traced twin (sluice tap) ended"));
    expect(said.text).toContain("in proxy_on_request_headers: trap:");
    expect(p.events.filter(({ type }) => type === "fault")).toEqual([]);
    tap.close();
    const after = await ask(p);
    expect(after.answer.headers["x-back"]).toBeDefined();
    expect(await gauge(p, "sluice_tap_twins")).toBe(0);
  });
});

test("local replies that came too late are counted over all threads", async () => {
  const p = await start();
  expect((await ask(p, "/", { "x-do-log": "reply 403" })).answer.status).toBe(200);
  expect((await ask(p, "/", { "x-do-response-body": "reply 403" })).answer).toMatchObject({ status: 200, body: "ok" });
  await expect.poll(() => gauge(p, "sluice_filter_local_response_ignored_total")).toBe(2);
});

test("sluice tap against the running proxy", async () => {
  const p = await start();
  const log = { info: () => undefined, error: () => undefined };
  const address = { host: "127.0.0.1", port: 0 };
  const admin = await startAdmin({
    control: p.control,
    address,
    token: "",
    log,
    renderMetrics: () => "",
    version: "0.1.0",
  });
  const [stdout, stderr] = [new Capture(), new Capture()];
  const argv = ["tap", "--trace", "--filter", "asker", "--match", "path=/a*", "--count", "1"];
  const code = runCli([...argv, "--admin", `127.0.0.1:${admin.port}`], { stdout, stderr, env: {}, cwd: "/nowhere" });
  await stderr.until("data thread 1 samples");
  await stderr.until("data thread 2 samples");
  await ask(p, "/b");
  await ask(p, "/a", { "x-do": "add X@Y v" });
  expect(await code).toBe(0);
  expect(stdout.text).toMatch(/^\d\d:\d\d:\d\d {2}200 {2}GET \/a {2}[\d.]+ ms {2}all {2}asker@v1 {2}via_upstream\n/);
  expect(stdout.text).toContain('= BAD_ARGUMENT: "x@y" is not a header name (RFC 9110 5.1)');
  await expect.poll(() => gauge(p, "sluice_taps")).toBe(0);
  await admin.close();
});

test("a thread that is replaced learns the taps again", async () => {
  const handles = new Map<number, ThreadHandle>();
  const p = await start({
    spawn: (init) => {
      const handle = spawnWorker(init);
      handles.set(init.threadId, handle);
      return handle;
    },
  });
  const tap = await Tap.open(p);
  handles.get(1)?.terminate();
  await tap.until(() => tap.threads.length === 3);
  expect(tap.threads.at(-1)).toBe(1);
});
