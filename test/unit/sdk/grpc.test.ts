// gRPC call-outs of a filter through the testing kit: the guest's side and the plugin context's, over scripted upstreams.
import { resolve } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  compile,
  harness,
  type GrpcReply,
  type GrpcScript,
  type Harness,
  type ScriptedGrpcStream,
} from "../../../sdk/testing/index.ts";
import type { HeaderInput } from "../../../host/testing/transport.ts";

const SAY = "test.Echo/Say";
let wasm: Uint8Array;
let kit: Harness;

beforeAll(async () => {
  wasm = await compile(resolve(import.meta.dirname, "../../support/guests/grpc/index.ts"));
});
afterEach(() => {
  expect(kit.leaks()).toEqual({ streams: 0, contexts: 0 });
  kit.close();
});

async function ready(how: { reply?: GrpcReply; script?: GrpcScript; config?: object; allowed?: string[] }) {
  const options = how.allowed === undefined ? {} : { options: { allowedUpstreams: how.allowed } };
  kit = await harness(wasm, { config: how.config ?? {}, ...options });
  const upstream = kit.upstream("grpc");
  if (how.reply !== undefined) upstream.grpc(SAY, how.reply);
  if (how.script !== undefined) upstream.grpcStream(SAY, how.script);
}

function said(headers: HeaderInput, ms = 0): string {
  const exchange = kit.request({ headers });
  expect(exchange.reply?.body).toBeUndefined();
  kit.clock.advance(ms);
  const text = exchange.reply?.body ?? "";
  exchange.end();
  return text;
}

describe("unary calls", () => {
  test("an answer carries initial metadata and one message", async () => {
    await ready({ reply: (call) => ({ metadata: { "x-server": "s" }, messages: [`re: ${call.messages[0]}`] }) });
    expect(said({ "x-grpc": "unary", "x-message": "hello" })).toBe("initial s\nmessage re: hello\nstatus 0 ");
    expect(kit.grpcCalls).toMatchObject([
      {
        cluster: "grpc",
        method: SAY,
        metadata: ["x-client", "", "x-many", "1", "x-many", "2"],
        messages: [Buffer.from("hello")],
        timeoutMs: 5000,
        halfClosed: true,
        cancelled: false,
      },
    ]);
  });

  test("an error has status, words and trailing metadata, and no message even when one came", async () => {
    await ready({
      reply: { metadata: {}, messages: ["no"], status: 5, message: "nichts für dich", trailers: { "x-reason": "r" } },
    });
    expect(said({ "x-grpc": "unary" })).toBe("initial \ntrailing r\nstatus 5 nichts für dich");
  });

  test.each([0, 2])("%i messages with status OK are an internal error", async (count) => {
    await ready({ reply: { messages: Array.from({ length: count }, () => "m"), metadata: {} } });
    expect(said({ "x-grpc": "unary" })).toMatch(/status 13 \d messages where one was expected$/);
  });

  test("the deadline passes in virtual time", async () => {
    await ready({ reply: { messages: ["late"], delayMs: 10_000 } });
    const exchange = kit.request({ headers: { "x-grpc": "unary" } });
    kit.clock.advance(4999);
    expect(exchange.reply).toBeNull();
    kit.clock.advance(1);
    expect(exchange.reply?.body).toBe("status 4 the deadline has passed");
    exchange.end();
  });

  test("the answer for a request that has ended is dropped, and its call cancelled", async () => {
    await ready({ reply: { messages: ["late"], delayMs: 100 } });
    kit.request({ headers: { "x-grpc": "unary" } }).end();
    expect(kit.grpcCalls).toMatchObject([{ cancelled: true }]);
    kit.clock.advance(1000);
    expect(kit.faults).toEqual([]);
  });

  test("an unknown and a forbidden cluster are refused alike, with PARSE_FAILURE", async () => {
    await ready({ config: { cluster: "nowhere" } });
    const unknown = kit.request({ headers: { "x-grpc": "unary" } });
    expect(unknown.reply?.body).toBe("refused 4");
    unknown.end();
    kit.close();
    await ready({ reply: {}, allowed: ["other"] });
    for (const what of ["unary", "stream"]) {
      const forbidden = kit.request({ headers: { "x-grpc": what } });
      expect(forbidden.reply?.body).toBe("refused 4");
      forbidden.end();
    }
    expect(kit.grpcCalls).toEqual([]);
  });

  test("a method that is no path, and a message over 1 MiB, are bad arguments", async () => {
    await ready({ reply: {} });
    for (const headers of [{ "x-method": "a/b" }, { "x-method": "a b" }, { "x-message": "#1048577" }]) {
      const exchange = kit.request({ headers: { "x-grpc": "unary", ...headers } });
      expect(exchange.reply?.body).toBe("refused 2");
      exchange.end();
    }
  });

  test("a capability policy without gRPC answers INTERNAL_FAILURE and sends nothing", async () => {
    kit = await harness(wasm, {
      config: {},
      options: {
        allowedCapabilities: [
          "proxy_on_context_create",
          "proxy_on_vm_start",
          "proxy_on_configure",
          "proxy_on_request_headers",
          "proxy_on_delete",
          "proxy_get_buffer_bytes",
          "proxy_get_header_map_value",
          "proxy_send_local_response",
          "proxy_log",
        ],
      },
    });
    kit.upstream("grpc").grpc(SAY, {});
    const exchange = kit.request({ headers: { "x-grpc": "unary" } });
    expect(exchange.reply?.body).toBe("refused 10");
    exchange.end();
  });

  test("a filter may have 256 streams at a time, ended requests give theirs back", async () => {
    await ready({ script: {} });
    const open = Array.from({ length: 256 }, () => kit.request({ headers: { "x-grpc": "stream" } }));
    const refused = kit.request({ headers: { "x-grpc": "stream" } });
    expect(refused.reply?.body).toBe("refused 10");
    refused.end();
    for (const exchange of open) exchange.end();
    const again = kit.request({ headers: { "x-grpc": "stream" } });
    expect(again.reply).toBeNull();
    again.end();
    expect(kit.grpcCalls.every((call) => call.cancelled)).toBe(true);
  });
});

