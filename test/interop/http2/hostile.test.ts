// Clients that mean no good, with raw frames: heads that break the rules, floods, slow beginnings. Whatever they send, the
// connection or the stream ends, is counted, and leaves nothing behind.
import { afterEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { FloodGuard } from "../../../host/net/http2/flood-guard.ts";
import { HTTP2, route, startProxy, type TestProxy } from "../../support/proxy.ts";
import { expectNoSockets, fixedUpstream, OK, rawUpstream, until } from "../../support/wire.ts";
import {
  block,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  GET_FIELDS,
  h2Client,
  headers,
  NGHTTP2_ENHANCE_YOUR_CALM,
  ping,
  PREFACE,
  RawClient,
  rstStream,
  windowUpdate,
} from "../../support/http2.ts";

afterEach(expectNoSockets);

type Field = readonly [string, string];
const direct = route({ action: { kind: "direct", status: 200, body: "ok" } });
const post: readonly Field[] = [[":method", "POST"], ...GET_FIELDS.slice(1)];
const rejected = (proxy: TestProxy, reason: string): number => proxy.metric("sluice_http_rejected_total", { reason });

/** The status or the error code that a head is answered with; the connection must serve on. */
async function answerTo(proxy: TestProxy, fields: readonly Field[]): Promise<string> {
  const client = new RawClient(proxy.port);
  client.send(PREFACE, headers(1, END_HEADERS | END_STREAM, fields));
  await until(() => client.frames.some(({ stream }) => stream === 1) || client.closed, "an answer");
  const first = client.frames.find(({ stream }) => stream === 1);
  client.send(headers(3));
  await until(() => client.frames.some(({ stream }) => stream === 3) || client.closed, "the next stream");
  const served = client.frames.some(({ stream, type }) => stream === 3 && type === FRAME.headers);
  client.socket.destroy();
  if (first?.type === FRAME.rstStream) return `reset ${first.payload.readUInt32BE()}${served ? "" : ", closed"}`;
  // Literal or indexed: the digits are in there as text, or as one of the static entries 8 to 14.
  const table: Record<number, string> = { 0x88: "200", 0x8c: "400", 0x8d: "404" };
  const status = table[first?.payload[0] ?? 0] ?? /\d{3}/.exec(first?.payload.latin1Slice() ?? "")?.[0] ?? "other";
  return `${status}${served ? "" : ", closed"}`;
}

describe("heads that break the rules", () => {
  test.each<[string, readonly Field[]]>([
    ["an upper-case name", [...GET_FIELDS, ["X-Up", "1"]]],
    ["connection", [...GET_FIELDS, ["connection", "close"]]],
    ["transfer-encoding", [...GET_FIELDS, ["transfer-encoding", "chunked"]]],
    ["keep-alive", [...GET_FIELDS, ["keep-alive", "1"]]],
    ["te: gzip", [...GET_FIELDS, ["te", "gzip"]]],
    ["no :path", [...GET_FIELDS.slice(0, 2), GET_FIELDS[3] as Field]],
    ["no :method", GET_FIELDS.slice(1)],
    [":path twice", [...GET_FIELDS, [":path", "/other"]]],
    ["a pseudo header behind a header", [["x", "1"], ...GET_FIELDS]],
    ["an unknown pseudo header", [[":x", "1"], ...GET_FIELDS]],
    ["an empty :path", [...GET_FIELDS.slice(0, 2), [":path", ""], GET_FIELDS[3] as Field]],
    ["content-length twice", [...GET_FIELDS, ["content-length", "0"], ["content-length", "0"]]],
    ["a length without a body", [...GET_FIELDS, ["content-length", "5"]]],
  ])("%s resets the stream with PROTOCOL_ERROR", async (_name, fields) => {
    await using proxy = await startProxy({ routes: [direct] });
    expect(await answerTo(proxy, fields)).toBe("reset 1");
    expect(proxy.finished.filter(({ facts }) => facts.responseCode !== 200)).toEqual([]);
  });

  // nghttp2 drops such a field and takes the rest, before anybody here sees it.
  test.each<[string, Field]>([
    ["CR and LF in a value", ["x-bad", "a\r\nx-more: c"]],
    ["NUL in a value", ["x-bad", "a\0b"]],
    ["a space in a name", ["x-bad y", "1"]],
  ])("a field with %s does not reach the upstream", async (_name, field) => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = new RawClient(proxy.port);
    client.send(PREFACE, headers(1, END_HEADERS | END_STREAM, [...GET_FIELDS, field]));
    await client.waitFor(FRAME.headers);
    expect(upstream.received()).not.toMatch(/x-bad|x-more/);
    client.socket.destroy();
  });

  test.each<[string, readonly Field[], string]>([
    ["host and :authority differ", [...GET_FIELDS, ["host", "b"]], "host_mismatch"],
    ["an :authority with userinfo", [...GET_FIELDS.slice(0, 3), [":authority", "u@a"]], ""],
    ["a path with a fragment", [...GET_FIELDS.slice(0, 2), [":path", "/a#b"], GET_FIELDS[3] as Field], "bad_target"],
    ["an underscore in a name", [...GET_FIELDS, ["x_y", "1"]], "underscore_in_name"],
    [
      "a scheme that is none of ours",
      [[":method", "GET"], [":scheme", "ftp"], ...GET_FIELDS.slice(2)],
      "bad_pseudo_header",
    ],
    ["a length that is no number", [...GET_FIELDS, ["content-length", "0x1"]], ""],
  ])("%s is a 400 or a reset, and never a request", async (_name, fields, reason) => {
    await using proxy = await startProxy({ routes: [direct] });
    expect(await answerTo(proxy, fields)).toMatch(reason === "" ? /^(400|reset 1)$/ : /^400$/);
    if (reason !== "") expect(rejected(proxy, reason)).toBe(1);
  });

  test("CONNECT is a 501, an expectation a 417, too many headers a 431", async () => {
    await using proxy = await startProxy({ routes: [direct], limits: { maxHeaders: 10 } });
    await using client = await h2Client(proxy.port);
    const connect = client.session.request({ ":method": "CONNECT", ":authority": "a:1" });
    connect.on("error", () => {});
    const status = await new Promise((resolve) => connect.on("response", (head) => resolve(head[":status"])));
    expect(status).toBe(501);
    connect.close();
    expect((await client.get({ expect: "tea" }, "x")).status).toBe(417);
    const many = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`x-${at}`, "1"]));
    expect((await client.get(many)).status).toBe(431);
    expect(proxy.finished.filter(({ method }) => method !== "")).toEqual([]);
    expect(proxy.finished[0]?.facts).toMatchObject({ protocol: "HTTP/2", responseCode: 501 });
  });

  test("a header list beyond the limit is a 431, or a reset when the client has been told; the connection serves on", async () => {
    await using proxy = await startProxy({ routes: [direct], limits: { maxHeaderBytes: 4096 } });
    expect(await answerTo(proxy, [...GET_FIELDS, ["x", "a".repeat(5000)]])).toBe("431");
    const client = new RawClient(proxy.port);
    client.send(PREFACE);
    await client.waitFor(FRAME.settings, 2);
    client.send(headers(1, END_HEADERS | END_STREAM, [...GET_FIELDS, ["x", "a".repeat(5000)]]));
    expect((await client.waitFor(FRAME.rstStream)).payload.readUInt32BE()).toBe(NGHTTP2_ENHANCE_YOUR_CALM);
    client.send(headers(3));
    await client.waitFor(FRAME.data);
    client.socket.destroy();
  });
});

