// The gRPC calls of a plugin context: ids, limits, what is readable when, and that nothing nests or comes late.
import { describe, expect, test } from "vitest";
import * as status from "../../../sdk/assembly/abi/status.ts";
import { GrpcCalls } from "../../../host/plugin/grpc-calls.ts";
import type { GrpcEvents, GrpcRequest } from "../../../host/plugin/grpc-port.ts";
import type { GuestGrpcCall } from "../../../host/vm/ports.ts";
import { DEFAULT_LIMITS } from "../../../host/plugin/defaults.ts";
import type { Vm } from "../../../host/vm/vm.ts";

const INITIAL = 4;
const TRAILING = 5;
const MESSAGE = 5;

function setUp(allowed: readonly string[] | null = null) {
  const log: string[] = [];
  const started: { request: GrpcRequest; events: GrpcEvents; sent: string[]; state: string }[] = [];
  const deferred: (() => void)[] = [];
  let ids = 0;
  const callback = (name: string) => ({ name, run: () => undefined });
  const vm = {
    running: false,
    callbacks: {
      onGrpcInitialMetadata: callback("initial"),
      onGrpcMessage: callback("message"),
      onGrpcTrailingMetadata: callback("trailing"),
      onGrpcClose: callback("close"),
    },
    refuse: (answer: number) => answer,
    overLimit: (_limit: string, answer: number) => answer,
    nextCallId: (kind: number) => ++ids * 4 + kind,
    defer: (effect: () => void) => (vm.running ? void deferred.push(effect) : effect()),
    settle: () => {
      for (const effect of deferred.splice(0)) effect();
    },
  };
  let inside: (name: string, id: number) => void = () => {};
  const calls: GrpcCalls = new GrpcCalls({
    allowed,
    limits: DEFAULT_LIMITS,
    vm: vm as unknown as Vm,
    port: {
      hasCluster: (name) => name === "auth",
      start(request, events) {
        const one = { request, events, sent: [] as string[], state: "open" };
        started.push(one);
        return {
          send: (message) => message.length < 1000 && one.sent.push(String(message)) > 0,
          close: () => (one.state = "closed"),
          cancel: () => (one.state = "cancelled"),
        };
      },
    },
    run(callback, id, value) {
      log.push(`${callback.name} ${id} ${value}`);
      inside(callback.name, id);
    },
  });
  const call = (more: Partial<GuestGrpcCall> = {}): GuestGrpcCall => ({
    upstream: "auth",
    service: "a.B",
    method: "C",
    metadata: [],
    message: null,
    timeoutMs: 0,
    ...more,
  });
  return {
    vm,
    calls,
    log,
    started,
    deferred,
    call,
    whenInside: (look: typeof inside) => (inside = look),
  };
}

describe("starting", () => {
  test("a call has kind 1, a message, an end and a deadline; a stream has kind 2 and none of them", () => {
    const { calls, started, call } = setUp();
    expect(calls.start(call({ message: Buffer.from("m") }), 2)).toBe(5);
    expect(calls.start(call(), 2)).toBe(10);
    expect(started.map(({ request, sent, state }) => [request.path, request.timeoutMs, sent, state])).toEqual([
      ["/a.B/C", 15_000, ["m"], "closed"],
      ["/a.B/C", 0, [], "open"],
    ]);
  });

  test("the upstream may be a GrpcService; the allow-list looks at the cluster in it", () => {
    const service = Buffer.from("0a060a0461757468", "hex").latin1Slice();
    const { calls, started, call } = setUp();
    expect(calls.start(call({ upstream: service }), 1)).toBeGreaterThan(0);
    expect(started[0]?.request.cluster).toBe("auth");
    const denied = setUp(["other"]);
    expect(denied.calls.start(call({ upstream: service }), 1)).toBe(-status.PARSE_FAILURE);
    expect(denied.calls.start(call(), 1)).toBe(-status.PARSE_FAILURE);
    expect(setUp(["auth"]).calls.start(call({ upstream: service }), 1)).toBeGreaterThan(0);
  });

  test("64 of one stream, 256 of all", () => {
    const { calls, call } = setUp();
    for (let context = 1; context <= 4; context++) {
      for (let at = 0; at < 64; at++) expect(calls.start(call(), context)).toBeGreaterThan(0);
      if (context < 4) expect(calls.start(call(), context)).toBe(-status.INTERNAL_FAILURE);
    }
    expect(calls.start(call(), 5)).toBe(-status.INTERNAL_FAILURE);
    expect(calls.inFlight).toBe(256);
    calls.cancel(6);
    expect(calls.start(call(), 5)).toBeGreaterThan(0);
  });
});

