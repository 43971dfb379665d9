// The shadow thread: all shadows of the process run here, away from the threads that serve. Started by the shadow desk with
// the first of them.
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../base/clock.ts";
import { SharedData, type SharedDataHandle } from "../../plugin/shared-data.ts";
import type { ToShadow } from "./messages.ts";
import { ShadowRun } from "./shadow-run.ts";
import { stepBack } from "./step-back.ts";

/** What the thread is born with. */
export interface ShadowThreadData {
  readonly sharedData: SharedDataHandle;
  /** Owner of the locks it takes. */
  readonly threadId: number;
}

if (parentPort === null) throw new Error("the shadow thread needs a parent");
const port = parentPort;
const { sharedData, threadId } = workerData as ShadowThreadData;
const live = new SharedData(sharedData, threadId);
const runs = new Map<number, ShadowRun>();
const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};
// Only now: while its modules load it would take their time many times over.
stepBack();

port.on("message", (message: ToShadow) => {
  const { id } = message;
  if (message.type === "begin")
    runs.set(id, new ShadowRun(message, { clock: systemClock, cpuMs, live, say: (said) => port.postMessage(said) }));
  if (message.type === "lines") {
    runs.get(id)?.add(message.text);
    port.postMessage({ type: "taken", id });
  }
  if (message.type === "end") {
    runs.get(id)?.end();
    runs.delete(id);
  }
});
