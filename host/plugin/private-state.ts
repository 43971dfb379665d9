// Shared data, queues and metrics that nobody shares: for canaries, tests and the testing kit.
import { systemClock, type Clock } from "../base/clock.ts";
import { QueueBell } from "./queue-bell.ts";
import { SharedData, createSharedData } from "./shared-data.ts";
import { SharedMetrics, createSharedMetrics } from "./shared-metrics.ts";
import { SharedQueues, createSharedQueues } from "./shared-queue.ts";

const SMALL = { initialBytes: 1024 * 1024, maxBytes: 64 * 1024 * 1024 };

/** @param later runs a task after the running callback: how queue notices are delivered */
export function privateState(later: (task: () => void) => void, clock: Clock = systemClock) {
  const bell = new QueueBell({ later, nowMs: () => clock.monotonicMs() });
  return {
    bell,
    shared: new SharedData(createSharedData(SMALL), 0),
    metrics: new SharedMetrics(createSharedMetrics(), 0),
    queues: new SharedQueues(createSharedQueues(), 0, (id) => bell.ring(id)),
  };
}
