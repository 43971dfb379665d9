// The gRPC transport by itself: framing, deadlines, every way a peer can end a call, and that nothing stays open.
import { createServer } from "node:net";
import { constants } from "node:http2";
import type { AddressInfo } from "node:net";
import { Metadata } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { TimerWheel } from "../../../host/base/timer-wheel.ts";
import type { HeaderList } from "../../../host/abi/headers.ts";
import { createGrpc } from "../../../host/net/grpc/port.ts";
import { MetricRegistry } from "../../../host/observe/metrics.ts";
import type { GrpcCall, GrpcEvents, GrpcRequest } from "../../../host/plugin/grpc-port.ts";
import { Cluster } from "../../../host/upstream/cluster.ts";
import type { Dial } from "../../../host/upstream/transport.ts";
import { grpcServer, rawHttp2, type Duplex, type RawServer } from "../../support/grpc.ts";
import { clusterOptions } from "../../support/proxy.ts";
import { expectNoSockets, until } from "../../support/wire.ts";

afterEach(expectNoSockets);

class Seen implements GrpcEvents {
  readonly log: string[] = [];
  readonly messages: Buffer[] = [];
  initial: HeaderList | null = null;
  trailing: HeaderList | null = null;
  status: number | null = null;
  text = "";
  onMessage: (bytes: Buffer) => void = () => {};

  initialMetadata(metadata: HeaderList): void {
    this.log.push("initial");
    this.initial = metadata;
  }
  message(bytes: Buffer): void {
    this.log.push("message");
    this.messages.push(Buffer.from(bytes));
    this.onMessage(bytes);
  }
  trailingMetadata(metadata: HeaderList): void {
    this.log.push("trailing");
    this.trailing = metadata;
  }
  closed(status: number, message: string): void {
    this.log.push("closed");
    this.status = status;
    this.text = message;
  }
}

function setUp(ports: number[], more: Parameters<typeof clusterOptions>[1] = {}, dial?: Dial) {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const cluster = new Cluster(clusterOptions(ports, more), {
    clock,
    wheel,
    random: seededRandom(1),
    registry: new MetricRegistry(),
    ...(dial === undefined ? {} : { dial }),
  });
  const port = createGrpc({ cluster: (name) => (name === "up" ? cluster : undefined), clock, wheel });
  const start = (changes: Partial<GrpcRequest> = {}): { call: GrpcCall; seen: Seen } => {
    const seen = new Seen();
    const request = { cluster: "up", path: "/test.Echo/Talk", metadata: [], timeoutMs: 0, ...changes };
    const call = port.start(request, seen);
    expect(seen.log).toEqual([]);
    return { call, seen };
  };
  const unary = async (message: Buffer, changes: Partial<GrpcRequest> = {}): Promise<Seen> => {
    const { call, seen } = start({ path: "/test.Echo/Say", timeoutMs: 1000, ...changes });
    expect(call.send(message)).toBe(true);
    call.close();
    await over(seen);
    return seen;
  };
  return {
    clock,
    wheel,
    cluster,
    port,
    start,
    unary,
    [Symbol.dispose]() {
      cluster.close();
      const [row] = cluster.status();
      expect(row?.active ?? 0).toBe(0);
    },
  };
}

const over = (seen: Seen): Promise<void> => until(() => seen.status !== null, `the end after ${seen.log.join()}`);

