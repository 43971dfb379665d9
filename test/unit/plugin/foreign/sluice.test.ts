// The `sluice.*` set: arguments, results and statuses of abi.md 11.2.
import { beforeEach, describe, expect, test } from "vitest";
import { FEATURES } from "../../../../host/plugin/foreign/table.ts";
import * as status from "../../../../sdk/assembly/abi/status.ts";
import { readPairs, writePairs, type Pairs } from "../../../support/guest-kit.ts";
import { Caller, whyNot } from "./support.ts";

let caller: Caller;
beforeEach(() => {
  caller = new Caller();
});
const pairsOf = (bytes: Uint8Array): Pairs => readPairs(Buffer.from(bytes));

test("sluice.features names every function there is, and only those", () => {
  expect(pairsOf(caller.call("sluice.features").bytes)).toEqual(Object.entries(FEATURES));
  expect(Object.keys(FEATURES)).toEqual(
    expect.arrayContaining(["sign", "sluice.endpoints", "sluice.explain", "sluice.route_set", "sluice.verify_jws"]),
  );
  for (const name of Object.keys(FEATURES)) expect(caller.call(name).status).not.toBe(status.UNIMPLEMENTED);
});

test("sluice.explain gives the newest refusal, and nothing when nobody looks", () => {
  caller.refusal = "because";
  expect(Buffer.from(caller.call("sluice.explain").bytes).toString()).toBe("because");
  caller.debugging = false;
  expect(caller.call("sluice.explain")).toMatchObject({ status: status.OK, bytes: Buffer.alloc(0) });
});

describe("sluice.route_set", () => {
  const set = (pairs: Pairs) => caller.call("sluice.route_set", writePairs(pairs));

  test("collects what the router executes, the last writer winning", () => {
    const all: Pairs = [
      ["cluster", "blue"],
      ["timeouts.route", "1500ms"],
      ["timeouts.idle", "2s"],
      ["hostRewrite", "b.test:81"],
      ["pathRewrite", "/b?x=1"],
      ["tags.tier", "gold"],
      ["timeouts.perTry", "250ms"],
      ["retry.on", "5xx, reset"],
      ["retry.max", "3"],
      ["retry.backoff", "10ms"],
      ["retry.statusCodes", "404,429"],
      ["overrideHost.addr", "[::1]:80"],
      ["overrideHost.strict", "true"],
    ];
    expect(set(all).status).toBe(status.OK);
    caller.stream.author = "g@v2";
    expect(
      set([
        ["cluster", "green"],
        ["tags.more", "1"],
        ["retry.max", "2"],
      ]).status,
    ).toBe(status.OK);
    expect(caller.stream.notes.decision).toEqual({
      cluster: "green",
      routeTimeoutMs: 1500,
      idleTimeoutMs: 2000,
      hostRewrite: "b.test:81",
      pathRewrite: "/b?x=1",
      tags: { tier: "gold", more: "1" },
      perTryTimeoutMs: 250,
      retry: { on: ["5xx", "reset"], max: 2, backoff: { base: 10, most: 100 }, statusCodes: [404, 429] },
      overrideAddr: "[::1]:80",
      overrideStrict: true,
      by: {
        cluster: "g@v2",
        "timeouts.route": "f@v1",
        "timeouts.idle": "f@v1",
        hostRewrite: "f@v1",
        pathRewrite: "f@v1",
        "tags.tier": "f@v1",
        "timeouts.perTry": "f@v1",
        "retry.on": "f@v1",
        "retry.max": "g@v2",
        "retry.backoff": "f@v1",
        "retry.statusCodes": "f@v1",
        "overrideHost.addr": "f@v1",
        "overrideHost.strict": "f@v1",
        "tags.more": "g@v2",
      },
    });
  });

  test.each([
    ["no_such", "x", "there is no field no_such"],
    ["toString", "x", "there is no field toString"],
    ["tags.", "x", "there is no field tags."],
    ["cluster", "", "the value given for cluster is not valid"],
    ["timeouts.route", "soon", "the value given for timeouts.route is not valid"],
    ["timeouts.route", "100", "the value given for timeouts.route is not valid"],
    ["hostRewrite", "a b", "the value given for hostRewrite is not valid"],
    ["hostRewrite", "a\r\nx: y", "the value given for hostRewrite is not valid"],
    ["pathRewrite", "no-slash", "the value given for pathRewrite is not valid"],
    ["retry.on", "5xx,never", "the value given for retry.on is not valid"],
    ["retry.max", "11", "the value given for retry.max is not valid"],
    ["retry.max", "-1", "the value given for retry.max is not valid"],
    ["retry.backoff", "25", "the value given for retry.backoff is not valid"],
    ["retry.backoff", "1s,25ms", "the value given for retry.backoff is not valid"],
    ["retry.backoff", "1s,2s,3s", "the value given for retry.backoff is not valid"],
    ["retry.statusCodes", "503,x", "the value given for retry.statusCodes is not valid"],
    ["retry.perTryIdle", "1s", "this host's router does not do retry.perTryIdle"],
    ["subset.version", "v2", "this host's router does not do subset.version"],
    ["overrideHost.addr", "a", "the value given for overrideHost.addr is not valid"],
    ["overrideHost.strict", "yes", "the value given for overrideHost.strict is not valid"],
    ["priority", "HIGH", "this host's router does not do priority"],
    ["hedge", "x", "this host's router does not do hedge"],
    ["hashKeys", "u", "this host's router does not do hashKeys"],
    ["mirrors", "b=10", "this host's router does not do mirrors"],
    ["timeouts.perTry", "1", "the value given for timeouts.perTry is not valid"],
    ["timeouts.maxStream", "1s", "this host's router does not do timeouts.maxStream"],
  ])("all or nothing: %s = %s refuses the rest too", (key, value, reason) => {
    expect(
      whyNot(
        set([
          ["cluster", "blue"],
          [key, value],
        ]),
      ),
    ).toBe(`2 ${reason}`);
    expect(caller.stream.notes.decision).toBeNull();
  });

  test("refuses what is no pairs, no stream, and a frozen decision", () => {
    expect(caller.call("sluice.route_set", "xy").status).toBe(status.BAD_ARGUMENT);
    expect(caller.call("sluice.route_set", "").status).toBe(status.BAD_ARGUMENT);
    expect(caller.call("sluice.route_set", writePairs([["cluster", "b"]]), null).status).toBe(status.BAD_ARGUMENT);
    caller.stream.routed = true;
    expect(whyNot(set([["cluster", "b"]]))).toBe("2 the decision is frozen: the request has left the filters");
  });

  test("names and values are bounded", () => {
    expect(set([[`tags.${"t".repeat(1020)}`, "v"]]).status).toBe(status.BAD_ARGUMENT);
    expect(set([["tags.t", "v".repeat(8193)]]).status).toBe(status.BAD_ARGUMENT);
  });

  test("a request has at most 64 tags", () => {
    for (let at = 0; at < 64; at++) expect(set([[`tags.t${at}`, "1"]]).status).toBe(status.OK);
    expect(set([["tags.more", "1"]]).status).toBe(status.BAD_ARGUMENT);
    expect(set([["tags.t0", "2"]]).status).toBe(status.OK);
  });
});

