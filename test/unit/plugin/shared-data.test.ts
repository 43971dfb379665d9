import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import * as status from "../../../sdk/assembly/abi/status.ts";
import { VirtualClock } from "../../../host/base/clock.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { FIXED_AT } from "../../../host/plugin/shared-heap.ts";
import { BUCKETS } from "../../../host/plugin/shared-table.ts";
import {
  createSharedData,
  SHARED_DATA_CAPS,
  SharedData,
  type SharedDataHandle,
} from "../../../host/plugin/shared-data.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const fresh = (): SharedData => new SharedData(createSharedData(), 1, new VirtualClock());
const MAIN = 0;

/** Workers that wait at the gate; `open` lets them run at the same moment. */
function start(count: number, task: { handle: SharedDataHandle; kind: string; times: number }) {
  const flags = new Int32Array(new SharedArrayBuffer(12));
  const workers = Array.from(
    { length: count },
    () => new Worker(new URL("./shared-data.worker.ts", import.meta.url), { workerData: { ...task, flags } }),
  );
  const ended = Promise.all(workers.map((worker) => once(worker, "exit")));
  const reach = async (word: number, target: number): Promise<void> => {
    while (Atomics.load(flags, word) < target) await new Promise(setImmediate);
  };
  const open = (): void => {
    Atomics.store(flags, 0, 1);
    Atomics.notify(flags, 0);
  };
  return { workers, flags, ended, reach, open };
}

