// Entry of a data thread that can be looked into: the data plane's own, and a channel that tells what keeps it busy.
import { BroadcastChannel } from "node:worker_threads";
import { armedTimers } from "./timers.ts";
import { collectGarbage } from "../../../host/base/collect-garbage.ts";
import { PROBE_CHANNEL, type ProbeAnswer } from "./probe.ts";
import "../../../host/data-plane/thread.ts";

const channel = new BroadcastChannel(PROBE_CHANNEL);
channel.addEventListener("message", (event: unknown) => {
  if ((event as { data: unknown }).data !== "look") return;
  collectGarbage();
  channel.postMessage({
    resources: process.getActiveResourcesInfo(),
    timers: armedTimers(),
    heapBytes: process.memoryUsage().heapUsed,
  } satisfies ProbeAnswer);
});
channel.unref();