describe("sluice.endpoints", () => {
  const view = {
    epoch: 7,
    endpoints: [{ address: "10.0.0.1:80", zone: "z1", weight: 2, flags: 1, inFlight: 3, ewmaMicros: 0 }],
  };

  test("lists the endpoints of the selected cluster, or of one by name", () => {
    Object.assign(caller.services, { clusters: (name: string) => (name === "up" ? view : null) });
    for (const args of ["", "up"]) {
      const [epoch, endpoint] = pairsOf(caller.call("sluice.endpoints", args).bytes);
      expect(epoch).toEqual(["", "\x07\0\0\0\0\0\0\0"]);
      expect(endpoint).toEqual(["10.0.0.1:80", "\x02\0\0\0\x01\0\0\0\x03\0\0\0\0\0\0\0z1"]);
    }
    expect(whyNot(caller.call("sluice.endpoints", "nowhere"))).toBe("2 there is no cluster nowhere");
  });

  test("needs a name where no cluster is selected", () => {
    expect(whyNot(caller.call("sluice.endpoints", "", null))).toBe("2 no cluster is named, and none is selected");
  });
});

describe("sluice.metadata_set", () => {
  const set = (pairs: Pairs) => caller.call("sluice.metadata_set", writePairs(pairs));

  test("keeps a value per namespace and key", () => {
    expect(
      set([
        ["ns", "n"],
        ["key", "k"],
        ["value", "v"],
      ]).status,
    ).toBe(status.OK);
    set([
      ["ns", "n"],
      ["key", "k"],
      ["value", ""],
    ]);
    expect(caller.stream.notes.metadata).toEqual(new Map([["n", new Map([["k", ""]])]]));
  });

  test("refuses missing parts, too much, and no stream", () => {
    for (const pairs of [
      [
        ["ns", "n"],
        ["key", "k"],
      ],
      [
        ["key", "k"],
        ["value", "v"],
      ],
      [
        ["ns", "n"],
        ["value", "v"],
      ],
    ] as Pairs[])
      expect(whyNot(set(pairs))).toBe("2 expected Pairs ns, key and value");
    expect(
      set([
        ["ns", "n"],
        ["key", "k"],
        ["value", "v".repeat(8193)],
      ]).status,
    ).toBe(status.BAD_ARGUMENT);
    for (let at = 0; at < 256; at++)
      expect(
        set([
          ["ns", "n"],
          ["key", `${at}`],
          ["value", "v"],
        ]).status,
      ).toBe(status.OK);
    expect(
      whyNot(
        set([
          ["ns", "m"],
          ["key", "k"],
          ["value", "v"],
        ]),
      ),
    ).toContain("257th");
    expect(
      set([
        ["ns", "n"],
        ["key", "0"],
        ["value", "w"],
      ]).status,
    ).toBe(status.OK);
    const args = writePairs([
      ["ns", "n"],
      ["key", "k"],
      ["value", "v"],
    ]);
    expect(caller.call("sluice.metadata_set", args, null).status).toBe(status.BAD_ARGUMENT);
  });
});

