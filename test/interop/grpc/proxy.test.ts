// gRPC call-outs of a filter in a running proxy: real data threads, a real gRPC server, real reloads.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Metadata } from "@grpc/grpc-js";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { grpcServer, type Duplex, type GrpcServer, type Methods } from "../../support/grpc.ts";
import { guest, withNonce } from "../../support/modules.ts";
import { startProxy, type TestProxy } from "../../support/sluice.ts";
import { until } from "../../support/wire.ts";

let wasm: Uint8Array;
let server: GrpcServer;
let proxy: TestProxy;

beforeAll(async () => {
  wasm = await guest("grpc");
});
// The server shuts down in good order only when the proxy has left no connection and no call behind.
afterEach(async () => {
  await proxy.stop();
  await new Promise<void>((resolve, reject) =>
    server.server.tryShutdown((error) => (error ? reject(error) : resolve())),
  );
});

async function run(methods: Methods, filter: object = {}, more: object = {}, webPort = 1): Promise<void> {
  server = await grpcServer(methods);
  const filters = [{ name: "talk", source: "./talk.wasm", pluginConfig: { version: "one" }, ...filter }];
  const clusters = [
    { name: "web", endpoints: [{ address: `127.0.0.1:${webPort}` }] },
    { name: "grpc", endpoints: [{ address: `127.0.0.1:${server.port}` }] },
  ];
  proxy = await startProxy({
    chain: ["talk"],
    workers: 1,
    files: { "talk.wasm": wasm },
    config: { filters, clusters, ...more },
  });
}

const ask = async (headers: Record<string, string>): Promise<string> => {
  const { status, body } = await proxy.get("/", headers);
  return status === 200 ? body : `${status} ${body}`;
};
const unary = (message = "hi", more: Record<string, string> = {}): Promise<string> =>
  ask({ "x-grpc": "unary", "x-message": message, ...more });
const stream = (method: string, send: string): Promise<string> =>
  ask({ "x-grpc": "stream", "x-method": method, "x-send": send });

describe("unary", () => {
  test("a message, an error and metadata, many at a time", async () => {
    await run({
      Say(call, done) {
        const initial = new Metadata();
        initial.set("x-server", call.metadata.get("x-many").join("+"));
        call.sendMetadata(initial);
        const trailing = new Metadata();
        trailing.set("x-reason", "why");
        const text = String(call.request);
        if (text === "fail") done({ code: 9, details: "geht nicht: ü", metadata: trailing });
        else done(null, Buffer.from(`re ${text}`), trailing);
      },
    });
    expect(await unary()).toBe("initial 1, 2\nmessage re hi\nstatus 0 ");
    expect(await unary("fail")).toBe("initial 1, 2\ntrailing why\nstatus 9 geht nicht: ü");
    const many = await Promise.all(Array.from({ length: 100 }, (_, at) => unary(`m${at}`)));
    expect(many).toEqual(Array.from({ length: 100 }, (_, at) => `initial 1, 2\nmessage re m${at}\nstatus 0 `));
  });

  test("messages of 1 MiB both ways, a larger one is refused before it is sent", async () => {
    let sizes: number[] = [];
    await run({ Say: (call, done) => (sizes.push(call.request.length), done(null, call.request)) });
    const answer = await unary("#1048576");
    expect(answer).toMatch(/^initial \nmessage 1048576:\d+\nstatus 0 $/);
    expect(await unary("#1048577")).toBe("500 refused 2");
    expect(sizes).toEqual([1_048_576]);
  });

  test("an answer over 1 MiB, a deadline, and a method that is not there", async () => {
    let cancelled = 0;
    await run(
      {
        Say(call, done) {
          if (String(call.request) === "big") done(null, Buffer.alloc(2_000_000));
          else call.on("cancelled", () => cancelled++);
        },
      },
      { pluginConfig: { timeout: "200ms" } },
    );
    expect(await unary("big")).toMatch(/status 8 a message of more than 1048576 bytes$/);
    // The server keeps the same deadline and may be the first.
    expect(await unary("slow")).toMatch(/status 4 (the deadline has passed|Deadline exceeded)$/);
    await until(() => cancelled === 1, "the server to hear of it");
    expect(await unary("x", { "x-method": "Nothing" })).toMatch(/status 12 /);
  });

  test("no server: UNAVAILABLE with the reason; an unknown and a forbidden cluster: PARSE_FAILURE", async () => {
    await run({}, { pluginConfig: { cluster: "web" } });
    expect(await unary()).toMatch(/^status 14 connecting to 127.0.0.1:1 failed: connect ECONNREFUSED/);
    await proxy.stop();
    server.server.forceShutdown();
    await run({}, { pluginConfig: { cluster: "nowhere" } });
    expect(await unary()).toBe("500 refused 4");
    await proxy.stop();
    server.server.forceShutdown();
    await run({}, { allowedUpstreams: ["web"] });
    expect(await unary()).toBe("500 refused 4");
  });
});

