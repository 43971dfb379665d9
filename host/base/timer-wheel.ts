// One coarse timer for all the timeouts of a thread. A proxy moves every deadline once or more per request and lets almost
// none of them fire, so moving one must be a store and a compare: a deadline that moves later stays where it is in the wheel
// and is put in its right place when that slot comes round. Precision is one tick; deadlines fire late, never early.
import type { Clock, Timer } from "./clock.ts";

/** Length of a tick in milliseconds: how late a deadline may fire. */
export const TICK_MS = 20;
/** 1024 slots of 20 ms: longer deadlines wait several turns of the wheel. */
const SLOTS = 1024;

export interface DeadlineOwner {
  /** The deadline is reached and no longer scheduled. May schedule it again. */
  deadlineReached(deadline: Deadline, nowMs: number): void;
}

/** A place in the wheel. Embedded in the object that waits, so that scheduling allocates nothing. */
export class Deadline {
  readonly owner: DeadlineOwner;
  /** When to fire, in the clock's monotonic ms; Infinity = not at all. Written by the wheel only. */
  dueMs = Infinity;
  /** Wheel internals: the tick this entry is filed under (-1 = not filed) and its neighbours. */
  tick = -1;
  previous: Deadline | null = null;
  next: Deadline | null = null;

  constructor(owner: DeadlineOwner) {
    this.owner = owner;
  }
}

export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots: (Deadline | null)[] = Array.from({ length: SLOTS }, () => null);
  #size = 0;
  #tick = 0;
  #timer: Timer | null = null;
  #nowMs: number;
  /** Wall clock minus monotonic clock, as of the last tick. */
  #wallOffsetMs: number;
  readonly #turn = (): void => this.#advance();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#nowMs = clock.monotonicMs();
    this.#wallOffsetMs = clock.nowMs() - this.#nowMs;
  }

  /**
   * Monotonic ms as of the last tick: up to {@link TICK_MS} old while anything is scheduled, older otherwise. For marks of
   * activity, which are made per chunk and need no better.
   */
  get nowMs(): number {
    return this.#nowMs;
  }

  /**
   * Wall clock, ms since the Unix epoch, at a monotonic time of now: a clock step is followed a tick later. Spares a reading
   * of the second clock per request.
   */
  wallMs(monotonicMs: number): number {
    return monotonicMs + this.#wallOffsetMs;
  }

  /** Deadlines filed, including suspended ones whose slot has not come round. For leak checks. */
  get size(): number {
    return this.#size;
  }

  /** Fires `deadline` at `dueMs` (monotonic ms) or up to one tick later. Replaces an earlier schedule. */
  schedule(deadline: Deadline, dueMs: number): void {
    deadline.dueMs = dueMs;
    if (deadline.tick >= 0) {
      if (dueMs >= deadline.tick * TICK_MS) return;
      this.#unlink(deadline);
    } else if (this.#timer === null) this.#start();
    this.#link(deadline);
  }

  /** Does not fire until scheduled again. Cheap: the entry keeps its place until its slot comes round. */
  suspend(deadline: Deadline): void {
    deadline.dueMs = Infinity;
  }

  /** Takes the entry out at once, so that the wheel no longer keeps its owner alive. */
  cancel(deadline: Deadline): void {
    deadline.dueMs = Infinity;
    if (deadline.tick >= 0) this.#unlink(deadline);
    if (this.#size === 0) this.#stop();
  }

  #start(): void {
    this.#readClocks();
    this.#tick = Math.floor(this.#nowMs / TICK_MS);
    this.#timer = this.#clock.after(TICK_MS, this.#turn);
  }

  #readClocks(): void {
    this.#nowMs = this.#clock.monotonicMs();
    this.#wallOffsetMs = this.#clock.nowMs() - this.#nowMs;
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #link(deadline: Deadline): void {
    // Infinity and far dates are filed one turn ahead and looked at again then.
    const latest = this.#tick + SLOTS - 1;
    const due = Math.min(Math.ceil(deadline.dueMs / TICK_MS), latest);
    deadline.tick = Math.max(due, this.#tick + 1);
    const slot = deadline.tick % SLOTS;
    const head = this.#slots[slot] ?? null;
    deadline.next = head;
    if (head !== null) head.previous = deadline;
    this.#slots[slot] = deadline;
    this.#size++;
  }

  #unlink(deadline: Deadline): void {
    const { previous, next } = deadline;
    if (previous === null) this.#slots[deadline.tick % SLOTS] = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    deadline.previous = null;
    deadline.next = null;
    deadline.tick = -1;
    this.#size--;
  }

  #advance(): void {
    this.#timer = null;
    this.#readClocks();
    const target = Math.floor(this.#nowMs / TICK_MS);
    // After a long sleep every slot is looked at once, not once per missed turn.
    const from = Math.max(this.#tick + 1, target - SLOTS + 1);
    this.#tick = target;
    for (let tick = from; tick <= target; tick++) this.#fire(tick % SLOTS);
    if (this.#size > 0 && this.#timer === null) this.#timer = this.#clock.after(TICK_MS, this.#turn);
  }

  #fire(slot: number): void {
    let entry = this.#slots[slot] ?? null;
    if (entry === null) return;
    // Taken out first, called after: an owner may schedule or cancel any other entry of this slot.
    const due: Deadline[] = [];
    for (; entry !== null; entry = this.#slots[slot] ?? null) {
      this.#unlink(entry);
      due.push(entry);
    }
    for (const deadline of due) {
      if (deadline.tick >= 0 || deadline.dueMs === Infinity) continue;
      if (deadline.dueMs > this.#nowMs) this.#link(deadline);
      else {
        deadline.dueMs = Infinity;
        deadline.owner.deadlineReached(deadline, this.#nowMs);
      }
    }
  }
}
