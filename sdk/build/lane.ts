// A queue in front of one warm compiler process. Debug builds overtake waiting release builds: the one is what a person
// waits for, the other runs in the background.
import type { BuildJob, BuildResult } from "./build-filter.ts";
import { diagnosticOf } from "./diagnostics.ts";
import { BuildError } from "./types.ts";
import { CompilerCrash, Worker } from "./worker.ts";

interface Queued {
  readonly job: BuildJob | null;
  readonly resolve: (result: BuildResult | null) => void;
  readonly reject: (error: unknown) => void;
}

/** Owns its child process. */
export class Lane {
  readonly #worker: Worker;
  readonly #queue: Queued[] = [];
  #busy = false;
  #closed = false;

  /** @param nice how far the process steps back for others: 0 not at all, 19 as far as it can */
  constructor(idleMs: number, nice: number) {
    this.#worker = new Worker(idleMs, nice);
  }
  get pid(): number | null {
    return this.#worker.pid;
  }
  /** Queues a job; null only warms the process up. */
  enqueue(job: BuildJob | null, signal?: AbortSignal): Promise<BuildResult | null> {
    if (this.#closed) return Promise.reject(new Error("the compiler was closed"));
    return new Promise((resolve, reject) => {
      const queued: Queued = { job, resolve, reject };
      const first = this.#queue.findIndex((one) => one.job?.mode === "release");
      if (job?.mode === "release" || first < 0) this.#queue.push(queued);
      else this.#queue.splice(first, 0, queued);
      // A running job cannot be stopped; its result is simply not awaited any more.
      signal?.addEventListener("abort", () => this.#giveUp(queued, signal.reason), { once: true });
      void this.#work();
    });
  }
  /** Ends the process; what waits is rejected. */
  close(): void {
    this.#closed = true;
    for (const one of this.#queue.splice(0)) one.reject(new Error("the compiler was closed"));
    this.#worker.stop();
  }

  #giveUp(queued: Queued, reason: unknown): void {
    const place = this.#queue.indexOf(queued);
    if (place >= 0) this.#queue.splice(place, 1);
    queued.reject(reason);
  }
  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      try {
        next.resolve(await this.#worker.run(next.job));
      } catch (error) {
        next.reject(error instanceof CompilerCrash ? crashed(next.job, error) : error);
      }
    }
    this.#busy = false;
  }
}

function crashed(job: BuildJob | null, crash: CompilerCrash): BuildError {
  const entry = job?.entry ?? "start-up";
  const output = crash.message === "" ? "" : `\n${crash.message}`;
  return new BuildError([diagnosticOf(entry, `compiler crashed on ${entry}${output}`)]);
}