describe("streams", () => {
  test("server, client and bidirectional streaming", async () => {
    await run({
      Pour(call) {
        for (let at = 0; at < 5; at++) call.write(Buffer.from(`${call.request}${at}`));
        call.end();
      },
      Gather(call, done) {
        let text = "";
        call.on("data", (message: Buffer) => (text += `<${message}>`));
        call.on("end", () => done(null, Buffer.from(text)));
      },
      Talk(call: Duplex) {
        call.on("data", (message: Buffer) => call.write(Buffer.from(`re ${message}`)));
        call.on("end", () => call.end());
      },
    });
    expect(await stream("Pour", "p,end")).toBe(
      `initial \n${[0, 1, 2, 3, 4].map((at) => `message p${at}\n`).join("")}trailing \nstatus 0 OK`,
    );
    expect(await stream("Gather", "a,b,c,end")).toBe("initial \nmessage <a><b><c>\ntrailing \nstatus 0 OK");
    expect(await stream("Talk", "a,b,end")).toBe("initial \nmessage re a\nmessage re b\ntrailing \nstatus 0 OK");
  });

  test("the filter answers and half-closes from its callbacks", async () => {
    await run({
      Talk(call: Duplex) {
        call.write(Buffer.from("more"));
        call.on("data", () => call.write(Buffer.from("done")));
        call.on("end", () => call.emit("error", { code: 10, details: "aborted" }));
      },
    });
    expect(await stream("Talk", "")).toBe("initial \nmessage more\nmessage done\ntrailing \nstatus 10 aborted");
  });

  test("a cancel reaches the server: by the filter, and when the request of the stream ends", async () => {
    const arrived = Promise.withResolvers<void>();
    const web = createServer((_incoming, answer) => void arrived.promise.then(() => answer.end("ok")));
    await new Promise<void>((ready) => web.listen(0, "127.0.0.1", ready));
    const cancelled: string[] = [];
    const talk = (call: Duplex): void => {
      call.on("data", (message: Buffer) => {
        call.on("cancelled", () => cancelled.push(String(message)));
        call.write(message);
        if (String(message) === "left") arrived.resolve();
      });
    };
    await run({ Talk: talk }, {}, {}, (web.address() as AddressInfo).port);
    expect(await stream("Talk", "stop")).toBe("initial \nmessage stop\ncancelled");
    expect(await ask({ "x-grpc": "ignore", "x-method": "Talk", "x-send": "left" })).toBe("ok");
    await until(() => cancelled.length === 2, "both cancels");
    expect(cancelled).toEqual(["stop", "left"]);
    web.closeAllConnections();
    web.close();
  });

  test("large messages both ways, and a server killed in mid-stream", async () => {
    await run({
      Talk(call: Duplex) {
        call.on("data", (message: Buffer) => {
          call.write(message);
          if (message.length < 100) setImmediate(() => server.server.forceShutdown());
        });
      },
    });
    const text = await stream("Talk", "#1048576,kill");
    expect(text).toMatch(/^initial \n(message 1048576:\d+\n)?(message kill\n)?status 14 /);
  });
});

describe("reloads", () => {
  test("a call in flight ends on the version that began it, and that version is freed", async () => {
    let answer: (() => void) | null = null;
    await run({
      Say(call, done) {
        if (String(call.request) === "wait") answer = () => done(null, Buffer.from("late"));
        else done(null, call.request);
      },
    });
    const waiting = proxy.get("/", { "x-grpc": "unary", "x-message": "wait" });
    await until(() => answer !== null, "the call");
    await proxy.control.upload("talk", withNonce(wasm, 1), { swap: true, pluginConfig: '{"version":"two"}' });
    expect((await proxy.get("/", { "x-grpc": "unary" })).headers["x-version"]).toBe("two");
    (answer as unknown as () => void)();
    expect(await waiting).toMatchObject({ status: 200, headers: { "x-version": "one" } });
    await proxy.event((event) => event.type === "retired" && event.text.startsWith("talk@v1"));
  });

  test("at the drain deadline a stream that never ends is cancelled; what comes late is dropped", async () => {
    let peer: Duplex | null = null;
    let cancelled = 0;
    await run(
      {
        Talk(call: Duplex) {
          peer = call;
          call.write(Buffer.from("first"));
          call.on("cancelled", () => cancelled++);
        },
      },
      {},
      { drainTimeout: "300ms" },
    );
    const waiting = proxy.get("/", { "x-grpc": "stream", "x-method": "Talk" });
    await until(() => peer !== null, "the call");
    await proxy.control.upload("talk", withNonce(wasm, 2), { swap: true, pluginConfig: '{"version":"two"}' });
    expect((await waiting).status).toBe(503);
    await until(() => cancelled === 1, "the cancel");
    (peer as unknown as Duplex).write(Buffer.from("late"));
    await proxy.event((event) => event.type === "retired" && event.text.startsWith("talk@v1"));
    expect(proxy.events.filter(({ type }) => type === "fault")).toEqual([]);
  });

  test("a filter that traps in a callback loses its calls, and its successor has its own", async () => {
    let cancelled = 0;
    const begun: Duplex[] = [];
    await run(
      {
        Talk(call: Duplex) {
          begun.push(call);
          call.on("cancelled", () => cancelled++);
        },
        Say: (call, done) => done(null, call.request),
      },
      { limits: { fuel: "200k" } },
      { workers: 1 },
    );
    const open = proxy.get("/", { "x-grpc": "stream", "x-method": "Talk" });
    await until(() => begun.length === 1, "the stream");
    // Too many messages for one callback's budget of CPU.
    const loop = await proxy.get("/", { "x-grpc": "stream", "x-send": "a,".repeat(3000) });
    expect(loop.status).toBe(503);
    expect((await open).status).toBe(503);
    await until(() => cancelled >= 1, "the cancel");
    expect(await unary("again")).toMatch(/message again\nstatus 0 $/);
  });
});