describe("floods", () => {
  test("streams that are broken off at once: GOAWAY ENHANCE_YOUR_CALM, and no request is left upstream", async () => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await startProxy({ upstreams: [upstream.port], http2: { streamResetBurst: 50 } });
    const client = new RawClient(proxy.port);
    client.send(PREFACE);
    for (let at = 0; at < 200 && !client.closed; at++) {
      const stream = 2 * at + 1;
      client.send(headers(stream), rstStream(stream, 8));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.ended()).toBe(NGHTTP2_ENHANCE_YOUR_CALM);
    expect(rejected(proxy, "http2_reset_flood")).toBe(1);
    await until(() => proxy.metric("sluice_http_active_requests") === 0, "the exchanges to end");
    await until(() => proxy.cluster.status()[0]?.active === 0, "the upstream requests to end");
  });

  test("the same in one write", async () => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await startProxy({ upstreams: [upstream.port], http2: { streamResetBurst: 50 } });
    const client = new RawClient(proxy.port);
    const frames = Array.from({ length: 400 }, (_, at) => [headers(2 * at + 1), rstStream(2 * at + 1, 8)]).flat();
    client.send(PREFACE, ...frames);
    // nghttp2's own count may be the first to end it, with INTERNAL_ERROR.
    expect([NGHTTP2_ENHANCE_YOUR_CALM, 2]).toContain(await client.ended());
    expect(rejected(proxy, "http2_reset_flood")).toBe(1);
    await until(() => proxy.metric("sluice_http_active_requests") === 0, "the exchanges to end");
    // What followed the verdict in the same read came to nothing.
    expect(proxy.finished.length).toBeLessThan(60);
  });

  test.each([
    ["PING", ping()],
    ["SETTINGS", frame(FRAME.settings, 0, 0)],
  ])("%s frames without end", async (_name, one) => {
    await using proxy = await startProxy({ routes: [direct], http2: { maxControlFrames: 100 } });
    const client = new RawClient(proxy.port);
    client.send(PREFACE, ...Array.from({ length: 500 }, () => one));
    expect(await client.ended()).toBe(NGHTTP2_ENHANCE_YOUR_CALM);
    expect(rejected(proxy, "http2_control_flood")).toBe(1);
  });

  test.each([
    ["WINDOW_UPDATE", (): Buffer => windowUpdate(0, 1)],
    ["PRIORITY", (): Buffer => frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 0, 16]))],
    ["frames of an unknown type", (): Buffer => frame(0xbe, 0, 0, Buffer.alloc(64))],
  ])("%s without end, which node:http2 tells nobody about", async (_name, one) => {
    await using proxy = await startProxy({ routes: [direct] });
    const client = new RawClient(proxy.port);
    client.send(PREFACE);
    const many = Buffer.concat(Array.from({ length: 20_000 }, one));
    client.send(many);
    // nghttp2 has a limit of its own for some of them (RFC 9113 10.5); else a look at the bytes ends it.
    const code = await client.ended();
    expect([NGHTTP2_ENHANCE_YOUR_CALM, 1, 2]).toContain(code);
    expect(rejected(proxy, "http2_silent_flood") + rejected(proxy, "http2_protocol_error")).toBe(1);
  });

  test("empty DATA frames", async () => {
    await using proxy = await startProxy({ upstreams: [1], routes: [direct] });
    const client = new RawClient(proxy.port);
    client.send(PREFACE, headers(1, END_HEADERS, post));
    client.send(...Array.from({ length: 1000 }, () => frame(FRAME.data, 0, 1)));
    await client.ended();
    expect(rejected(proxy, "http2_protocol_error")).toBe(1);
  });

  test("CONTINUATION frames without end", async () => {
    await using proxy = await startProxy({ routes: [direct] });
    const client = new RawClient(proxy.port);
    client.send(PREFACE, frame(FRAME.headers, END_STREAM, 1, block(GET_FIELDS)));
    for (let at = 0; at < 200 && !client.closed; at++) {
      client.send(frame(FRAME.continuation, 0, 1, block([[`x-${at}`, "a".repeat(100)]])));
    }
    await client.ended();
    expect(proxy.finished).toEqual([]);
  });

  test("more streams than the limit are refused; who knows the limit and breaks it loses the connection", async () => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await startProxy({ upstreams: [upstream.port], http2: { maxConcurrentStreams: 5 } });
    const client = new RawClient(proxy.port);
    client.acknowledges = false;
    client.send(PREFACE);
    await client.waitFor(FRAME.settings, 2);
    client.send(...Array.from({ length: 10 }, (_, at) => headers(2 * at + 1)));
    await client.waitFor(FRAME.rstStream, 5);
    expect(client.of(FRAME.rstStream).map(({ payload }) => payload.readUInt32BE())).toEqual([7, 7, 7, 7, 7]);
    await until(() => upstream.connections.length === 5, "five requests");
    client.send(frame(FRAME.settings, 1, 0), headers(21));
    expect(await client.ended()).toBe(1);
    await until(() => proxy.metric("sluice_http_active_requests") === 0, "the exchanges to end");
  });
});

