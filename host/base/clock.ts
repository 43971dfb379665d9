// Time enters the house here and nowhere else, so that tests can hold it still. Everything that waits takes a Clock.

// Imported, not taken from the global object, where it is a getter that costs as much as the call.
import { performance } from "node:perf_hooks";

export interface Timer {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void;
}

export interface Clock {
  /** Wall clock, nanoseconds since the Unix epoch. */
  nowNanos(): bigint;
  /** Wall clock, milliseconds since the Unix epoch (fractions allowed). */
  nowMs(): number;
  /** Monotonic milliseconds from an arbitrary start (fractions allowed). */
  monotonicMs(): number;
  /** Calls `run` once after `ms` milliseconds. The timer does not keep the process alive. */
  after(ms: number, run: () => void): Timer;
}

export const systemClock: Clock = {
  nowNanos: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n,
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, run) {
    const handle = setTimeout(run, ms);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** A clock that moves only when told to: tests, replay, shadow runs. */
export class VirtualClock implements Clock {
  #nowMs: number;
  #pending: { atMs: number; order: number; run: () => void }[] = [];
  #order = 0;
  readonly #startMs: number;

  /** @param startMs wall time at birth, milliseconds since the Unix epoch */
  constructor(startMs = 1_893_456_000_000) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  nowNanos(): bigint {
    return BigInt(Math.round(this.#nowMs * 1000)) * 1000n;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  after(ms: number, run: () => void): Timer {
    const entry = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, run };
    this.#pending.push(entry);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== entry);
      },
    };
  }

  /** How many timers wait; a leak check. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Moves time forward and fires what falls due, in order, including timers set by the fired ones. */
  advance(ms: number): void {
    const until = this.#nowMs + ms;
    for (;;) {
      const next = this.#pending
        .filter((entry) => entry.atMs <= until)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) break;
      this.#pending = this.#pending.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = until;
  }
}