describe("shared data", () => {
  test("a value comes back with a cas, and every write gives a new one that is never 0", () => {
    const data = fresh();
    expect(data.get("a", "k")).toBeUndefined();
    expect(data.set("a", "k", bytes("one"), 0)).toBe(status.OK);
    const first = data.get("a", "k");
    expect(first?.value.toString()).toBe("one");
    expect(data.set("a", "k", bytes("two"), first!.cas)).toBe(status.OK);
    const second = data.get("a", "k");
    expect([second?.value.toString(), second!.cas !== first!.cas, second!.cas > 0]).toEqual(["two", true, true]);
  });

  test("a wrong cas is refused, but a cas on an absent key succeeds", () => {
    const data = fresh();
    data.set("a", "k", bytes("one"), 0);
    expect(data.set("a", "k", bytes("two"), 999)).toBe(status.CAS_MISMATCH);
    expect(data.get("a", "k")?.value.toString()).toBe("one");
    expect(data.set("a", "absent", bytes("x"), 999)).toBe(status.OK);
    expect(data.delete("a", "k", 999)).toBe(status.CAS_MISMATCH);
    expect(data.delete("a", "k", data.get("a", "k")!.cas)).toBe(status.OK);
    expect(data.delete("a", "k", 5)).toBe(status.OK);
    expect(data.get("a", "k")).toBeUndefined();
  });

  test("the cas counter skips 0 when it wraps", () => {
    const handle = createSharedData();
    new Int32Array(handle.memory, 0, 16)[1] = -2;
    const data = new SharedData(handle, 1);
    const seen = ["a", "b", "c"].map((key) => {
      data.set("ns", key, bytes("x"), 0);
      return data.get("ns", key)!.cas;
    });
    expect(seen).toEqual([0xffff_ffff, 1, 2]);
  });

  test("namespaces do not see each other, and bytes of any value round-trip in keys", () => {
    const data = fresh();
    const key = "\u0000\u00ff\u0080/";
    data.set("a", key, bytes("A"), 0);
    data.set("b", key, bytes("B"), 0);
    data.delete("b", key, 0);
    expect(data.get("a", key)?.value.toString()).toBe("A");
    expect(data.get("b", key)).toBeUndefined();
    expect(data.keys("a", "\u0000\u00ff")).toEqual([{ key, cas: data.get("a", key)!.cas }]);
    expect(data.get("never", key)).toBeUndefined();
  });

  test("an entry is absent once its time is over, and a later write counts as the first", () => {
    const data = fresh();
    data.set("a", "k", bytes("v"), 0, { ttlMs: 100, nowMs: 1000 });
    expect(data.get("a", "k", 1099)?.value.toString()).toBe("v");
    expect(data.set("a", "k", bytes("w"), 77, { nowMs: 1100 })).toBe(status.OK);
    expect(data.get("a", "k", 1e15)?.value.toString()).toBe("w");
    data.set("a", "k", bytes("v"), 0, { ttlMs: 100, nowMs: 1000 });
    expect(data.keys("a", "")).toEqual([]);
    expect(data.get("a", "k", 1100)).toBeUndefined();
    expect(data.stats("a")).toMatchObject({ keys: 0, bytes: 0 });
  });

  test("a key or value over its cap is refused and counted; at the cap it is taken", () => {
    const data = fresh();
    const { keyBytes, valueBytes } = SHARED_DATA_CAPS;
    expect(data.set("a", "k".repeat(keyBytes + 1), bytes(""), 0)).toBe(status.INTERNAL_FAILURE);
    expect(data.set("a", "k", Buffer.alloc(valueBytes + 1), 0)).toBe(status.INTERNAL_FAILURE);
    const value = Buffer.alloc(valueBytes, 9);
    expect(data.set("a", "k".repeat(keyBytes), value, 0)).toBe(status.OK);
    expect(data.get("a", "k".repeat(keyBytes))?.value.equals(value)).toBe(true);
    expect(data.stats("a")).toEqual({ keys: 1, bytes: keyBytes + valueBytes, evicted: 0, rejected: 2 });
  });

  test("a namespace over its keys loses those used least recently, and no other namespace loses any", () => {
    const data = fresh();
    data.set("other", "k", bytes("v"), 0);
    const write = (from: number, to: number): void => {
      for (let at = from; at < to; at++) data.set("a", `k${at}`, bytes("v"), 0);
    };
    write(0, 10_000);
    const kept = Array.from({ length: 500 }, (_, at) => `k${at * 3}`);
    write(10_000, 12_000);
    for (let round = 0; round < 8; round++) {
      for (const key of kept) data.get("a", key);
      write(12_000 + round * 500, 12_500 + round * 500);
    }
    expect(data.stats("a")).toMatchObject({ keys: 10_000, evicted: 6000 });
    expect(data.stats("other")).toMatchObject({ keys: 1, evicted: 0 });
    const present = (keys: string[]): number => keys.filter((key) => data.get("a", key) !== undefined).length;
    const idle = Array.from({ length: 500 }, (_, at) => `k${at * 3 + 1}`);
    expect(present(kept)).toBeGreaterThan(present(idle) * 1.3);
  });

  test("a namespace over its bytes loses values until it fits", () => {
    const data = fresh();
    const value = Buffer.alloc(1 << 20);
    for (let at = 0; at < 40; at++) expect(data.set("a", `k${at}`, value, 0)).toBe(status.OK);
    const stats = data.stats("a");
    expect(stats.keys).toBe(15);
    expect(stats.bytes).toBeLessThanOrEqual(SHARED_DATA_CAPS.bytes);
    expect(stats.evicted).toBe(25);
  });

  test("when the memory itself is used up, writes evict or are refused, and nothing breaks", () => {
    const data = new SharedData(createSharedData({ maxBytes: 1 << 20 }), 1);
    const results = new Set<number>();
    for (let at = 0; at < 3000; at++) results.add(data.set("a", `k${at}`, Buffer.alloc(400, at), 0));
    expect([...results]).toEqual([status.OK]);
    expect(data.get("a", "k2999")?.value[0]).toBe(2999 & 255);
    expect(data.set("b", "big", Buffer.alloc(1 << 20), 0)).toBe(status.INTERNAL_FAILURE);
    expect(data.stats("b").rejected).toBe(1);
  });

  test("dropping a namespace empties it and gives its memory back", () => {
    const handle = createSharedData({ maxBytes: 2 << 20 });
    const data = new SharedData(handle, 1);
    for (let round = 0; round < 20; round++) {
      for (let at = 0; at < 200; at++) expect(data.set("a", `k${at}`, Buffer.alloc(2000), 0)).toBe(status.OK);
      data.set("b", "k", bytes("v"), 0);
      data.drop("a");
    }
    expect(data.stats("a")).toEqual({ keys: 0, bytes: 0, evicted: 0, rejected: 0 });
    expect(data.keys("b", "").length).toBe(1);
  });

  test("numbers add up over the sign and over 32 bits", () => {
    const data = fresh();
    const random = seededRandom(7);
    let model = 0n;
    for (let at = 0; at < 2000; at++) {
      const delta = BigInt.asIntN(
        64,
        BigInt(Math.floor(random.fraction() * 2 ** 50)) * (at % 2 === 0 ? 9001n : -9000n),
      );
      model = BigInt.asIntN(64, model + delta);
      expect(data.add("a", "n", delta)).toBe(model);
    }
    expect(data.get("a", "n")?.value.readBigInt64LE(0)).toBe(model);
    data.set("a", "text", bytes("not a number"), 0);
    expect(data.add("a", "text", 5n)).toBe(5n);
    expect(() => data.add("a", "k".repeat(2000), 1n)).toThrow(/1024/);
  });

  test("does what a Map does, over 20 000 random operations", () => {
    const data = fresh();
    const random = seededRandom(42);
    const pick = (n: number): number => Math.floor(random.fraction() * n);
    const model = new Map<string, Buffer>();
    for (let step = 0; step < 20_000; step++) {
      const key = `key-${pick(300)}`;
      const id = `ns${pick(3)}`;
      const at = `${id}/${key}`;
      const found = data.get(id, key);
      expect(found?.value).toEqual(model.get(at));
      const action = pick(10);
      if (action < 6) {
        const value = Buffer.alloc(pick(3) === 0 ? pick(2000) : pick(160), step);
        const cas = pick(3) === 0 ? 0 : (found?.cas ?? 0);
        expect(data.set(id, key, value, cas)).toBe(status.OK);
        model.set(at, value);
      } else if (action < 8) {
        expect(data.delete(id, key, found?.cas ?? 0)).toBe(status.OK);
        model.delete(at);
      } else if (found !== undefined) {
        expect(data.set(id, key, bytes("no"), (found.cas ^ 1) >>> 0)).toBe(status.CAS_MISMATCH);
      }
    }
    for (const id of ["ns0", "ns1", "ns2"]) {
      const mine = [...model].filter(([at]) => at.startsWith(`${id}/`));
      const size = mine.reduce((sum, [at, value]) => sum + at.length - id.length - 1 + value.length, 0);
      expect(data.stats(id)).toEqual({ keys: mine.length, bytes: size, evicted: 0, rejected: 0 });
      expect(
        data
          .keys(id, "key-1")
          .map((each) => `${id}/${each.key}`)
          .sort(),
      ).toEqual(
        mine
          .map(([at]) => at)
          .filter((at) => at.startsWith(`${id}/key-1`))
          .sort(),
      );
    }
    expect(data.keys("ns0", "", 5).length).toBe(5);
  });
});

