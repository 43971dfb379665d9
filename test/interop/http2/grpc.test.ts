// gRPC from end to end through a running proxy: grpc-js as client and as server, real data threads, real filters, real
// reloads.
import { Client, credentials, Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { grpcServer, type Duplex, type GrpcServer, type Methods } from "../../support/grpc.ts";
import { guest, withNonce } from "../../support/modules.ts";
import { startProxy, type TestProxy } from "../../support/sluice.ts";
import { h2Client } from "../../support/http2.ts";
import { until } from "../../support/wire.ts";

let probe: Uint8Array;
let stamp: Uint8Array;
let server: GrpcServer;
let proxy: TestProxy;
let client: Client;

beforeAll(async () => {
  probe = await guest("probe");
  stamp = await guest("stamp");
});
// The server shuts down in good order only when the proxy has left no stream behind.
afterEach(async () => {
  client.close();
  await proxy.stop();
  await new Promise<void>((resolve, reject) =>
    server.server.tryShutdown((error) => (error ? reject(error) : resolve())),
  );
});

interface Setup {
  readonly chain?: readonly string[];
  readonly cluster?: object;
  readonly route?: object;
}

async function run(methods: Methods, { chain = [], cluster = {}, route = {} }: Setup = {}): Promise<void> {
  server = await grpcServer(methods);
  const filters = [
    { name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "one" } },
    { name: "probe", source: "./probe.wasm" },
  ].filter(({ name }) => chain.includes(name));
  proxy = await startProxy({
    chain,
    workers: 1,
    files: { "stamp.wasm": stamp, "probe.wasm": probe },
    listener: {
      routes: [{ name: "all", match: { prefix: "/" }, route: { cluster: "grpc" }, timeout: "0s", ...route }],
    },
    config: {
      filters,
      clusters: [
        { name: "web", endpoints: [{ address: "127.0.0.1:1" }] },
        { name: "grpc", http2: {}, endpoints: [{ address: `127.0.0.1:${server.port}` }], ...cluster },
      ],
    },
  });
  client = new Client(`127.0.0.1:${proxy.port}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.enable_retries": 0,
  });
}

const same = (bytes: Buffer): Buffer => bytes;
const path = (name: string): string => `/test.Echo/${name}`;
const metadata = (fields: Record<string, string> = {}): Metadata => {
  const made = new Metadata();
  for (const [name, value] of Object.entries(fields)) made.set(name, value);
  return made;
};

interface Said {
  readonly message: string;
  readonly code: number;
  readonly details: string;
  readonly initial: Metadata | null;
  readonly trailing: Metadata;
}

function say(message: string | Buffer, fields: Record<string, string> = {}, deadlineMs = 20_000): Promise<Said> {
  return new Promise((resolve) => {
    let initial: Metadata | null = null;
    let answer = "";
    const options = { deadline: Date.now() + deadlineMs };
    const call = client.makeUnaryRequest(
      path("Say"),
      same,
      same,
      Buffer.from(message),
      metadata(fields),
      options,
      (_error: ServiceError | null, value?: Buffer) => (answer = String(value ?? "")),
    );
    call.on("metadata", (came) => (initial = came));
    call.on("status", ({ code, details, metadata: trailing }) =>
      setImmediate(() => resolve({ message: answer, code, details, initial, trailing })),
    );
  });
}

const talk = (fields: Record<string, string> = {}) =>
  client.makeBidiStreamRequest(path("Talk"), same, same, metadata(fields), { deadline: Date.now() + 20_000 });
const ended = (call: { on(event: "status", then: (status: { code: number }) => void): unknown }): Promise<number> =>
  new Promise((resolve) => call.on("status", ({ code }) => resolve(code)));

const echo: Methods = {
  Say(call, done) {
    const initial = new Metadata();
    initial.set("x-server", call.metadata.get("x-client").join("+"));
    call.sendMetadata(initial);
    const trailing = new Metadata();
    trailing.set("x-reason", "why");
    trailing.set("bytes-bin", Buffer.from([0, 255]));
    if (String(call.request) === "fail")
      done({ code: status.FAILED_PRECONDITION, details: "geht nicht: ü", metadata: trailing });
    else done(null, call.request, trailing);
  },
  Pour(call) {
    for (let at = 0; at < 100; at++) call.write(Buffer.from(`${call.request}${at}`));
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
};

describe.each([
  ["without filters", []],
  ["with filters", ["stamp", "probe"]],
])("%s", (_name, chain) => {
  test("unary: message, metadata both ways, an error with details, many at a time", async () => {
    await run(echo, { chain });
    const said = await say("hi", { "x-client": "me" });
    expect(said).toMatchObject({ message: "hi", code: status.OK });
    expect(said.initial?.get("x-server")).toEqual(["me"]);
    expect(said.trailing.get("x-reason")).toEqual(["why"]);
    expect(said.trailing.get("bytes-bin")).toEqual([Buffer.from([0, 255])]);
    expect(said.initial?.get("x-version")).toEqual(chain.length === 0 ? [] : ["one"]);
    expect(await say("fail")).toMatchObject({ code: status.FAILED_PRECONDITION, details: "geht nicht: ü" });
    const many = await Promise.all(Array.from({ length: 200 }, (_, at) => say(`m${at}`)));
    expect(many.map(({ message }) => message)).toEqual(Array.from({ length: 200 }, (_, at) => `m${at}`));
  });

  test("messages of 8 MB pass both ways", async () => {
    await run(echo, { chain });
    const big = Buffer.alloc(8_000_000, "x");
    const said = await say(big);
    expect([said.code, said.message.length]).toEqual([status.OK, big.length]);
  });

  test("server, client and bidirectional streaming", async () => {
    await run(echo, { chain });
    const poured: string[] = [];
    const pour = client.makeServerStreamRequest(path("Pour"), same, same, Buffer.from("p"), metadata());
    pour.on("data", (message: Buffer) => poured.push(String(message)));
    expect(await ended(pour)).toBe(status.OK);
    expect(poured).toEqual(Array.from({ length: 100 }, (_, at) => `p${at}`));
    const gathered = await new Promise<string>((resolve) => {
      const gather = client.makeClientStreamRequest(path("Gather"), same, same, metadata(), (_error, value?: Buffer) =>
        resolve(String(value)),
      );
      for (let at = 0; at < 100; at++) gather.write(Buffer.from(`${at}`));
      gather.end();
    });
    expect(gathered).toBe(Array.from({ length: 100 }, (_, at) => `<${at}>`).join(""));
    const call = talk();
    const heard: string[] = [];
    call.on("data", (message: Buffer) => {
      heard.push(String(message));
      if (heard.length === 50) call.end();
      else call.write(Buffer.from(`${heard.length}`));
    });
    call.write(Buffer.from("0"));
    expect(await ended(call)).toBe(status.OK);
    expect(heard).toEqual(Array.from({ length: 50 }, (_, at) => `re ${at}`));
  });

  test("deadlines and cancels reach the server, and end the client's call", async () => {
    let cancelled = 0;
    const seen: number[] = [];
    await run(
      {
        Say(call) {
          seen.push(Number(call.getDeadline()));
          call.on("cancelled", () => cancelled++);
        },
        Talk: (call: Duplex) => void call.on("cancelled", () => cancelled++),
      },
      { chain },
    );
    expect((await say("slow", {}, 200)).code).toBe(status.DEADLINE_EXCEEDED);
    await until(() => cancelled === 1, "the server to hear of the deadline");
    expect(seen[0]).toBeLessThan(Date.now() + 1000);
    const call = talk();
    call.on("error", () => {});
    call.write(Buffer.from("x"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const over = ended(call);
    call.cancel();
    expect(await over).toBe(status.CANCELLED);
    await until(() => cancelled === 2, "the server to hear of the cancel");
  });

  test("a server that goes while calls run: UNAVAILABLE or INTERNAL, never a hang; the next calls are served", async () => {
    const begun: Duplex[] = [];
    await run({ ...echo, Talk: (call: Duplex) => void begun.push(call) }, { chain });
    const call = talk();
    call.on("error", () => {});
    call.write(Buffer.from("x"));
    await until(() => begun.length === 1, "the stream");
    const over = ended(call);
    const { port } = server;
    server.server.forceShutdown();
    expect([status.UNAVAILABLE, status.INTERNAL, status.CANCELLED]).toContain(await over);
    expect((await say("nobody")).code).toBe(status.UNAVAILABLE);
    server = await grpcServer(echo, port);
    expect(await say("back")).toMatchObject({ code: status.OK, message: "back" });
  });
});

describe("filters", () => {
  test("one that edits bodies and one that answers by itself", async () => {
    await run(echo, { chain: ["probe"] });
    expect(await say("loud", { "x-probe": "upper" })).toMatchObject({ code: status.OK, message: "LOUD" });
    const call = talk({ "x-probe": "upper" });
    const heard = new Promise<string>((resolve) => call.on("data", (message: Buffer) => resolve(String(message))));
    call.write(Buffer.from("stream"));
    expect(await heard).toBe("re STREAM");
    call.end();
    expect(await ended(call)).toBe(status.OK);
    expect(await say("x", { "x-probe": "reply:403" })).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: "by probe",
    });
    expect(await say("x", { "x-probe": "reply-body" })).toMatchObject({ code: status.UNKNOWN, details: "too much" });
    expect((await say("x", { "x-probe": "trap" })).code).toBe(status.UNAVAILABLE);
    expect((await say("after")).code).toBe(status.OK);
  });

  test("no upstream, no route: trailers-only answers with the status of gRPC", async () => {
    await run(echo, { cluster: { endpoints: [{ address: "127.0.0.1:1" }] } });
    expect(await say("x")).toMatchObject({ code: status.UNAVAILABLE, details: "upstream connect error\n" });
    client.close();
    await proxy.stop();
    server.server.forceShutdown();
    await run(echo, { route: { match: { prefix: "/other" } } });
    expect((await say("x")).code).toBe(status.UNIMPLEMENTED);
  });

  test("a route's timeout is UNAVAILABLE, and cancels the call upstream", async () => {
    let cancelled = 0;
    await run({ Say: (call) => void call.on("cancelled", () => cancelled++) }, { route: { timeout: "200ms" } });
    expect(await say("slow")).toMatchObject({ code: status.UNAVAILABLE, details: "upstream request timeout\n" });
    await until(() => cancelled === 1, "the server to hear of it");
  });
});

describe("versions", () => {
  test("a stream that runs keeps its version over reloads; streams that begin get the new one", async () => {
    await run(echo, { chain: ["stamp", "probe"] });
    const begin = async () => {
      const call = talk();
      const version = new Promise<string>((resolve) =>
        call.on("metadata", (came) => resolve(String(came.get("x-version")))),
      );
      const heard: string[] = [];
      call.on("data", (message: Buffer) => heard.push(String(message)));
      call.write(Buffer.from("first"));
      return { call, heard, version: await version };
    };
    const old = await begin();
    await proxy.control.upload("stamp", withNonce(stamp, 1), { swap: true, pluginConfig: '{"word":"two"}' });
    const next = await begin();
    expect([old.version, next.version]).toEqual(["one", "two"]);
    await proxy.control.upload("stamp", withNonce(stamp, 2), { swap: true, pluginConfig: '{"word":"three"}' });
    for (const { call } of [old, next]) call.write(Buffer.from("later"));
    await until(() => old.heard.length === 2 && next.heard.length === 2, "both to be heard");
    for (const { call } of [old, next]) {
      const over = ended(call);
      call.end();
      expect(await over).toBe(status.OK);
    }
    expect((await say("x")).initial?.get("x-version")).toEqual(["three"]);
  });

  test("streams of one connection are assigned one by one, and a user keeps its version", async () => {
    await run(echo, { chain: ["stamp"] });
    await proxy.control.upload("stamp", withNonce(stamp, 1), { swap: false, pluginConfig: '{"word":"two"}' });
    await proxy.control.createExperiment({
      name: "ab",
      filter: "stamp",
      unit: ["header:x-user"],
      variants: [
        { name: "control", version: "v1", weight: 50 },
        { name: "candidate", version: "v2", weight: 50 },
      ],
    });
    await using h2 = await h2Client(proxy.port);
    const ask = (): Promise<unknown[]> =>
      Promise.all(
        Array.from({ length: 60 }, async (_, user) => {
          const fields = {
            ":method": "POST",
            ":path": path("Say"),
            "content-type": "application/grpc",
            te: "trailers",
            "x-user": `u${user}`,
          };
          return (await h2.get(fields, Buffer.from([0, 0, 0, 0, 1, 65]))).headers["x-version"];
        }),
      );
    const first = await ask();
    expect(new Set(first)).toEqual(new Set(["one", "two"]));
    expect(await ask()).toEqual(first);
  });
});
