// Starts a data thread as a worker of this process.
import { Worker } from "node:worker_threads";
import type { FromData, ToData } from "../link/messages.ts";
import type { SpawnThread } from "./threads.ts";

/** V8 divides it by three: a semi-space of 64 MB, which keeps the p99 down under load (performance.md 2.3). */
const YOUNG_GENERATION_MB = 192;

export const spawnWorker: SpawnThread = (init) => {
  // Worker entry points are strings, which the emit of published packages does not rewrite: the extension is taken from here.
  const extension = import.meta.url.slice(-3);
  const worker = new Worker(new URL(`../data-plane/thread${extension}`, import.meta.url), {
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
};
