// Asks all data threads of the subject what they hold open, after a collection on every one of them.
import { BroadcastChannel } from "node:worker_threads";

export const PROBE_CHANNEL = "sluice-soak";

export interface ProbeAnswer {
  /** Of `process.getActiveResourcesInfo()`. */
  readonly resources: readonly string[];
  readonly timers: number;
  /** Used, of V8's own. */
  readonly heapBytes: number;
}

/** Answers of `threads` threads. */
export function lookInto(threads: number): Promise<readonly ProbeAnswer[]> {
  const channel = new BroadcastChannel(PROBE_CHANNEL);
  const answers: ProbeAnswer[] = [];
  return new Promise((resolve) => {
    channel.addEventListener("message", (event: unknown) => {
      const { data } = event as { data: "look" | ProbeAnswer };
      if (data === "look" || answers.push(data) < threads) return;
      channel.close();
      resolve(answers);
    });
    channel.postMessage("look");
  });
}
