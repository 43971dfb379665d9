// Before a version reaches a data thread, a throw-away instance of it starts and takes its configuration on a control-side
// thread, so that a module that loops or traps there hurts nobody (reliability.md 2.4, decisions.md 9).
import { Worker } from "node:worker_threads";
import type { Clock } from "../base/clock.ts";
import { ProblemError, problemError, type Problem } from "../base/problem.ts";
import type { GenerationMessage } from "../link/messages.ts";

const DEADLINE_MS = 2000;

export interface CanaryRequest {
  readonly id: number;
  readonly generation: GenerationMessage;
  readonly module: WebAssembly.Module;
}

export interface CanaryAnswer {
  readonly id: number;
  /** Empty: accepted. */
  readonly problems: readonly Problem[];
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: ProblemError) => void;
}

export class Canary {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #nextId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts the thread ahead of its first use. */
  warm(): void {
    this.#worker ??= this.#spawn();
  }

  /** @throws ProblemError when the version does not start, refuses its configuration, or takes longer than 2 s */
  async check(generation: GenerationMessage, module: WebAssembly.Module): Promise<void> {
    this.warm();
    const id = this.#nextId++;
    const verdict = Promise.withResolvers<void>();
    this.#waiting.set(id, verdict);
    const deadline = this.#clock.after(DEADLINE_MS, () => void this.#overdue(generation));
    this.#worker?.postMessage({ id, generation, module } satisfies CanaryRequest);
    try {
      await verdict.promise;
    } finally {
      deadline.cancel();
      this.#waiting.delete(id);
    }
  }

  #spawn(): Worker {
    const extension = import.meta.url.slice(-3);
    const worker = new Worker(new URL(`./canary-thread${extension}`, import.meta.url), { stdout: false });
    worker.on("message", (answer: CanaryAnswer) => this.#answered(answer));
    worker.on("error", (error) => this.#fail(worker, `the canary thread failed: ${String(error)}`));
    worker.unref();
    return worker;
  }

  #answered({ id, problems }: CanaryAnswer): void {
    const waiting = this.#waiting.get(id);
    if (problems.length === 0) waiting?.resolve();
    else waiting?.reject(new ProblemError(problems));
  }

  #overdue(generation: GenerationMessage): void {
    const { name } = generation.options;
    const worker = this.#worker;
    if (worker !== null)
      this.#fail(
        worker,
        `filter ${name} ${generation.version}: start-up and configuration took longer than ${DEADLINE_MS} ms`,
      );
  }

  #fail(worker: Worker, message: string): void {
    if (this.#worker === worker) this.#worker = null;
    void worker.terminate();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) one.reject(problemError("trap", "start_failed", message));
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }
}