describe("with a gRPC server", () => {
  test("unary: metadata both ways, one connection for many calls", async () => {
    const got: unknown[] = [];
    await using server = await grpcServer({
      Say(call, done) {
        got.push(call.metadata.get("x-a"), call.getPath(), call.getHost());
        const initial = new Metadata();
        initial.add("x-i", "1");
        initial.add("x-i", "2");
        initial.add("x-bin", Buffer.from([0, 255]));
        call.sendMetadata(initial);
        const trailing = new Metadata();
        trailing.set("x-t", "3");
        done(null, Buffer.concat([Buffer.from("re "), call.request]), trailing);
      },
    });
    using grpc = setUp([server.port]);
    for (let round = 0; round < 3; round++) {
      const seen = await grpc.unary(Buffer.from("hi"), { metadata: ["x-a", "1", "x-a", "2"] });
      expect(seen.log).toEqual(["initial", "message", "trailing", "closed"]);
      expect(seen.initial).toEqual(expect.arrayContaining(["x-i", "1", "2", "x-bin", "AP8="]));
      expect(String(seen.messages[0])).toBe("re hi");
      expect(seen.trailing).toEqual(expect.arrayContaining(["x-t", "3"]));
      expect(seen.status).toBe(0);
    }
    expect(got.slice(0, 3)).toEqual([["1, 2"], "/test.Echo/Say", "up"]);
    expect(grpc.cluster.status()).toMatchObject([{ connections: 1, requests: 3, active: 0, failures: 0 }]);
  });

  test("an error: status and percent-decoded words as bytes", async () => {
    await using server = await grpcServer({
      Say: (_call, done) => done({ code: 5, details: "nicht gefunden: é 100%" }),
    });
    using grpc = setUp([server.port]);
    const seen = await grpc.unary(Buffer.alloc(0));
    expect(seen.status).toBe(5);
    expect(Buffer.from(seen.text, "latin1").toString()).toBe("nicht gefunden: é 100%");
    expect(seen.messages).toEqual([]);
  });

  test("a method that is not there is UNIMPLEMENTED, as trailers only: no initial metadata is seen", async () => {
    await using server = await grpcServer({});
    using grpc = setUp([server.port]);
    const seen = await grpc.unary(Buffer.alloc(0), { path: "/test.Echo/Nothing" });
    expect(seen.status).toBe(12);
    expect(seen.initial).toEqual([]);
    expect(seen.trailing).toEqual(expect.arrayContaining(["grpc-status", "12"]));
  });

  test("the deadline goes to the server and holds without it", async () => {
    let cancelled = 0;
    let deadlineMs = 0;
    await using server = await grpcServer({
      Say(call) {
        deadlineMs = Number(call.getDeadline()) - Date.now();
        call.on("cancelled", () => cancelled++);
      },
    });
    using grpc = setUp([server.port]);
    const { call, seen } = grpc.start({ path: "/test.Echo/Say", timeoutMs: 30_000 });
    call.send(Buffer.from("x"));
    call.close();
    await until(() => deadlineMs > 0, "the call");
    expect(deadlineMs).toBeLessThanOrEqual(30_000);
    expect(deadlineMs).toBeGreaterThan(20_000);
    grpc.clock.advance(30_050);
    expect([seen.status, seen.text]).toEqual([4, "the deadline has passed"]);
    await until(() => cancelled === 1, "the server to hear of it");
  });

  test("bidi: messages alternate, half-close ends it", async () => {
    await using server = await grpcServer({
      Talk(call: Duplex) {
        call.on("data", (message: Buffer) => call.write(Buffer.concat([message, Buffer.from("!")])));
        call.on("end", () => call.end());
      },
    });
    using grpc = setUp([server.port]);
    const { call, seen } = grpc.start();
    for (const word of ["a", "b", ""]) {
      const before = seen.messages.length;
      expect(call.send(Buffer.from(word))).toBe(true);
      await until(() => seen.messages.length > before, word);
    }
    call.close();
    await over(seen);
    expect(seen.messages.map(String)).toEqual(["a!", "b!", "!"]);
    expect(seen.log).toEqual(["initial", "message", "message", "message", "trailing", "closed"]);
  });

  test("messages of 1 MiB go and come, 16 at a time", async () => {
    await using server = await grpcServer({ Say: (call, done) => done(null, call.request) });
    using grpc = setUp([server.port]);
    const big = Buffer.alloc(1024 * 1024, "0123456789");
    const all = await Promise.all(Array.from({ length: 16 }, () => grpc.unary(big)));
    for (const seen of all) expect([seen.status, seen.messages[0]?.equals(big)]).toEqual([0, true]);
  });

  test("a message that is too large ends the call with RESOURCE_EXHAUSTED", async () => {
    await using server = await grpcServer({ Say: (_call, done) => done(null, Buffer.alloc(1024 * 1024 + 1)) });
    using grpc = setUp([server.port]);
    const seen = await grpc.unary(Buffer.alloc(0));
    expect([seen.status, seen.text]).toEqual([8, "a message of more than 1048576 bytes"]);
  });

  test("10 000 messages in a burst come in order, and time is left for others between them", async () => {
    await using server = await grpcServer({
      Pour(call) {
        for (let at = 0; at < 10_000; at++) call.write(Buffer.from(String(at)));
        call.end();
      },
    });
    using grpc = setUp([server.port]);
    const { call, seen } = grpc.start({ path: "/test.Echo/Pour" });
    let turn = 0;
    const turns = new Map<number, number>();
    let running = true;
    const tick = (): void => {
      turn++;
      if (running) setImmediate(tick);
    };
    tick();
    seen.onMessage = () => turns.set(turn, (turns.get(turn) ?? 0) + 1);
    call.send(Buffer.alloc(0));
    call.close();
    await over(seen);
    running = false;
    expect(seen.messages.map(String)).toEqual(Array.from({ length: 10_000 }, (_, at) => String(at)));
    expect(seen.status).toBe(0);
    expect(Math.max(...turns.values())).toBeLessThanOrEqual(64 * 3);
  });

  test("a slow reader is not overrun: further messages are refused until it reads", async () => {
    let peer: Duplex | null = null;
    let got = 0;
    await using server = await grpcServer({
      Talk(call: Duplex) {
        peer = call;
      },
    });
    using grpc = setUp([server.port]);
    const { call, seen } = grpc.start();
    const piece = Buffer.alloc(256 * 1024);
    let taken = 0;
    await until(() => {
      const isTaken = call.send(piece);
      if (isTaken) taken++;
      return !isTaken;
    }, "a refusal");
    expect(taken).toBeLessThan(32);
    await until(() => peer !== null, "the call");
    const reader = peer as unknown as Duplex;
    reader.on("data", () => got++).on("end", () => reader.end());
    await until(() => call.send(piece), "room again");
    call.close();
    await over(seen);
    expect([got, seen.status]).toEqual([taken + 1, 0]);
  });

  test("a cancelled call reports nothing, and the server hears of it", async () => {
    let cancelled = 0;
    await using server = await grpcServer({
      Talk(call: Duplex) {
        call.write(Buffer.from("1"));
        call.on("cancelled", () => cancelled++);
      },
    });
    using grpc = setUp([server.port]);
    const early = grpc.start();
    early.call.cancel();
    const { call, seen } = grpc.start();
    await until(() => seen.messages.length === 1, "a message");
    call.cancel();
    expect(call.send(Buffer.from("x"))).toBe(true);
    call.close();
    await until(() => cancelled >= 1, "the cancel at the server");
    expect([early.seen.log, seen.log]).toEqual([[], ["initial", "message"]]);
    await until(() => grpc.cluster.status()[0]?.active === 0, "no active call");
  });

  test("a server killed in mid-stream is UNAVAILABLE, and the next call dials anew", async () => {
    const server = await grpcServer({ Talk: (call: Duplex) => void call.write(Buffer.from("1")) });
    using grpc = setUp([server.port]);
    const { seen } = grpc.start();
    await until(() => seen.messages.length === 1, "a message");
    server.server.forceShutdown();
    await over(seen);
    expect(seen.status).toBe(14);
    expect(seen.log.at(-1)).toBe("closed");
    await using again = await grpcServer({ Say: (call, done) => done(null, call.request) }, server.port);
    expect((await grpc.unary(Buffer.from("x"))).status).toBe(0);
    expect(again.port).toBe(server.port);
  });

  test("GOAWAY: running calls end well on the old connection, new ones go to a new connection", async () => {
    let peer: Duplex | null = null;
    await using server = await grpcServer({
      Talk: (call: Duplex) => {
        peer = call;
        call.write(Buffer.from("1"));
      },
      Say: (call, done) => done(null, call.request),
    });
    using grpc = setUp([server.port]);
    const { call, seen } = grpc.start();
    await until(() => seen.messages.length === 1, "a message");
    server.server.drain(`127.0.0.1:${server.port}`, 60_000);
    // Whether it meets the GOAWAY on its way or comes after it: it is answered.
    const unary = await Promise.all([grpc.unary(Buffer.from("x")), grpc.unary(Buffer.from("y"))]);
    expect(unary.map(({ status }) => status)).toEqual([0, 0]);
    expect((await grpc.unary(Buffer.from("x"))).status).toBe(0);
    expect(grpc.cluster.status()).toMatchObject([{ connections: 2 }]);
    (peer as unknown as Duplex).write(Buffer.from("2"));
    await until(() => seen.messages.length === 2, "the second message");
    (peer as unknown as Duplex).end();
    call.close();
    await over(seen);
    expect(seen.status).toBe(0);
  });

  test("an idle connection closes after the cluster's idle timeout, one in use does not", async () => {
    await using server = await grpcServer({
      Say: (call, done) => done(null, call.request),
      Talk: (call: Duplex) => void call.write(Buffer.from("1")),
    });
    using grpc = setUp([server.port], { idleTimeoutMs: 1000 });
    const { call, seen } = grpc.start();
    await until(() => seen.messages.length === 1, "a message");
    grpc.clock.advance(5000);
    expect((await grpc.unary(Buffer.from("x"))).status).toBe(0);
    expect(grpc.cluster.status()).toMatchObject([{ connections: 1 }]);
    call.cancel();
    await until(() => grpc.cluster.status()[0]?.active === 0, "no active call");
    grpc.clock.advance(1100);
    await until(() => grpc.cluster.status()[0]?.connections === 0, "the connection to go");
    expect(grpc.wheel.size).toBe(0);
  });

  test("when the cluster closes, streams end UNAVAILABLE, calls with a deadline finish, and the connection goes", async () => {
    let answer: (() => void) | null = null;
    await using server = await grpcServer({
      Say: (call, done) => void (answer = () => done(null, call.request)),
      Talk: (call: Duplex) => void call.write(Buffer.from("1")),
    });
    using grpc = setUp([server.port]);
    const { seen } = grpc.start();
    const pending = grpc.unary(Buffer.from("x"));
    await until(() => seen.messages.length === 1 && answer !== null, "both");
    grpc.cluster.close();
    await over(seen);
    expect([seen.status, seen.text]).toEqual([14, "cluster up was changed or removed"]);
    (answer as unknown as () => void)();
    expect((await pending).status).toBe(0);
    await until(() => grpc.cluster.status()[0]?.connections === 0, "the connection to go");
    expect((await grpc.unary(Buffer.alloc(0))).status).toBe(14);
  });

  test("calls are spread over the endpoints", async () => {
    await using one = await grpcServer({ Say: (_call, done) => done(null, Buffer.from("1")) });
    await using two = await grpcServer({ Say: (_call, done) => done(null, Buffer.from("2")) });
    using grpc = setUp([one.port, two.port]);
    const answers: string[] = [];
    for (let round = 0; round < 4; round++) answers.push(String((await grpc.unary(Buffer.alloc(0))).messages[0]));
    expect(answers.sort()).toEqual(["1", "1", "2", "2"]);
  });
});

