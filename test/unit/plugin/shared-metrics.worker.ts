// The other threads of shared-metrics.test.ts: define the same three metrics and record into them.
import { threadId, workerData } from "node:worker_threads";
import { SharedMetrics, type SharedMetricsHandle } from "../../../host/plugin/shared-metrics.ts";

const { handle, times } = workerData as { handle: SharedMetricsHandle; times: number };
const metrics = new SharedMetrics(handle, threadId);
const ids = [0, 1, 2].map((type) => metrics.define("f@v1", type, `m${type}`));
for (let turn = 0; turn < times; turn++) {
  metrics.increment(ids[0] ?? 0, 3n);
  metrics.increment(ids[1] ?? 0, turn % 2 === 0 ? 5n : -4n);
  metrics.record(ids[2] ?? 0, BigInt(turn % 20));
}
