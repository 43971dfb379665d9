// The host functions for gRPC: statuses, the order of checks, and that a bad address sends nothing (abi.md 5, 5.5).
import { beforeEach, describe, expect, test } from "vitest";
import * as status from "../../../sdk/assembly/abi/status.ts";
import { encodePairs } from "../../../host/abi/pairs.ts";
import { grpcCalls } from "../../../host/vm/env-grpc.ts";
import type { Guest } from "../../../host/vm/guest.ts";
import { GuestMemory } from "../../../host/vm/memory.ts";
import type { GuestGrpcCall } from "../../../host/vm/ports.ts";

const OUT = 0;
const OUTSIDE = 0xffff0000;
type Call = (...args: number[]) => number;

let calls: [string, ...unknown[]][];
let answer: number;
let memory: GuestMemory;
let at: number;
let functions: Record<string, Call>;

function put(bytes: string | Buffer): [number, number] {
  const place = at;
  const content = Buffer.from(bytes as string);
  memory.setBytes(place, content);
  at += content.length;
  return [place, content.length];
}

beforeEach(() => {
  calls = [];
  answer = 5;
  at = 64;
  memory = new GuestMemory();
  memory.attach(new WebAssembly.Memory({ initial: 1 }), () => 0);
  const note =
    (name: string, result: () => number) =>
    (...args: unknown[]): number => {
      calls.push([name, ...args]);
      return result();
    };
  const grpc = {
    start: note("start", () => answer),
    send: note("send", () => status.OK),
    cancel: note("cancel", () => status.OK),
    close: note("close", () => status.OK),
  };
  const guest = { memory, context: { id: 7, grpc }, refuse: (code: number) => code } as unknown as Guest;
  functions = grpcCalls(guest) as unknown as Record<string, Call>;
});

const run = (name: string, ...args: number[]): number => (functions[name] as Call)(...args);
const target = (): number[] => [...put("auth"), ...put("a.B"), ...put("C")];

describe("proxy_grpc_call and proxy_grpc_stream", () => {
  test("all arguments arrive, and the id is written", () => {
    const metadata = put(encodePairs(["x-a", "1"]));
    answer = 9;
    expect(run("proxy_grpc_call", ...target(), ...metadata, ...put("msg"), 250, OUT)).toBe(status.OK);
    expect(memory.u32(OUT)).toBe(9);
    const call: GuestGrpcCall = {
      upstream: "auth",
      service: "a.B",
      method: "C",
      metadata: ["x-a", "1"],
      message: Buffer.from("msg"),
      timeoutMs: 250,
    };
    expect(calls).toEqual([["start", call, 7]]);
    answer = 14;
    expect(run("proxy_grpc_stream", ...target(), 0, 0, OUT)).toBe(status.OK);
    expect(calls[1]).toEqual(["start", { ...call, metadata: [], message: null, timeoutMs: 0 }, 7]);
    expect(memory.u32(OUT)).toBe(14);
  });

  test("a refusal gives its status and leaves the id 0", () => {
    answer = -status.PARSE_FAILURE;
    memory.setU32(OUT, 77);
    expect(run("proxy_grpc_stream", ...target(), 0, 0, OUT)).toBe(status.PARSE_FAILURE);
    expect(memory.u32(OUT)).toBe(0);
  });

  test("a timeout is unsigned", () => {
    run("proxy_grpc_call", ...target(), 0, 0, 0, 0, -1, OUT);
    expect((calls[0]![1] as GuestGrpcCall).timeoutMs).toBe(0xffffffff);
  });

  test.each([0, 2, 4, 6, 8])("argument %i outside memory sends nothing", (place) => {
    const args = [...target(), ...put(encodePairs(["a", "b"])), ...put("msg"), 0, OUT];
    args[place] = OUTSIDE;
    expect(run("proxy_grpc_call", ...args)).toBe(status.INVALID_MEMORY_ACCESS);
    if (place < 8) {
      const stream = [...args.slice(0, 8), OUT];
      expect(run("proxy_grpc_stream", ...stream)).toBe(status.INVALID_MEMORY_ACCESS);
    }
    expect(calls).toEqual([]);
  });

  test("an address for the id outside memory sends nothing", () => {
    expect(run("proxy_grpc_call", ...target(), 0, 0, 0, 0, 0, OUTSIDE)).toBe(status.INVALID_MEMORY_ACCESS);
    expect(run("proxy_grpc_stream", ...target(), 0, 0, OUTSIDE)).toBe(status.INVALID_MEMORY_ACCESS);
    expect(calls).toEqual([]);
  });

  test("metadata that is no pairs is PARSE_FAILURE", () => {
    expect(run("proxy_grpc_stream", ...target(), ...put("\u0001\0\0\0"), OUT)).toBe(status.PARSE_FAILURE);
    expect(calls).toEqual([]);
  });
});

describe("proxy_grpc_send, _cancel and _close", () => {
  test("only streams take messages, only gRPC ids are cancelled or closed", () => {
    for (const id of [4, 5, 7]) expect(run("proxy_grpc_send", id, 0, 0, 0)).toBe(status.BAD_ARGUMENT);
    for (const id of [4, 7]) {
      expect(run("proxy_grpc_cancel", id)).toBe(status.BAD_ARGUMENT);
      expect(run("proxy_grpc_close", id)).toBe(status.BAD_ARGUMENT);
    }
    expect(calls).toEqual([]);
    run("proxy_grpc_send", 6, ...put("m"), 1);
    run("proxy_grpc_cancel", 5);
    run("proxy_grpc_close", 6);
    expect(calls).toEqual([
      ["send", 6, Buffer.from("m"), true],
      ["cancel", 5],
      ["close", 6],
    ]);
  });

  test("the kind of id comes before the address, the address before the id", () => {
    expect(run("proxy_grpc_send", 5, OUTSIDE, 9, 0)).toBe(status.BAD_ARGUMENT);
    expect(run("proxy_grpc_send", 6, OUTSIDE, 9, 0)).toBe(status.INVALID_MEMORY_ACCESS);
    expect(calls).toEqual([]);
  });
});
