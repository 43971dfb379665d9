// Whether this thread has more to do than it can: how late its timers fire. One long turn (a collection, a large body) is no
// overload; turns that are all too long are. Made per listener that wants it, costs nothing otherwise.
import type { Clock, Timer } from "../base/clock.ts";

/** Between two looks at the clock. */
const STEP_MS = 25;
/** Looks in a row that must be late: with a limit of 100 ms the thread has been behind for half a second. */
const LATE_STEPS = 4;

export class LoopLag {
  /** The last looks were all late. */
  over = false;
  readonly #clock: Clock;
  readonly #step = (): void => this.#look();
  #limitMs = 0;
  #timer: Timer | null = null;
  #dueMs = 0;
  #late = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param limitMs how late is too late; 0 = nobody wants to know */
  watch(limitMs: number): void {
    this.#limitMs = limitMs;
    if (limitMs === 0) this.stop();
    else if (this.#timer === null) this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#late = 0;
    this.over = false;
  }

  #arm(): void {
    this.#dueMs = this.#clock.monotonicMs() + STEP_MS;
    this.#timer = this.#clock.after(STEP_MS, this.#step);
  }

  #look(): void {
    const isLate = this.#clock.monotonicMs() - this.#dueMs >= this.#limitMs;
    this.#late = isLate ? this.#late + 1 : 0;
    this.over = this.#late >= LATE_STEPS;
    this.#arm();
  }
}