describe("the flood guard", () => {
  test("resets are forgotten at the rate of the option", () => {
    const guard = new FloodGuard({ ...HTTP2, streamResetBurst: 10, streamResetRate: 5 }, 0);
    for (let at = 0; at < 10; at++) expect(guard.reset(0)).toBeNull();
    expect(guard.reset(2000)).toBeNull();
    for (let at = 0; at < 9; at++) expect(guard.reset(2000)).toBeNull();
    expect(guard.reset(2000)).toBe("http2_reset_flood");
  });

  test("control frames count over ten seconds", () => {
    const guard = new FloodGuard({ ...HTTP2, maxControlFrames: 3 }, 0);
    for (let at = 0; at < 3; at++) expect(guard.control(20_000)).toBeNull();
    expect(guard.control(29_999)).toBe("http2_control_flood");
    expect(guard.control(30_000)).toBeNull();
  });

  test("bodies, heads and the window updates of a download explain bytes; nothing else does", () => {
    const guard = new FloodGuard(HTTP2, 0);
    guard.data(10_000_000);
    expect(guard.look(1000, 10_000_000, 0)).toBeNull();
    expect(guard.look(2000, 10_016_000, 0)).toBeNull();
    expect(guard.look(3000, 10_116_000, 1_600_000)).toBeNull();
    expect(guard.look(4000, 10_150_000, 1_600_000)).toBe("http2_silent_flood");
  });
});

