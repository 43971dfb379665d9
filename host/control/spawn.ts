// Starts a data thread as a worker of this process.
import { Worker } from "node:worker_threads";
import type { ThreadInit } from "../link/link.ts";
import type { FromData, ToData } from "../link/messages.ts";
import type { SpawnThread, ThreadHandle } from "./threads.ts";

/** V8 divides it by three: a semi-space of 64 MB, which keeps the p99 down under load (performance.md 2.3). */
const YOUNG_GENERATION_MB = 192;

// Worker entry points are strings, which the emit of published packages does not rewrite: the extension is taken from here.
const ENTRY = new URL(`../data-plane/thread${import.meta.url.slice(-3)}`, import.meta.url);

export const spawnWorker: SpawnThread = (init) => spawnFrom(ENTRY, init);

/** @param entry ends in an import of the data plane's own; tests look into a thread from theirs */
export function spawnFrom(entry: URL, init: ThreadInit): ThreadHandle {
  const worker = new Worker(entry, {
    workerData: init,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    stdout: false,
  });
  let cause: Error | undefined;
  worker.on("error", (error: unknown) => {
    cause = error instanceof Error ? error : new Error(String(error));
  });
  return {
    link: {
      send: (message: ToData) => worker.postMessage(message),
      onMessage: (handler: (message: FromData) => void) => void worker.on("message", handler),
      close: () => {},
    },
    exited: new Promise((resolve) => {
      worker.once("exit", (code) => resolve(cause ?? (code === 0 ? undefined : new Error(`exit code ${code}`))));
    }),
    terminate: () => void worker.terminate(),
  };
}