describe("sluice.counter_add", () => {
  const add = (name: string, delta: bigint): bigint => {
    const args = Buffer.concat([Buffer.alloc(8), Buffer.from(name)]);
    args.writeBigInt64LE(delta);
    return Buffer.from(caller.call("sluice.counter_add", args).bytes).readBigInt64LE();
  };

  test("a name under inflight: is noted on the stream, which takes it back at its end", () => {
    expect([add("inflight:a", 2n), add("inflight:a", 1n), add("plain", 5n)]).toEqual([2n, 3n, 5n]);
    expect(caller.stream.inFlight).toEqual(new Map([["inflight:a", 3n]]));
  });

  test("a stream counts 256 things in flight at most", () => {
    for (let at = 0; at < 256; at++) add(`inflight:${at}`, 1n);
    const more = Buffer.concat([Buffer.alloc(8), Buffer.from("inflight:more")]);
    expect(caller.call("sluice.counter_add", more).status).toBe(status.BAD_ARGUMENT);
    expect(add("inflight:0", 1n)).toBe(2n);
  });
});

describe("statuses of the others", () => {
  const u32 = (...words: number[]): Buffer => {
    const bytes = Buffer.alloc(4 * words.length);
    words.forEach((word, at) => bytes.writeUInt32LE(word, 4 * at));
    return bytes;
  };

  test.each([
    ["sluice.gcra", Buffer.alloc(19)],
    ["sluice.gcra", Buffer.alloc(24)],
    ["sluice.counter_add", Buffer.alloc(8)],
    ["sluice.kv_delete", Buffer.alloc(3)],
    ["sluice.kv_set", Buffer.alloc(11)],
    ["sluice.kv_set", u32(0, 0, 5, 0)],
    ["sluice.delay", u32(60_001)],
    ["sluice.delay", Buffer.alloc(3)],
  ])("%s refuses %o", (name, args) => {
    expect(caller.call(name, args)).toMatchObject({ status: status.BAD_ARGUMENT, reason: expect.any(String) });
  });

  test("a stale cas is a CAS_MISMATCH with its reason", () => {
    const key = Buffer.from("k");
    caller.call("sluice.kv_set", Buffer.concat([u32(0, 0, 1), key]));
    expect(whyNot(caller.call("sluice.kv_set", Buffer.concat([u32(99, 0, 1), key])))).toBe(
      "8 the key has changed: its cas is not 99",
    );
    expect(caller.call("sluice.kv_delete", Buffer.concat([u32(99), key])).status).toBe(status.CAS_MISMATCH);
    expect(caller.call("sluice.kv_delete", Buffer.concat([u32(0), Buffer.from("absent")])).status).toBe(status.OK);
  });

  test("delay and hold_headers need a stream", () => {
    expect(caller.call("sluice.delay", u32(50)).status).toBe(status.OK);
    expect(caller.stream.resumed).toBe(50);
    expect(caller.call("sluice.hold_headers").status).toBe(status.OK);
    expect(caller.stream.holdNext).toBe(true);
    expect(caller.call("sluice.delay", u32(50), null).status).toBe(status.BAD_ARGUMENT);
    expect(caller.call("sluice.hold_headers", "", null).status).toBe(status.BAD_ARGUMENT);
  });
});
