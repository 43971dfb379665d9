// Two phases over all data threads: every thread builds the new snapshot beside the old one and says "prepared"; then one
// atomic store of the epoch word makes all of them switch at the next stream. A refusal, silence for 2 s or the end of a
// thread leaves the old snapshot serving everywhere (decisions.md 22).
import type { Clock, Timer } from "../base/clock.ts";
import { ProblemError, problemError, type Problem } from "../base/problem.ts";
import type { FromData, SnapshotMessage } from "../link/messages.ts";
import type { Program } from "../module/component/program.ts";
import type { Threads } from "./threads.ts";

export const PREPARE_DEADLINE_MS = 2000;
/** While a thread still loads its code: at the start of all, and after it took the place of one that ended. */
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
  deadline: Timer;
}

export class Committer {
  readonly #threads: () => Threads;
  readonly #clock: Clock;
  readonly #epoch: Int32Array;
  /** Ports that listeners with port 0 got. */
  readonly ports: Record<string, number> = {};
  #round: Round | null = null;
  #committed: Draft | null = null;
  /** Threads that have not answered anything yet. */
  readonly #starting = new Set<number>();
  #committing = false;
  /** Threads that were respawned during a commit, and are restored after it. */
  readonly #unrestored = new Set<number>();

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
    this.#committing = true;
    try {
      return await this.#commit(draft);
    } finally {
      this.#committing = false;
      for (const threadId of this.#unrestored) this.#restore(threadId);
      this.#unrestored.clear();
    }
  }

  async #commit(draft: Draft): Promise<number> {
    const started = this.#clock.monotonicMs();
    const { epoch } = draft.snapshot;
    const [first, ...others] = this.#threads().ids;
    if (first === undefined)
      throw problemError("state", "no_data_thread", "no data thread is running; try again in a moment");
    if (this.#committed === null) for (const id of [first, ...others]) this.#starting.add(id);
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
      deadline: this.#deadline(PREPARE_DEADLINE_MS),
    };
    const loading = this.#clock.after(START_DEADLINE_MS, () => this.#silent(START_DEADLINE_MS, ids));
    for (const id of ids) this.#threads().send(id, this.#message(draft));
    try {
      await round.promise;
    } finally {
      loading.cancel();
      this.#round?.deadline.cancel();
      this.#round = null;
    }
  }

  /** Threads that still load their code are not meant. */
  #deadline(ms: number): Timer {
    return this.#clock.after(ms, () =>
      this.#silent(
        ms,
        [...(this.#round?.waiting ?? [])].filter((id) => !this.#starting.has(id)),
      ),
    );
  }

  #message(draft: Draft) {
    return { type: "prepare", snapshot: draft.snapshot, modules: draft.modules, ports: { ...this.ports } } as const;
  }

  #silent(ms: number, meant: readonly number[]): void {
    const round = this.#round;
    const silent = meant.filter((id) => round?.waiting.has(id) === true);
    if (silent.length === 0) return;
    const rest = this.#committed === null ? "nothing serves yet" : "the old version keeps serving";
    const message = `data thread ${silent.join(", ")} did not answer within ${ms} ms; ${rest}`;
    round?.failed([{ kind: "state", code: "prepare_timeout", message }]);
  }

  /** Feeds prepared and refused messages; false when no round waits for this one. */
  received(threadId: number, message: Extract<FromData, { type: "prepared" | "refused" }>): boolean {
    if (message.type === "prepared") Object.assign(this.ports, message.ports);
    const round = this.#round;
    if (this.#starting.delete(threadId) && round !== null && message.epoch !== round.epoch) this.#beginsNow(round);
    if (round === null || message.epoch !== round.epoch) return false;
    if (message.type === "refused") round.failed(message.problems);
    else if (round.waiting.delete(threadId) && round.waiting.size === 0) round.done();
    return true;
  }

  /** A thread has loaded its code and what was committed: it is as quick as the others from here on. */
  #beginsNow(round: Round): void {
    round.deadline.cancel();
    round.deadline = this.#deadline(PREPARE_DEADLINE_MS);
  }

  /** A thread ended: a round that waits for it has failed. */
  lost(threadId: number): void {
    this.#starting.delete(threadId);
    this.#unrestored.delete(threadId);
    if (this.#round?.waiting.has(threadId) !== true) return;
    const message = `data thread ${threadId} ended while it prepared the new version; the old version keeps serving`;
    this.#round.failed([{ kind: "state", code: "thread_lost", message }]);
  }

  /**
   * Brings a respawned thread to the committed snapshot. During a commit it waits for its end: a thread that prepares the
   * old one while the epoch moves on would never hear of the new one.
   */
  restore(threadId: number): void {
    if (this.#committing) this.#unrestored.add(threadId);
    else this.#restore(threadId);
  }

  #restore(threadId: number): void {
    if (this.#committed === null) return;
    this.#starting.add(threadId);
    this.#threads().send(threadId, this.#message(this.#committed));
    // Else it would take the snapshot up with its first stream, and keep it for ever when another one comes before that.
    this.#threads().send(threadId, { type: "committed", epoch: this.#committed.snapshot.epoch });
  }
}
