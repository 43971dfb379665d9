// Before a version reaches a data thread, a throw-away instance of it starts and takes its configuration on a control-side
// thread, so that a module that loops or traps there hurts nobody (reliability.md 2.4, decisions.md 9).
import { Worker } from "node:worker_threads";
import type { Clock, Timer } from "../base/clock.ts";
import { ProblemError, problemError, type Problem } from "../base/problem.ts";
import type { GenerationMessage } from "../link/messages.ts";
import type { Program } from "../module/component/program.ts";

/** From the beginning of the trial. */
const DEADLINE_MS = 2000;
/** Until it begins: a machine under load takes its time to start a thread, and that is no fault of the filter. */
const BEGIN_DEADLINE_MS = 10_000;

export interface CanaryRequest {
  readonly id: number;
  readonly generation: GenerationMessage;
  readonly module: Program;
}

/** First that the trial begins, then its end. */
export type CanaryAnswer =
  | { readonly id: number; readonly began: true }
  /** No problems: accepted. `startUse`: most points a step of the start-up used. */
  | { readonly id: number; readonly began: false; readonly problems: readonly Problem[]; readonly startUse: number };

interface Waiting {
  readonly generation: GenerationMessage;
  deadline: Timer;
  readonly resolve: (startUse: number) => void;
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

  /**
   * The most points that a step of the start-up used. @throws ProblemError when the version does not start, refuses its
   * configuration, or takes longer than 2 s
   */
  async check(generation: GenerationMessage, module: Program): Promise<number> {
    this.warm();
    const id = this.#nextId++;
    const verdict = Promise.withResolvers<number>();
    const deadline = this.#clock.after(BEGIN_DEADLINE_MS, () => this.#overdue(generation, BEGIN_DEADLINE_MS));
    const waiting: Waiting = { generation, deadline, ...verdict };
    this.#waiting.set(id, waiting);
    this.#worker?.postMessage({ id, generation, module } satisfies CanaryRequest);
    try {
      return await verdict.promise;
    } finally {
      waiting.deadline.cancel();
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

  #answered(answer: CanaryAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    if (answer.began) {
      waiting.deadline.cancel();
      waiting.deadline = this.#clock.after(DEADLINE_MS, () => this.#overdue(waiting.generation, DEADLINE_MS));
    } else if (answer.problems.length === 0) waiting.resolve(answer.startUse);
    else waiting.reject(new ProblemError(answer.problems));
  }

  #overdue(generation: GenerationMessage, ms: number): void {
    const { name } = generation.options;
    const worker = this.#worker;
    if (worker !== null)
      this.#fail(worker, `filter ${name} ${generation.version}: start-up and configuration took longer than ${ms} ms`);
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
