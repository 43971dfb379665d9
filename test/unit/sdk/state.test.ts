// What outlives a callback: plugin contexts, timers, queues, shared data, metrics.
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Compiled } from "../../../sdk/build/index.ts";
import * as buffer from "../../../sdk/assembly/abi/buffer.ts";
import * as map from "../../../sdk/assembly/abi/map.ts";
import * as status from "../../../sdk/assembly/abi/status.ts";
import { buildGuest, GuestKit } from "../../support/guest-kit.ts";

describe("state", () => {
  let built: Compiled;
  let kit: GuestKit;
  beforeAll(async () => {
    built = await buildGuest("state");
  });
  beforeEach(() => {
    kit = GuestKit.started(built.wasm);
    kit.open(2);
  });
  const ask = (path: string, id = 2): string[] => {
    kit.log.length = 0;
    kit.requestHeaders(id, [[":path", path]]);
    return kit.log.map(([, text]) => text);
  };

  test("two plugin contexts in one VM have their own configs, and streams keep the one they were born with", () => {
    kit.call("proxy_on_context_create", 10, 0);
    expect(kit.configure(10, '{"name":"two"}')).toBe(true);
    kit.open(11, 10);
    const nameFor = (id: number): string | undefined => {
      ask("/name", id);
      return kit.header(map.HTTP_REQUEST_HEADERS, "x-name");
    };
    expect([nameFor(2), nameFor(11), nameFor(2)]).toEqual(["one", "two", "one"]);
    kit.call("proxy_on_delete", 10);
    expect(nameFor(2)).toBe("one");
  });

  test("a root may refuse its configuration, and finish later", () => {
    expect(kit.configure(1, '{"refuse":true}')).toBe(false);
    expect(kit.log.at(-1)).toEqual([4, "state: refused by the root"]);
    expect(kit.call("proxy_on_done", 1)).toBe(0);
    expect(kit.call("proxy_on_done", 2)).toBe(1);
  });

  test("state goes from one version to the next", () => {
    kit.foreign.set("sluice.snapshot_write", () => Buffer.alloc(0));
    kit.call("sluice_on_snapshot", 1);
    expect(kit.foreignCalls.at(-1)).toEqual(["sluice.snapshot_write", Buffer.from("state")]);
    kit.buffers.set(buffer.FOREIGN_FUNCTION_ARGUMENTS, Buffer.from("state"));
    expect(kit.call("sluice_on_restore", 1, 5)).toBe(1);
    expect(kit.log.map(([, text]) => text)).toEqual(["snapshot true", "restore 5 state"]);
  });

  test("timers of streams fire on their stream, once, and end with it", () => {
    ask("/after");
    kit.open(3);
    ask("/after", 3);
    expect(kit.tickMs).toBe(50);
    kit.end(3);
    kit.log.length = 0;
    kit.advance(200);
    expect(kit.log).toEqual([[2, "late 2"]]);
    expect(kit.tickMs).toBe(0);
  });

  test("periodic and single timers share one tick", () => {
    kit.configure(1, '{"everyMs":40,"name":"x"}');
    ask("/after");
    kit.log.length = 0;
    kit.advance(39);
    expect(kit.log).toEqual([]);
    kit.advance(1);
    expect(kit.log.map(([, text]) => text)).toEqual(["beat x"]);
    expect(kit.tickMs).toBe(10);
    kit.advance(80);
    expect(kit.log.map(([, text]) => text)).toEqual(["beat x", "late 2", "beat x", "beat x"]);
    expect(kit.effective).toBe(1);
  });

  test("a queue tells its root", () => {
    ask("/enqueue");
    kit.call("proxy_on_queue_ready", 1, 1);
    expect(kit.log).toEqual([[2, "item a job"]]);
  });

  test("shared data: absent, read, updated with compare-and-set", () => {
    expect(ask("/get")).toEqual(["none 1"]);
    expect(ask("/update")).toEqual(["updated true"]);
    expect(ask("/update")).toEqual(["updated true"]);
    expect(ask("/get")).toEqual(["value ++"]);
    expect(kit.shared.get("k")?.cas).toBe(2);
  });

  test("an update meets a conflict, reads again and succeeds; four conflicts are given up", () => {
    ask("/update");
    let conflicts = 1;
    const meddle = (): void => {
      const read = kit.shared.get.bind(kit.shared);
      kit.shared.get = (key) => {
        const entry = read(key);
        // Another worker writes between our read and our write.
        if (entry !== undefined && conflicts-- > 0) return { ...entry, cas: entry.cas + 99 };
        return entry;
      };
    };
    meddle();
    expect(ask("/update")).toEqual(["updated true"]);
    expect(kit.shared.get("k")?.value.toString()).toBe("++");
    conflicts = 100;
    kit.failing.set("proxy_set_shared_data", status.CAS_MISMATCH);
    const calls = kit.hostCalls.length;
    expect(ask("/update")).toEqual(["updated false"]);
    expect(kit.hostCalls.slice(calls).filter((name) => name === "proxy_set_shared_data")).toHaveLength(4);
  });

  test("delete and expiry use sluice, and fall back to plain writes", () => {
    ask("/update");
    expect(ask("/delete")).toEqual(["deleted true"]);
    expect(kit.shared.get("k")?.value.length).toBe(0);
    expect(ask("/ttl")).toEqual(["kept true"]);
    expect(kit.shared.get("t")?.value.toString()).toBe("v");
    kit.foreign.set("sluice.kv_set", () => Buffer.alloc(0));
    ask("/ttl");
    const args = kit.foreignCalls.at(-1)?.[1];
    expect(args?.toString("hex")).toBe(`00000000e803000001000000${Buffer.from("tv").toString("hex")}`);
  });

  test("metrics are defined when the VM starts, labels travel in the name, reading does not write", () => {
    expect(kit.metricNames.toSorted()).toEqual(["depth", "served_total", "times_ms"]);
    expect(ask("/metric?r=a")).toEqual(["served 0"]);
    ask("/metric?r=a");
    ask("/metric?r=b");
    expect(kit.metrics.get("served_total;.;route=.=a;.;")).toBe(2n);
    expect(kit.metrics.get("served_total;.;route=.=b;.;")).toBe(1n);
    expect(kit.metrics.get("depth")).toBe(0n);
    expect(kit.metrics.get("times_ms")).toBe(12n);
  });

  test("labels beyond a thousand go to one series", () => {
    for (let i = 0; i < 1100; i++) ask(`/metric?r=${i}`);
    expect(kit.metricNames.length).toBe(3 + 1001);
    expect(kit.metrics.get("served_total;.;route=.=other;.;")).toBe(100n);
  });

  test("the rate limiter is the host's, or shared data's", () => {
    expect([ask("/gcra"), ask("/gcra"), ask("/gcra")]).toEqual([["ok 1 0"], ["ok 0 0"], ["no 0 500000000"]]);
    kit.nowNanos += 500_000_000n;
    expect(ask("/gcra")).toEqual(["ok 0 0"]);
    kit.foreign.set("sluice.gcra", (args) => {
      expect(args.toString("hex")).toBe(`00ca9a3b000000000200000002000000010000006b`);
      return Buffer.from("0009000000ff00000000000000", "hex");
    });
    expect(ask("/gcra")).toEqual(["no 9 255"]);
  });

  test("the shared counter is the host's, or shared data's", () => {
    expect([ask("/count"), ask("/count")]).toEqual([["count 2"], ["count 4"]]);
    kit.foreign.set("sluice.counter_add", () => Buffer.from("ffffffffffffffff", "hex"));
    expect(ask("/count")).toEqual(["count -1"]);
  });
});
