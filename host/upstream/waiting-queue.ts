// Requests that wait because the cluster is at a limit: first come, first served, and not for ever.
import type { Clock } from "../base/clock.ts";
import { Deadline, type DeadlineOwner, type TimerWheel } from "../base/timer-wheel.ts";
import type { Waiter } from "./cluster.ts";

/** What a queue needs of those who wait in it. */
export type Refusable = Pick<Waiter, "connectionRefused">;

export class WaitingQueue<Waiting extends Refusable = Waiter> implements DeadlineOwner {
  readonly #entries: { readonly waiter: Waiting; readonly dueMs: number }[] = [];
  readonly #timeoutMs: number;
  readonly #wheel: TimerWheel;
  readonly #clock: Clock;
  // All wait equally long, so the first in the queue is the first to fall due.
  readonly #deadline = new Deadline(this);

  /** @param timeoutMs from entering the queue to `upstream_overflow` */
  constructor(timeoutMs: number, { wheel, clock }: { readonly wheel: TimerWheel; readonly clock: Clock }) {
    this.#timeoutMs = timeoutMs;
    this.#wheel = wheel;
    this.#clock = clock;
  }

  get length(): number {
    return this.#entries.length;
  }

  push(waiter: Waiting): void {
    const dueMs = this.#clock.monotonicMs() + this.#timeoutMs;
    this.#entries.push({ waiter, dueMs });
    if (this.#entries.length === 1) this.#wheel.schedule(this.#deadline, dueMs);
  }

  shift(): Waiting | undefined {
    const entry = this.#entries.shift();
    this.#reschedule();
    return entry?.waiter;
  }

  /** True when it was waiting here. */
  remove(waiter: Waiting): boolean {
    const at = this.#entries.findIndex((entry) => entry.waiter === waiter);
    if (at >= 0) this.#entries.splice(at, 1);
    this.#reschedule();
    return at >= 0;
  }

  deadlineReached(_deadline: Deadline, nowMs: number): void {
    while (this.#entries[0] !== undefined && this.#entries[0].dueMs <= nowMs) {
      this.#entries.shift()?.waiter.connectionRefused("upstream_overflow", null);
    }
    this.#reschedule();
  }

  #reschedule(): void {
    const first = this.#entries[0];
    if (first !== undefined) this.#wheel.schedule(this.#deadline, first.dueMs);
    else if (this.#deadline.tick >= 0) this.#wheel.cancel(this.#deadline);
  }
}