describe("without an answer", () => {
  test("nobody listens: UNAVAILABLE, and what was waiting goes too", async () => {
    using grpc = setUp([1]);
    const [one, two] = [grpc.unary(Buffer.from("x")), grpc.unary(Buffer.from("y"))];
    expect(await one).toMatchObject({ status: 14, log: ["closed"] });
    expect((await one).text).toMatch(/^connecting to 127.0.0.1:1 failed: connect ECONNREFUSED/);
    expect((await two).status).toBe(14);
    expect(grpc.cluster.status()).toMatchObject([{ connections: 0, active: 0, failures: 1 }]);
    expect(grpc.wheel.size).toBe(0);
  });

  test("an HTTP request that dials the same endpoint meanwhile hears of its own failure", async () => {
    const silent = createServer((socket) => void socket.on("error", () => {}).resume());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    {
      using grpc = setUp([(silent.address() as AddressInfo).port], {}, (_target, events) => {
        setImmediate(() => events.closed(new Error("refused")));
        return { write: () => true, cork() {}, uncork() {}, pause() {}, resume() {}, destroy() {} };
      });
      const { call } = grpc.start();
      const refused: string[] = [];
      grpc.cluster.acquire({ connectionReady: () => {}, connectionRefused: (code) => refused.push(code) });
      await until(() => refused.length === 1, "the refusal");
      expect(refused).toEqual(["upstream_connect_failure"]);
      call.cancel();
      await until(() => grpc.cluster.status()[0]?.active === 0, "no active call");
    }
    await new Promise((resolve) => silent.close(resolve));
  });

  test("no endpoint and no cluster: UNAVAILABLE, after the start", async () => {
    using grpc = setUp([]);
    expect((await grpc.unary(Buffer.alloc(0))).status).toBe(14);
    expect((await grpc.unary(Buffer.alloc(0), { cluster: "none" })).status).toBe(14);
    expect([grpc.port.hasCluster("up"), grpc.port.hasCluster("none")]).toEqual([true, false]);
  });

  test("a peer that accepts and says nothing: connect timeout", async () => {
    const silent = createServer((socket) => void socket.on("error", () => {}).resume());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    using grpc = setUp([(silent.address() as AddressInfo).port], { connectTimeoutMs: 500 });
    const { seen } = grpc.start();
    await until(() => grpc.cluster.status()[0]?.connections === 1, "the dial");
    grpc.clock.advance(600);
    await over(seen);
    expect([seen.status, seen.text]).toEqual([14, expect.stringMatching(/failed: timeout$/)]);
    await new Promise((resolve) => silent.close(resolve));
  });

  test.each([
    ["HTTP/1.1", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["noise", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"],
  ])("a peer that speaks %s: UNAVAILABLE", async (_, bytes) => {
    const peer = createServer(
      (socket) =>
        void socket
          .on("error", () => {})
          .resume()
          .end(bytes),
    );
    await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
    using grpc = setUp([(peer.address() as AddressInfo).port]);
    expect((await grpc.unary(Buffer.from("x"))).status).toBe(14);
    await until(() => grpc.cluster.status()[0]?.connections === 0, "the connection to go");
    await new Promise((resolve) => peer.close(resolve));
  });
});

describe("with a peer that is no gRPC server", () => {
  const HEAD = { ":status": 200, "content-type": "application/grpc" };
  const frame = (text: string, flag = 0): Buffer => {
    const bytes = Buffer.from(`.....${text}`);
    bytes[0] = flag;
    bytes.writeUInt32BE(text.length, 1);
    return bytes;
  };
  async function against(raw: RawServer, handler: Parameters<typeof raw.server.on>[1]): Promise<Seen> {
    raw.server.on("stream", handler as never);
    using grpc = setUp([raw.port]);
    return await grpc.unary(Buffer.from("x"));
  }
  type Stream = import("node:http2").ServerHttp2Stream;

  test.each([
    [400, 13],
    [401, 16],
    [403, 7],
    [404, 12],
    [429, 14],
    [502, 14],
    [503, 14],
    [504, 14],
    [500, 2],
    [200, 2],
  ])("HTTP %i without gRPC is status %i", async (http, status) => {
    await using raw = await rawHttp2();
    const seen = await against(raw, (stream: Stream) => {
      stream.respond({ ":status": http, "content-type": "text/html" });
      stream.end("<html>");
    });
    expect([seen.status, seen.text]).toEqual([status, `HTTP status ${http}`]);
  });

  test("grpc-status counts more than the HTTP status", async () => {
    await using raw = await rawHttp2();
    const seen = await against(raw, (stream: Stream) =>
      stream.respond({ ":status": 503, "grpc-status": "7", "grpc-message": "no%20way%zz" }, { endStream: true }),
    );
    expect([seen.status, seen.text, seen.initial]).toEqual([7, "no way%zz", []]);
  });

  test.each([
    ["without grpc-status", {}, 2],
    ["with a status that is no number", { "grpc-status": "ok" }, 2],
    ["with a status that is none", { "grpc-status": "17" }, 2],
  ])("trailers %s are UNKNOWN", async (_, trailers, status) => {
    await using raw = await rawHttp2();
    const seen = await against(raw, (stream: Stream) => {
      stream.respond(HEAD, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-a": "1", ...trailers }));
      stream.end(frame("m"));
    });
    expect([seen.status, seen.log]).toEqual([status, ["initial", "message", "trailing", "closed"]]);
  });

  test.each([
    ["no trailers", [frame("m")], 2, 1],
    ["half a message", [frame("whole"), frame("half").subarray(0, 7)], 13, 1],
    ["a compressed message", [frame("m", 1)], 13, 0],
    ["a length it does not send", [Buffer.from([0, 255, 255, 255, 255])], 8, 0],
  ])("%s", async (_, frames, status, messages) => {
    await using raw = await rawHttp2();
    const seen = await against(raw, (stream: Stream) => {
      stream.respond(HEAD);
      stream.end(Buffer.concat(frames));
    });
    expect([seen.status, seen.messages.length]).toEqual([status, messages]);
  });

  test("frames split into single bytes and joined ones are the same messages", async () => {
    await using raw = await rawHttp2();
    const seen = await against(raw, (stream: Stream) => {
      stream.respond(HEAD, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      for (const byte of frame("one")) stream.write(Buffer.from([byte]));
      stream.end(Buffer.concat([frame("two"), frame(""), frame("three")]));
    });
    expect([seen.status, seen.messages.map(String)]).toEqual([0, ["one", "two", "", "three"]]);
  });

  test.each([
    ["REFUSED_STREAM", constants.NGHTTP2_REFUSED_STREAM, 14],
    ["ENHANCE_YOUR_CALM", constants.NGHTTP2_ENHANCE_YOUR_CALM, 8],
    ["INADEQUATE_SECURITY", constants.NGHTTP2_INADEQUATE_SECURITY, 7],
    ["INTERNAL_ERROR", constants.NGHTTP2_INTERNAL_ERROR, 13],
    ["PROTOCOL_ERROR", constants.NGHTTP2_PROTOCOL_ERROR, 13],
  ])("a reset with %s", async (_, code, status) => {
    await using raw = await rawHttp2();
    const seen = await against(raw, (stream: Stream) => {
      stream.respond(HEAD);
      stream.close(code);
    });
    expect(seen.status).toBe(status);
    using grpc = setUp([raw.port]);
    const open = grpc.start();
    await over(open.seen);
    expect(open.seen.status).toBe(status);
    await until(() => grpc.cluster.status()[0]?.active === 0, "no active call");
  });

  // A server of node:http2 ends the stream before it cancels it; these are the frames themselves (RFC 9113 6.4, 6.5).
  test.each([
    [8, 1],
    [7, 14],
    [0, 13],
    [13, 2],
    [99, 13],
  ])("a RST_STREAM with code %i on the wire is status %i", async (code, status) => {
    const settings = Buffer.from("000000040000000000", "hex");
    const peer = createServer((socket) => {
      socket.on("error", () => {});
      socket.write(settings);
      let stream = 1;
      socket.on("data", (bytes: Buffer) => {
        // HEADERS of a new stream: answered with its reset.
        for (
          let at = bytes.indexOf("PRI * ") === 0 ? 24 : 0;
          at + 9 <= bytes.length;
          at += 9 + bytes.readUIntBE(at, 3)
        ) {
          if (bytes[at + 3] !== 1) continue;
          const reset = Buffer.from("000004030000000000", "hex");
          reset.writeUInt32BE(stream, 5);
          stream += 2;
          socket.write(Buffer.concat([reset, Buffer.from([0, 0, 0, code])]));
        }
      });
    });
    await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
    {
      using grpc = setUp([(peer.address() as AddressInfo).port]);
      expect((await grpc.unary(Buffer.from("x"))).status).toBe(status);
      const open = grpc.start();
      await over(open.seen);
      expect(open.seen.status).toBe(status);
      await until(() => grpc.cluster.status()[0]?.active === 0, "no active call");
    }
    await new Promise((resolve) => peer.close(resolve));
  });

  test("a reset instead of an answer, and a GOAWAY with an error", async () => {
    await using raw = await rawHttp2();
    const refused = await against(raw, (stream: Stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    expect([refused.status, refused.log]).toEqual([14, ["closed"]]);
    raw.server.removeAllListeners("stream");
    const goaway = await against(raw, (stream: Stream) => {
      stream.on("error", () => {});
      stream.session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    });
    expect(goaway.status).toBe(14);
  });

  test("a whole answer although the request is not read: the call is over, and nothing stays open", async () => {
    await using raw = await rawHttp2();
    raw.server.on("stream", (stream: Stream) => {
      stream.pause();
      stream.respond(HEAD, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(frame("m"));
    });
    using grpc = setUp([raw.port]);
    const seen = await grpc.unary(Buffer.alloc(1024 * 1024));
    expect([seen.status, seen.messages.length]).toEqual([0, 1]);
    await until(() => grpc.cluster.status()[0]?.active === 0, "no active call");
  });

  test("an answer whose last bytes and the end of the connection come together is whole", async () => {
    await using raw = await rawHttp2();
    raw.server.on("stream", (stream: Stream) => {
      stream.resume();
      stream.respond(HEAD, { waitForTrailers: true });
      stream.on("wantTrailers", () => {
        stream.sendTrailers({ "grpc-status": "0" });
        stream.session?.close();
      });
      stream.end(frame("m".repeat(10_000)));
    });
    using grpc = setUp([raw.port]);
    for (let round = 0; round < 20; round++) expect((await grpc.unary(Buffer.from("x"))).status).toBe(0);
  });

  test("calls beyond the streams a peer allows wait for their turn, and can be cancelled while they wait", async () => {
    await using raw = await rawHttp2();
    raw.server.on("session", (session) => session.settings({ maxConcurrentStreams: 1 }));
    const open: Stream[] = [];
    raw.server.on("stream", (stream: Stream) => {
      open.push(stream);
      stream.resume();
      stream.respond(HEAD, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    });
    using grpc = setUp([raw.port]);
    const first = grpc.start();
    await until(() => open.length === 1, "the first stream");
    const second = grpc.start();
    const third = grpc.start();
    second.call.cancel();
    open[0]?.end();
    first.call.close();
    await over(first.seen);
    await until(() => open.length === 2, "the next stream");
    open[1]?.end(frame("m"));
    third.call.close();
    await over(third.seen);
    expect([first.seen.status, second.seen.log, third.seen.status]).toEqual([0, [], 0]);
    await until(() => grpc.cluster.status()[0]?.active === 0, "no active call");
  });
});
