// Builds one data plane from what its thread was born with. In a worker (thread.ts) or, in tests, in the control's own
// thread.
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { TimerWheel } from "../base/timer-wheel.ts";
import type { DataLink, ThreadInit } from "../link/link.ts";
import { createCallouts } from "../net/callout.ts";
import { ConnectionBudget } from "../net/connection-budget.ts";
import { createDns } from "../net/dns.ts";
import { createGrpc } from "../net/grpc/port.ts";
import { MetricRegistry } from "../observe/metrics.ts";
import { SystemSampler } from "../observe/system-load.ts";
import type { ClusterView, PluginServices } from "../plugin/services.ts";
import { QueueBell } from "../plugin/queue-bell.ts";
import { SharedData, type SharedDataHandle } from "../plugin/shared-data.ts";
import { SharedMetrics, type SharedMetricsHandle } from "../plugin/shared-metrics.ts";
import { SharedQueues, type SharedQueuesHandle } from "../plugin/shared-queue.ts";
import type { Cluster } from "../upstream/cluster.ts";
import { DataPlane } from "./data-plane.ts";
import { endpointView } from "./endpoint-view.ts";
import { filterCounters } from "./filter-counters.ts";
import { Front } from "./front.ts";
import type { Snapshot } from "./snapshot.ts";
import { LogRelay, type LogRelayOptions } from "./log-relay.ts";
import { Recordings } from "./record/recordings.ts";
import { Taps } from "./tap/taps.ts";

export interface DataPlaneStart {
  readonly init: ThreadInit;
  readonly link: DataLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly reusePort: boolean;
  readonly stop: () => void;
}

export function startDataPlane({ init, link, clock, random, reusePort, stop }: DataPlaneStart): DataPlane {
  const wheel = new TimerWheel(clock);
  const registry = new MetricRegistry();
  const counters = filterCounters(registry);
  const logs = logRelay({ init, link, clock }, counters);
  const bell = new QueueBell({ later: (task) => void setImmediate(task), nowMs: () => clock.monotonicMs() });
  const cluster = (name: string): Cluster | undefined => plane.settled.clusters.get(name);
  let logLevel = init.logLevel;
  const services: PluginServices = {
    clock,
    random,
    ...sharedStores(init, link, bell),
    bell,
    clusters: (name) => clusterView(plane.settled, name),
    worker: init.threadId,
    system: new SystemSampler(clock),
    ...(init.node === undefined ? {} : { node: init.node }),
    callouts: createCallouts({ cluster, wheel, clock }),
    grpc: createGrpc({ cluster, wheel, clock }),
    dns: createDns(),
    logLevel: () => logLevel,
    log: (line, mostPerSecond) => logs.add(line, mostPerSecond),
    ...counters,
    faulted: (report) => link.send({ type: "fault", report }),
  };
  const taps = new Taps({ clock, thread: init.threadId, services, registry, link });
  const recordings = new Recordings({ clock, random, thread: init.threadId, services, link }, registry);
  const budget = new ConnectionBudget(init.connections, init.threadId);
  const common = { clock, random, wheel, registry, reusePort, ticketKeys: init.ticketKeys, taps, recordings };
  const front = new Front({ ...common, current: () => plane.current(), budget });
  const plane: DataPlane = new DataPlane({
    link,
    clock,
    epoch: new Int32Array(init.epoch),
    services,
    front,
    taps,
    recordings,
    setLogLevel: (level) => void (logLevel = level),
    stop: () => {
      logs.flush();
      stop();
    },
  });
  return plane;
}

function logRelay(
  { init, link, clock }: Pick<DataPlaneStart, "init" | "link" | "clock">,
  { overLimit }: ReturnType<typeof filterCounters>,
): LogRelay {
  const send: LogRelayOptions["send"] = (lines) => link.send({ type: "log", lines });
  return new LogRelay({ clock, threads: init.threads, send, dropped: (filter) => overLimit(filter, "logLines") });
}

/** This thread's access to what all threads share. */
function sharedStores(
  init: ThreadInit,
  link: DataLink,
  bell: QueueBell,
): Pick<PluginServices, "shared" | "metrics" | "queues"> {
  const { threadId } = init;
  return {
    shared: new SharedData(init.sharedData as SharedDataHandle, threadId),
    metrics: new SharedMetrics(init.sharedMetrics as SharedMetricsHandle, threadId),
    queues: new SharedQueues(init.sharedQueues as SharedQueuesHandle, threadId, (queue, owner) => {
      if (owner === threadId) bell.ring(queue);
      else link.send({ type: "queueReady", queue, owner });
    }),
  };
}

function clusterView({ epoch, clusters }: Snapshot, name: string): ClusterView | null {
  const cluster = clusters.get(name);
  return cluster === undefined ? null : { epoch, endpoints: cluster.endpoints.map(endpointView) };
}