describe("a rate limit in shared data", () => {
  const p = { periodNs: 1_000_000_000n, limit: 10, burst: 10, cost: 1 };
  const at = 1_893_456_000_123_456_789n;

  test("lets the burst through at once, then one per interval, and says how long to wait", () => {
    const data = fresh();
    const results = Array.from({ length: 20 }, () => data.gcra("a", "k", p, at));
    expect(results.map((each) => each.allowed).filter(Boolean).length).toBe(10);
    expect(results[0]).toEqual({ allowed: true, remaining: 9, retryAfterNs: 0n });
    expect(results[10]).toEqual({ allowed: false, remaining: 0, retryAfterNs: 100_000_000n });
    expect(data.gcra("a", "k", p, at + 99_999_999n).allowed).toBe(false);
    expect(data.gcra("a", "k", p, at + 100_000_000n)).toEqual({ allowed: true, remaining: 0, retryAfterNs: 0n });
    expect(data.gcra("a", "k", { ...p, cost: 0 }, at + 600_000_000n)).toMatchObject({ allowed: true, remaining: 5 });
  });

  test("lets the whole burst through where the interval is not a whole number of nanoseconds", () => {
    const data = fresh();
    const third = { periodNs: 1_000_000_000n, limit: 3, burst: 3, cost: 1 };
    expect([1, 2, 3, 4].map(() => data.gcra("a", "k", third, at).allowed)).toEqual([true, true, true, false]);
  });

  test("keeps the rate over a long run", () => {
    const data = fresh();
    let allowed = 0;
    for (let ms = 0; ms < 20_000; ms += 7) if (data.gcra("a", "k", p, at + BigInt(ms) * 1_000_000n).allowed) allowed++;
    expect(allowed).toBeGreaterThanOrEqual(208);
    expect(allowed).toBeLessThanOrEqual(210);
  });

  test("recovers within one burst after the clock was set back, and refuses what can never be allowed", () => {
    const data = fresh();
    for (let turn = 0; turn < 10; turn++) data.gcra("a", "k", p, at + 3_600_000_000_000n);
    expect(data.gcra("a", "k", p, at)).toEqual({ allowed: false, remaining: 0, retryAfterNs: 100_000_000n });
    expect(data.gcra("a", "new", { ...p, cost: 11 }, at)).toMatchObject({ allowed: false, remaining: 10 });
    expect(data.gcra("a", "zero", { ...p, limit: 0 }, at).allowed).toBe(false);
  });
});

