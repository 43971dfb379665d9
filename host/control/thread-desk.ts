// What data threads say, brought to whoever waits for it; and what happens when one ends unasked.
import { collectGarbage } from "../base/collect-garbage.ts";
import type { FromData, LogLine } from "../link/messages.ts";
import type { Runtime } from "./runtime.ts";

/** A thread that dies again and again is replaced at most once a second. */
const RESPAWN_MS = 1000;

/**
 * Retired versions between two collections on all threads. Fewer: a pause of 5 to 15 ms is felt more often; more: each keeps
 * some 120 KB until then (docs/performance.md).
 */
const RETIREMENTS_PER_COLLECTION = 64;

export class ThreadDesk {
  readonly #runtime: Runtime;
  #retirements = 0;
  /** Thread -> when it last ended unasked, monotonic ms. */
  readonly #lastLost = new Map<number, number>();
  /** `filter@version` -> data threads that have freed its newest generation, and the key of that. */
  readonly #freed = new Map<string, { readonly key: string; readonly threads: Set<number> }>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  received(threadId: number, message: FromData): void {
    const { faults, threads } = this.#runtime;
    if (message.type === "prepared" || message.type === "refused") this.#answered(threadId, message);
    if (message.type === "alarm") this.#runtime.ears.alarm(message.experiment, message.trial, message.harmed);
    if (message.type === "fault") {
      this.#runtime.ears.fault(message.report);
      faults.report(threadId, message.report);
    }
    if (message.type === "queueReady") threads.send(message.owner, { type: "queueReady", queue: message.queue });
    if (message.type === "tapping") this.#runtime.taps.sampling(threadId, message.taps);
    if (message.type === "tapped") this.#runtime.taps.tapped(message);
    if (message.type === "recorded") this.#runtime.sampling.received(message);
    if (message.type === "retired") this.#retired(threadId, message.key);
    if (message.type === "log") for (const line of message.lines) this.#logged(threadId, line);
  }

  /** A successor that cannot take the committed snapshot serves nothing, and somebody must know. */
  #answered(threadId: number, message: Extract<FromData, { type: "prepared" | "refused" }>): void {
    const { committer, events } = this.#runtime;
    const awaited = committer.received(threadId, message);
    const committed = committer.committed?.snapshot.epoch === message.epoch;
    if (awaited || !committed || message.type === "prepared") return;
    const text = `data thread ${threadId} cannot take the committed versions; the others serve on`;
    events.emit({ type: "thread", text, problems: message.problems, data: { threadId } });
  }

  #logged(threadId: number, { filter, version, message, ...rest }: LogLine): void {
    const text = `${filter} ${version}  ${message}`;
    this.#runtime.events.emit({ type: "log", filter, text, data: { version, threadId, message, ...rest } });
  }

  /** When the last thread has freed a version and none will run it again, its metric series go too. */
  #retired(threadId: number, key: string): void {
    const scope = scopeOf(key);
    const freed = this.#freed.get(scope) ?? { key, threads: new Set() };
    this.#freed.set(scope, freed);
    freed.threads.add(threadId);
    if (this.#runtime.threads.ids.every((id) => freed.threads.has(id))) this.#gone(scope, key);
    // A successor never had it, and will not say anything.
    else if (this.#lastLost.size > 0) void this.#sweep();
  }

  /** After the loss of a thread: versions that no thread has any longer, though not every one has said so. */
  async #sweep(): Promise<void> {
    const reports = await this.#runtime.threads.collect("state");
    const held = new Set(reports.flatMap(({ generations }) => generations.map(({ key }) => scopeOf(key))));
    for (const [scope, { key }] of this.#freed) if (!held.has(scope)) this.#gone(scope, key);
  }

  #gone(scope: string, key: string): void {
    const { events, committer, stores } = this.#runtime;
    this.#freed.delete(scope);
    const lives = committer.committed?.snapshot.generations.some((generation) =>
      generation.key.startsWith(`${scope}:`),
    );
    if (lives !== true) stores.metrics.drop(scope);
    events.emit({ type: "retired", text: `${scope}  freed on all data threads`, data: { key } });
    if (++this.#retirements % RETIREMENTS_PER_COLLECTION === 0) this.#collectGarbage();
  }

  #collectGarbage(): void {
    this.#runtime.threads.broadcast({ type: "gc" });
    collectGarbage();
  }

  lost(threadId: number, cause: Error | undefined): void {
    const { events, committer, threads, stores, clock, taps } = this.#runtime;
    const text = `data thread ${threadId} ended (${cause?.message ?? "no error"}); a new one takes its place`;
    events.emit({ type: "thread", text, data: { threadId } });
    committer.lost(threadId);
    taps.lost(threadId);
    stores.freeLocksOf(threadId);
    void this.#sweep();
    const now = clock.monotonicMs();
    const wait = now - (this.#lastLost.get(threadId) ?? -Infinity) < RESPAWN_MS ? RESPAWN_MS : 0;
    this.#lastLost.set(threadId, now);
    clock.after(wait, () => {
      if (threads.stopping) return;
      threads.respawn(threadId);
      committer.restore(threadId);
      if (taps.isOpen) threads.send(threadId, taps.message);
      const { sampling } = this.#runtime;
      if (sampling.isOpen) threads.send(threadId, sampling.message);
    });
  }
}

/** `filter@version` of a generation's key. */
const scopeOf = (key: string): string => key.split(":", 1)[0] ?? "";