describe("time", () => {
  test("a client that begins and goes silent is closed after headerTimeout, an idle one after idleTimeout", async () => {
    const clock = new VirtualClock();
    await using proxy = await startProxy({ routes: [direct], clock });
    const silent = new RawClient(proxy.port);
    silent.acknowledges = false;
    silent.send(PREFACE.subarray(0, 18));
    const idle = new RawClient(proxy.port);
    idle.send(PREFACE, headers(1));
    await idle.waitFor(FRAME.data);
    await silent.waitFor(FRAME.settings);
    for (let at = 0; at < 12; at++) clock.advance(1000);
    await until(() => silent.closed, "the silent client to be closed");
    expect(idle.closed).toBe(false);
    for (let at = 0; at < 60; at++) {
      clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await idle.ended()).toBe(0);
    expect(proxy.wheel.size).toBe(0);
  });

  test("an old connection is told to go, finishes what it has and closes", async () => {
    const clock = new VirtualClock();
    await using upstream = await rawUpstream(() => {});
    await using proxy = await startProxy({
      upstreams: [upstream.port],
      clock,
      http2: { maxConnectionDurationMs: 5000 },
    });
    const client = new RawClient(proxy.port);
    client.send(PREFACE, headers(1));
    await until(() => upstream.connections.length === 1, "the request");
    for (let at = 0; at < 6; at++) clock.advance(1000);
    expect((await client.waitFor(FRAME.goaway)).payload.readUInt32BE()).toBe(1);
    upstream.connections[0]!.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    await client.waitFor(FRAME.data);
    await until(() => client.closed, "the connection to close");
  });

  test("no byte of a body in time: 408, and the stream ends", async () => {
    const clock = new VirtualClock();
    await using upstream = await rawUpstream(() => {});
    await using proxy = await startProxy({ upstreams: [upstream.port], clock, limits: { requestTimeoutMs: 3000 } });
    const client = new RawClient(proxy.port);
    client.send(PREFACE, headers(1, END_HEADERS, post));
    await until(() => upstream.connections.length === 1, "the request");
    for (let at = 0; at < 5; at++) clock.advance(1000);
    await client.waitFor(FRAME.data);
    expect(proxy.finished[0]?.facts).toMatchObject({ responseCode: 408, responseFlags: "DT" });
    client.socket.destroy();
  });
});
