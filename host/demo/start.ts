// Starts the demo's worker and talks to it. The CLI owns it and closes it after the proxy.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { TrafficOptions, TrafficReport } from "./generator.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

export interface Demo {
  /** Upstream name -> port on 127.0.0.1. */
  readonly ports: Readonly<Record<string, number>>;
  /** Starts the traffic. Only the first call counts. */
  drive(options: TrafficOptions): void;
  /** Requests per second; 0 pauses. */
  setRate(rate: number): void;
  /** The newest counts, or null before the first. */
  report(): TrafficReport | null;
  close(): Promise<void>;
}

// The extension of this file: `.ts` in a checkout, `.js` in the published package.
const ENTRY = new URL(`./traffic${import.meta.url.slice(-3)}`, import.meta.url);

/** Resolves when the upstreams listen. */
export async function startDemo(): Promise<Demo> {
  const worker = new Worker(ENTRY, { name: "sluice-demo" });
  let newest: TrafficReport | null = null;
  const tell = (message: ToWorker): void => worker.postMessage(message, []);
  const ports = await new Promise<Demo["ports"]>((resolve, reject) => {
    worker.once("error", reject);
    worker.on("message", (message: FromWorker) => {
      if (message.type === "upstreams") resolve(message.ports);
      else newest = message.report;
    });
  });
  return {
    ports,
    drive: (options) => tell({ type: "drive", options }),
    setRate: (rate) => tell({ type: "rate", rate }),
    report: () => newest,
    close: async () => {
      const ended = once(worker, "exit");
      tell({ type: "close" });
      await ended;
    },
  };
}
