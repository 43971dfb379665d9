// The other threads of shared-queue.test.ts: put numbered items in, or take items out and check their order.
import { threadId, workerData } from "node:worker_threads";
import { type SharedQueuesHandle, SharedQueues } from "../../../host/plugin/shared-queue.ts";

interface Task {
  readonly handle: SharedQueuesHandle;
  /** [0] items taken, [1] items out of order, [2] turns. */
  readonly counts: Int32Array;
  readonly kind: "put" | "take" | "churn";
  readonly producer: number;
  readonly times: number;
}

const { handle, counts, kind, producer, times } = workerData as Task;
const queues = new SharedQueues(handle, threadId);
const id = queues.register("ns", "q");

const put = (turn: number): void => {
  const item = Buffer.alloc(8 + (turn % 50));
  item.writeUInt32LE(producer, 0);
  item.writeUInt32LE(turn, 4);
  while (queues.enqueue(id, item) !== 0);
};

const last = new Map<number, number>();
const take = (): void => {
  const item = queues.dequeue(id);
  if (typeof item === "number") return;
  const from = item.readUInt32LE(0);
  if (item.readUInt32LE(4) <= (last.get(from) ?? -1)) Atomics.add(counts, 1, 1);
  last.set(from, item.readUInt32LE(4));
  Atomics.add(counts, 0, 1);
};

if (kind === "put") for (let turn = 0; turn < times; turn++) put(turn);
if (kind === "take") while (Atomics.load(counts, 0) < times) take();
if (kind === "churn") {
  for (let turn = 0; ; turn++) {
    put(turn);
    if (turn % 3 !== 0) queues.dequeue(id);
    Atomics.add(counts, 2, 1);
  }
}