describe("answers", () => {
  test("each thing is readable in its own callback and nowhere else", () => {
    const { calls, started, call, log, whenInside } = setUp();
    const seen: unknown[] = [];
    const look = (): unknown[] => [
      calls.headers(INITIAL),
      calls.headers(TRAILING),
      calls.message(MESSAGE)?.toString() ?? null,
      calls.status(),
    ];
    whenInside(() => seen.push(look()));
    calls.start(call(), 1);
    const events = started[0]!.events;
    events.initialMetadata(["a", "1"]);
    events.message(Buffer.from("m"));
    events.trailingMetadata(["b", "2", "c", "3"]);
    events.closed(5, "gone");
    expect(log).toEqual(["initial 6 1", "message 6 1", "trailing 6 2", "close 6 5"]);
    expect(seen).toEqual([
      [["a", "1"], null, null, null],
      [null, null, "m", null],
      [null, ["b", "2", "c", "3"], null, null],
      [null, null, null, { code: 5, message: "gone" }],
    ]);
    expect(look()).toEqual([null, null, null, null]);
  });

  test("what comes while a callback runs waits for its end", () => {
    const { calls, started, call, log, vm } = setUp();
    vm.running = true;
    calls.start(call(), 1);
    started[0]?.events.closed(14, "");
    expect(log).toEqual([]);
    vm.running = false;
    vm.settle();
    expect(log).toEqual(["close 6 14"]);
  });

  test("the window is closed before what the callback asked for is done", () => {
    const { calls, started, call, vm, deferred, whenInside } = setUp();
    let after: unknown = "not run";
    whenInside(() => deferred.push(() => (after = calls.message(MESSAGE))));
    calls.start(call(), 1);
    started[0]?.events.message(Buffer.from("m"));
    expect(after).toBeNull();
    expect(vm.running).toBe(false);
  });

  test("after a cancel, and after the end of the context, answers are dropped", () => {
    const { calls, started, call, log } = setUp();
    const id = calls.start(call(), 1);
    expect(calls.cancel(id)).toBe(status.OK);
    expect(calls.cancel(id)).toBe(status.NOT_FOUND);
    calls.start(call(), 1);
    calls.end();
    for (const { events } of started) events.closed(0, "");
    expect(log).toEqual([]);
    expect(started.map(({ state }) => state)).toEqual(["cancelled", "cancelled"]);
    expect(calls.start(call(), 1)).toBe(-status.INTERNAL_FAILURE);
    expect(calls.inFlight).toBe(0);
  });
});

describe("sending", () => {
  test("after a half-close, too large, or too much waiting: BAD_ARGUMENT; unknown: NOT_FOUND", () => {
    const { calls, started, call } = setUp();
    const id = calls.start(call(), 1);
    expect(calls.send(id, Buffer.from("a"), false)).toBe(status.OK);
    expect(calls.send(id, Buffer.alloc(1024 * 1024 + 1), false)).toBe(status.BAD_ARGUMENT);
    expect(calls.send(id, Buffer.alloc(5000), true)).toBe(status.BAD_ARGUMENT);
    expect(started[0]?.state).toBe("open");
    expect(calls.send(id, Buffer.from("b"), true)).toBe(status.OK);
    expect(started[0]).toMatchObject({ sent: ["a", "b"], state: "closed" });
    expect(calls.send(id, Buffer.from("c"), false)).toBe(status.BAD_ARGUMENT);
    expect(calls.close(id)).toBe(status.OK);
    expect(calls.send(402, Buffer.from("c"), false)).toBe(status.NOT_FOUND);
    expect(calls.close(402)).toBe(status.NOT_FOUND);
  });

  test("closing a unary call cancels it", () => {
    const { calls, started, call } = setUp();
    const id = calls.start(call({ message: Buffer.alloc(0) }), 1);
    expect(calls.close(id)).toBe(status.OK);
    expect(started[0]?.state).toBe("cancelled");
    expect(calls.inFlight).toBe(0);
  });
});
