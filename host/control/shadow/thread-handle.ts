// The shadow thread as the desk sees it; tests have another.
import { Worker } from "node:worker_threads";
import type { FromShadow, ToShadow } from "./messages.ts";
import type { ShadowThreadData } from "./shadow-thread.ts";

export interface ShadowHandle {
  send(message: ToShadow): void;
  terminate(): void;
}

export interface ShadowListener {
  readonly heard: (message: FromShadow) => void;
  /** It ended without being told to. */
  readonly lost: (reason: string) => void;
}

export type SpawnShadow = (data: ShadowThreadData, listener: ShadowListener) => ShadowHandle;

export const spawnShadow: SpawnShadow = (data, { heard, lost }) => {
  const extension = import.meta.url.slice(-3);
  const worker = new Worker(new URL(`./shadow-thread${extension}`, import.meta.url), {
    workerData: data,
    stdout: false,
  });
  let told = false;
  let reason = "";
  worker.on("message", heard);
  worker.on("error", (error: unknown) => (reason = error instanceof Error ? error.message : String(error)));
  worker.on("exit", (code) => {
    if (!told) lost(reason === "" ? `exit code ${code}` : reason);
  });
  worker.unref();
  return {
    send: (message) => worker.postMessage(message),
    terminate() {
      told = true;
      void worker.terminate();
    },
  };
};
