// Two phases over all data threads: every thread builds the new snapshot beside the old one and says "prepared"; then one
// atomic store of the epoch word makes all of them switch at the next stream. A refusal, silence for 2 s or the end of a
// thread leaves the old snapshot serving everywhere (decisions.md 22).
import type { Clock } from "../base/clock.ts";
import { ProblemError, problemError, type Problem } from "../base/problem.ts";
import type { FromData, SnapshotMessage } from "../link/messages.ts";
import type { Program } from "../module/component/program.ts";
import type { Threads } from "./threads.ts";

export const PREPARE_DEADLINE_MS = 2000;
/** For the first snapshot of all: threads are still loading their code, and nothing serves that could go on instead. */
export const START_DEADLINE_MS = 15_000;

export interface Draft {
  readonly snapshot: SnapshotMessage;
  readonly modules: readonly { readonly key: string; readonly module: Program }[];
}

interface Round {
  readonly epoch: number;
  readonly waiting: Set<number>;
  readonly done: () => void;
  readonly failed: (problems: readonly Problem[]) => void;
}

export class Committer {
  readonly #threads: () => Threads;
  readonly #clock: Clock;
  readonly #epoch: Int32Array;
  /** Ports that listeners with port 0 got. */
  readonly ports: Record<string, number> = {};
  #round: Round | null = null;
  #committed: Draft | null = null;

  constructor(threads: () => Threads, clock: Clock, epoch: Int32Array) {
    this.#threads = threads;
    this.#clock = clock;
    this.#epoch = epoch;
  }

  get committed(): Draft | null {
    return this.#committed;
  }

  get nextEpoch(): number {
    return Atomics.load(this.#epoch, 0) + 1 + this.#abandoned;
  }

  /** Epochs that were prepared and abandoned since the last commit; their numbers are not used again. */
  #abandoned = 0;

  /** @returns ms from the first message to the commit. @throws ProblemError when any thread refuses; nothing has changed */
  async commit(draft: Draft): Promise<number> {
    const started = this.#clock.monotonicMs();
    const { epoch } = draft.snapshot;
    const [first, ...others] = this.#threads().ids;
    if (first === undefined)
      throw problemError("state", "no_data_thread", "no data thread is running; try again in a moment");
    try {
      // The first thread alone, if a port is to be chosen: the others then bind the same one (decisions.md 21).
      const early = this.#needsPort(draft.snapshot) ? [first] : [first, ...others];
      await this.#prepare(draft, early);
      if (early.length === 1 && others.length > 0) await this.#prepare(draft, others);
    } catch (error) {
      this.#abandoned++;
      this.#threads().broadcast({ type: "abandon", epoch });
      throw error;
    }
    this.#abandoned = 0;
    this.#committed = draft;
    Atomics.store(this.#epoch, 0, epoch);
    this.#threads().broadcast({ type: "committed", epoch });
    return this.#clock.monotonicMs() - started;
  }

  #needsPort(snapshot: SnapshotMessage): boolean {
    return snapshot.listeners.some((listener) => listener.port === 0 && this.ports[listener.name] === undefined);
  }

  async #prepare(draft: Draft, ids: readonly number[]): Promise<void> {
    const { epoch } = draft.snapshot;
    const round = Promise.withResolvers<void>();
    this.#round = {
      epoch,
      waiting: new Set(ids),
      done: round.resolve,
      failed: (problems) => round.reject(new ProblemError(problems)),
    };
    const deadline = this.#clock.after(this.#deadlineMs, () => this.#silent());
    for (const id of ids) this.#threads().send(id, this.#message(draft));
    try {
      await round.promise;
    } finally {
      deadline.cancel();
      this.#round = null;
    }
  }

  #message(draft: Draft) {
    return { type: "prepare", snapshot: draft.snapshot, modules: draft.modules, ports: { ...this.ports } } as const;
  }

  get #deadlineMs(): number {
    return this.#committed === null ? START_DEADLINE_MS : PREPARE_DEADLINE_MS;
  }

  #silent(): void {
    const silent = [...(this.#round?.waiting ?? [])].join(", ");
    const rest = this.#committed === null ? "nothing serves yet" : "the old version keeps serving";
    const message = `data thread ${silent} did not answer within ${this.#deadlineMs} ms; ${rest}`;
    this.#round?.failed([{ kind: "state", code: "prepare_timeout", message }]);
  }

  /** Feeds prepared and refused messages; false when no round waits for this one. */
  received(threadId: number, message: Extract<FromData, { type: "prepared" | "refused" }>): boolean {
    if (message.type === "prepared") Object.assign(this.ports, message.ports);
    const round = this.#round;
    if (round === null || message.epoch !== round.epoch) return false;
    if (message.type === "refused") round.failed(message.problems);
    else if (round.waiting.delete(threadId) && round.waiting.size === 0) round.done();
    return true;
  }

  /** A thread ended: a round that waits for it has failed. */
  lost(threadId: number): void {
    if (this.#round?.waiting.has(threadId) !== true) return;
    const message = `data thread ${threadId} ended while it prepared the new version; the old version keeps serving`;
    this.#round.failed([{ kind: "state", code: "thread_lost", message }]);
  }

  /** Brings a respawned thread to the committed snapshot; it follows the epoch word by itself. */
  restore(threadId: number): void {
    if (this.#committed !== null) this.#threads().send(threadId, this.#message(this.#committed));
  }
}
