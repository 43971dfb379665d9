import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import * as status from "../../../sdk/assembly/abi/status.ts";
import { createSharedQueues, QUEUE_CAPS, SharedQueues } from "../../../host/plugin/shared-queue.ts";

const url = new URL("./shared-queue.worker.ts", import.meta.url);

describe("shared queues", () => {
  test("items come out in the order they went in, on whichever thread", () => {
    const handle = createSharedQueues();
    const [one, two] = [new SharedQueues(handle, 1), new SharedQueues(handle, 2)];
    const id = one.register("ns", "q");
    expect([id > 0, two.resolve("ns", "q"), two.resolve("ns", "other"), two.resolve("other", "q")]).toEqual([
      true,
      id,
      0,
      0,
    ]);
    for (const text of ["a", "", "ccc"]) expect(one.enqueue(id, Buffer.from(text))).toBe(status.OK);
    expect(two.stats(id)).toEqual({ items: 3, bytes: 4 });
    expect([two, one, two].map((each) => String(each.dequeue(id)))).toEqual(["a", "", "ccc"]);
    expect([one.dequeue(id), one.dequeue(99), one.enqueue(99, Buffer.of(1)), one.enqueue(0, Buffer.of(1))]).toEqual([
      status.EMPTY,
      status.NOT_FOUND,
      status.NOT_FOUND,
      status.NOT_FOUND,
    ]);
  });

  test("a namespace is emptied without the others, and its ids stay", () => {
    const handle = createSharedQueues();
    const [one, two] = [new SharedQueues(handle, 1), new SharedQueues(handle, 2)];
    const ids = [one.register("f", "q"), one.register("f#b", "q"), one.register("f#b", "r")];
    for (const id of ids) one.enqueue(id, Buffer.from("x"));
    expect([two.idsOf("f"), two.idsOf("f#b"), two.idsOf("g")]).toEqual([ids.slice(0, 1), ids.slice(1), []]);
    two.drop("f#b");
    expect(ids.map((id) => one.stats(id).items)).toEqual([1, 0, 0]);
    expect([one.register("f#b", "q"), one.enqueue(ids[1]!, Buffer.from("y"))]).toEqual([ids[1], status.OK]);
  });

  test("registering again keeps the items and changes who is told", () => {
    const handle = createSharedQueues();
    const told: number[][] = [];
    const one = new SharedQueues(handle, 11, (...args) => told.push(args));
    const two = new SharedQueues(handle, 22);
    const id = one.register("ns", "q");
    one.enqueue(id, Buffer.from("x"));
    expect(two.register("ns", "q")).toBe(id);
    one.enqueue(id, Buffer.from("y"));
    expect(told).toEqual([
      [id, 11],
      [id, 22],
    ]);
    expect(two.stats(id).items).toBe(2);
  });

  test("a full queue refuses, by items and by bytes, and takes again once there is room", () => {
    const queues = new SharedQueues(createSharedQueues(), 1);
    const [many, large] = [queues.register("ns", "many"), queues.register("ns", "large")];
    for (let at = 0; at < QUEUE_CAPS.items; at++) expect(queues.enqueue(many, Buffer.of(1))).toBe(status.OK);
    expect(queues.enqueue(many, Buffer.of(1))).toBe(status.INTERNAL_FAILURE);
    queues.dequeue(many);
    expect(queues.enqueue(many, Buffer.of(1))).toBe(status.OK);
    for (let at = 0; at < 16; at++) expect(queues.enqueue(large, Buffer.alloc(1 << 20))).toBe(status.OK);
    expect(queues.enqueue(large, Buffer.of(1))).toBe(status.INTERNAL_FAILURE);
    expect(queues.enqueue(large, Buffer.alloc(4 << 20))).toBe(status.INTERNAL_FAILURE);
  });

  test("there is room for 1024 queues, and memory that was used up comes back", () => {
    const queues = new SharedQueues(createSharedQueues({ maxBytes: 2 << 20 }), 1);
    for (let at = 0; at < 1024; at++) expect(queues.register("ns", `q${at}`)).toBe(at + 1);
    expect(queues.register("ns", "one more")).toBe(0);
    for (let round = 0; round < 3; round++) {
      let taken = 0;
      while (queues.enqueue(5, Buffer.alloc(10_000)) === status.OK) taken++;
      expect(taken).toBeGreaterThan(100);
      while (typeof queues.dequeue(5) !== "number");
    }
  });

  test("with two threads putting in and one taking out nothing is lost and each one's order holds", async () => {
    const handle = createSharedQueues();
    const counts = new Int32Array(new SharedArrayBuffer(12));
    const task = { handle, counts, times: 5000 };
    const workers = [
      new Worker(url, { workerData: { ...task, kind: "put", producer: 1 } }),
      new Worker(url, { workerData: { ...task, kind: "put", producer: 2 } }),
      new Worker(url, { workerData: { ...task, kind: "take", producer: 0, times: 10_000 } }),
    ];
    await Promise.all(workers.map((worker) => once(worker, "exit")));
    expect([...counts]).toEqual([10_000, 0, 0]);
  });

  test("terminating busy threads leaves queues whole", async () => {
    const handle = createSharedQueues();
    const queues = new SharedQueues(handle, 0);
    const id = queues.register("ns", "q");
    for (let round = 0; round < 10; round++) {
      const counts = new Int32Array(new SharedArrayBuffer(12));
      const workers = [1, 2].map(
        (producer) => new Worker(url, { workerData: { handle, counts, kind: "churn", producer, times: 0 } }),
      );
      while (Atomics.load(counts, 2) < 500) await new Promise(setImmediate);
      const ids = workers.map((worker) => worker.threadId);
      await Promise.all(workers.map((worker) => worker.terminate()));
      for (const thread of ids) queues.freeLocksOf(thread);
      const before = queues.stats(id);
      let [items, bytes] = [0, 0];
      for (let item = queues.dequeue(id); typeof item !== "number"; item = queues.dequeue(id)) {
        items++;
        bytes += item.length;
      }
      expect({ items, bytes }).toEqual(before);
      expect(queues.stats(id)).toEqual({ items: 0, bytes: 0 });
    }
  });
});
