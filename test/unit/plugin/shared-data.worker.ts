// The other threads of shared-data.test.ts. Each task signals on `flags` when it has begun, and runs when flags[0] is set.
import { threadId, workerData } from "node:worker_threads";
import { SharedData, type SharedDataHandle } from "../../../host/plugin/shared-data.ts";

interface Task {
  readonly handle: SharedDataHandle;
  readonly flags: Int32Array;
  readonly kind: "increment" | "gcra" | "add" | "write";
  readonly times: number;
}

const { handle, flags, kind, times } = workerData as Task;
const data = new SharedData(handle, threadId);

function increment(): void {
  const found = data.get("ns", "counter");
  const next = Buffer.alloc(4);
  next.writeUInt32LE((found?.value.readUInt32LE(0) ?? 0) + 1);
  if (data.set("ns", "counter", next, found?.cas ?? 0) !== 0) increment();
}

const small = Buffer.alloc(100, kind.charCodeAt(0));
const large = Buffer.alloc(3000, 7);
function write(turn: number): void {
  const key = `k${turn % 8}`;
  data.set("ns", key, small.subarray(0, 1 + (turn % 100)), 0);
  data.add("ns", "sum", 1n);
  if (turn % 5 === 0) data.set("ns", key, large, 0);
  if (turn % 7 === 0) data.delete("ns", key, 0);
  Atomics.add(flags, 2, 1);
}

const tasks = {
  increment,
  add: () => void data.add("ns", "sum", -3n),
  gcra: () => {
    const p = { periodNs: 1_000_000_000n, limit: 10, burst: 10, cost: 1 };
    if (data.gcra("ns", "limit", p, 1_893_456_000_000_000_000n).allowed) Atomics.add(flags, 2, 1);
  },
  write,
};

Atomics.add(flags, 1, 1);
Atomics.notify(flags, 1);
Atomics.wait(flags, 0, 0);
for (let turn = 0; turn < times; turn++) tasks[kind](turn);