describe("shared data over threads", () => {
  test("compare-and-set increments of four threads add up exactly", async () => {
    const handle = createSharedData();
    // The key exists before they start: cas 0 writes unconditionally, so two threads that both create it would race.
    new SharedData(handle, MAIN).set("ns", "counter", Buffer.alloc(4), 0);
    const threads = start(4, { handle, kind: "increment", times: 2000 });
    await threads.reach(1, 4);
    threads.open();
    await threads.ended;
    expect(new SharedData(handle, MAIN).get("ns", "counter")?.value.readUInt32LE(0)).toBe(8000);
  });

  test("atomic adds of three threads add up exactly", async () => {
    const handle = createSharedData();
    const threads = start(3, { handle, kind: "add", times: 5000 });
    await threads.reach(1, 3);
    threads.open();
    await threads.ended;
    expect(new SharedData(handle, MAIN).add("ns", "sum", 0n)).toBe(-45_000n);
  });

  test("ten of twenty simultaneous requests over four threads pass a limit of 10/s with burst 10", async () => {
    const handle = createSharedData();
    const threads = start(4, { handle, kind: "gcra", times: 5 });
    await threads.reach(1, 4);
    threads.open();
    await threads.ended;
    expect(Atomics.load(threads.flags, 2)).toBe(10);
  });

  test(
    "terminating a writing thread a hundred times leaves no lock held and no torn value",
    { timeout: 60_000 },
    async () => {
      const handle = createSharedData({ maxBytes: 8 << 20 });
      const data = new SharedData(handle, MAIN);
      let freed = 0;
      for (let round = 0; round < 25; round++) {
        const threads = start(4, { handle, kind: "write", times: 1e9 });
        await threads.reach(1, 4);
        threads.open();
        await threads.reach(2, 200);
        const ids = threads.workers.map((worker) => worker.threadId);
        await Promise.all(threads.workers.map((worker) => worker.terminate()));
        await threads.ended;
        freed += ids.reduce((sum, id) => sum + data.freeLocksOf(id), 0);
        for (const { key } of data.keys("ns", "k")) expect(new Set(data.get("ns", key)!.value).size).toBe(1);
      }
      expect(freed).toBeGreaterThan(0);
      const words = new Int32Array(handle.memory, 0, FIXED_AT / 4 + BUCKETS * 4);
      const held = [...words.keys()].filter((at) =>
        at >= FIXED_AT / 4 ? at % 4 === (FIXED_AT / 4) % 4 : at >= 16 && at % 2 === 0,
      );
      expect(held.filter((at) => words[at] !== 0)).toEqual([]);
      expect(data.add("ns", "sum", 1n)).toBeGreaterThan(0n);
      const { keys, bytes: size } = data.stats("ns");
      expect(keys).toBeLessThanOrEqual(9);
      expect(size).toBeLessThanOrEqual(9 * 3002);
    },
  );
});