test("calls and streams of the plugin itself outlive the request that caused them, and end with the plugin", async () => {
  await ready({});
  let watch: ScriptedGrpcStream | null = null;
  kit
    .upstream("grpc")
    .grpc("test.Echo/First", { messages: ["x"] })
    .grpcStream("test.Echo/Watch", { begin: (stream) => (watch = stream) });
  const watched = (): string | undefined => {
    const exchange = kit.request({ headers: { "x-grpc": "watched" } });
    exchange.end();
    return exchange.reply?.body;
  };
  const first = kit.request({ headers: { "x-grpc": "watch" } });
  expect(first.reply?.status).toBe(200);
  first.end();
  expect(watched()).toBe("nothing");
  kit.clock.advance(0);
  expect(watched()).toBe("first 0");
  (watch as unknown as ScriptedGrpcStream).send("pushed");
  expect(watched()).toBe("pushed");
  expect(kit.grpcCalls.map(({ cancelled }) => cancelled)).toEqual([false, false]);
  kit.close();
  expect(kit.grpcCalls.map(({ cancelled }) => cancelled)).toEqual([false, true]);
});

describe("streams", () => {
  test("messages go both ways, then trailing metadata and the end", async () => {
    await ready({
      script: {
        begin: (stream) => stream.metadata({ "x-server": "s" }),
        message: (message, stream) => stream.send(`re: ${message}`),
        halfClose: (stream) => stream.end(0, "", { "x-reason": "r" }),
      },
    });
    expect(said({ "x-grpc": "stream", "x-send": "a,b,end" })).toBe(
      "initial s\nmessage re: a\nmessage re: b\ntrailing r\nstatus 0 ",
    );
    expect(kit.grpcCalls[0]).toMatchObject({ timeoutMs: 0, halfClosed: true });
  });

  test("a callback may send and half-close", async () => {
    await ready({
      script: {
        begin: (stream) => stream.send("more"),
        message: (message, stream) => (expect(String(message)).toBe("answer"), stream.send("done")),
        halfClose: (stream) => stream.end(9, "enough"),
      },
    });
    expect(said({ "x-grpc": "stream" })).toBe("initial \nmessage more\nmessage done\ntrailing \nstatus 9 enough");
  });

  test("after a cancel nothing comes any more, also not what was sent in the same moment", async () => {
    await ready({
      script: { begin: (stream) => (stream.send("stop"), stream.send("unseen"), stream.end(0)) },
    });
    expect(said({ "x-grpc": "stream" })).toBe("initial \nmessage stop\ncancelled");
    expect(kit.grpcCalls[0]?.cancelled).toBe(true);
  });

  test("a cancel in the callback that opened it", async () => {
    await ready({ script: { begin: (stream) => stream.send("unseen") } });
    const exchange = kit.request({ headers: { "x-grpc": "stream", "x-send": "a,cancel" } });
    expect(exchange.reply?.body).toBe("cancelled, open false");
    exchange.end();
  });

  test("a stream that fails before the first message reports only its end", async () => {
    await ready({ script: { begin: (stream) => stream.end(14, "no connection") } });
    expect(said({ "x-grpc": "stream" })).toBe("status 14 no connection");
  });

  test("a message over 1 MiB is not taken, the stream goes on", async () => {
    await ready({ script: { message: () => {} } });
    const exchange = kit.request({ headers: { "x-grpc": "stream", "x-send": "#1048576,#1048577" } });
    expect(exchange.reply?.body).toBe("not taken 2");
    expect(kit.grpcCalls[0]?.messages.map(({ length }) => length)).toEqual([1_048_576]);
    exchange.end();
  });

  test("a call that nobody scripted is an error that names it", async () => {
    await ready({});
    const exchange = kit.request({ headers: { "x-grpc": "stream" } });
    expect(kit.faults[0]?.fault.message).toContain('upstream("grpc").grpc("test.Echo/Say", ...)');
    exchange.end();
  });
});
