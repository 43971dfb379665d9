// Shared data, queues and metrics that nobody shares: for canaries, tests and the testing kit.
import { SharedData, createSharedData } from "./shared-data.ts";
import { SharedMetrics, createSharedMetrics } from "./shared-metrics.ts";
import { SharedQueues, createSharedQueues } from "./shared-queue.ts";

const SMALL = { initialBytes: 1024 * 1024, maxBytes: 64 * 1024 * 1024 };

export function privateState() {
  return {
    shared: new SharedData(createSharedData(SMALL), 0),
    metrics: new SharedMetrics(createSharedMetrics(), 0),
    queues: new SharedQueues(createSharedQueues(), 0),
  };
}
