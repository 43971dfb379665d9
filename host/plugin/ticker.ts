// The tick of one plugin context. The next one is due one period after the last one ended; none is queued (abi.md 5.1). A
// tick that takes more than a tenth of the thread's time is paid by everybody on it: its period is doubled until it does
// not, and shortened again when it has become cheaper (reliability.md 2.6).
import type { Clock, Timer } from "../base/clock.ts";

/** Share of the time that a tick may take. */
const SHARE = 0.1;
const LONGEST_STRETCH = 1024;

export interface TickerOptions {
  readonly clock: Clock;
  readonly shortestMs: number;
  /** Runs the tick; false = there will be no other. */
  readonly run: () => boolean;
  /** The period has been lengthened. */
  readonly slowed: (periodMs: number) => void;
}

export class Ticker {
  readonly #options: TickerOptions;
  #timer: Timer | null = null;
  #periodMs = 0;
  #stretch = 1;

  constructor(options: TickerOptions) {
    this.#options = options;
  }

  /** 0 = none. */
  set(ms: number): void {
    this.stop();
    this.#periodMs = ms === 0 ? 0 : Math.max(ms, this.#options.shortestMs);
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#periodMs = 0;
  }

  #arm(): void {
    if (this.#periodMs === 0) return;
    this.#timer = this.#options.clock.after(this.#periodMs * this.#stretch, () => this.#due());
  }

  #due(): void {
    const { clock, run } = this.#options;
    this.#timer = null;
    const before = clock.monotonicMs();
    if (!run()) return;
    // A guest that has turned its tick off costs nothing more.
    if (this.#periodMs === 0) return;
    this.#judge(clock.monotonicMs() - before);
    if (this.#timer === null) this.#arm();
  }

  #judge(spentMs: number): void {
    const period = this.#periodMs * this.#stretch;
    if (spentMs > SHARE * (period + spentMs) && this.#stretch < LONGEST_STRETCH) {
      this.#stretch *= 2;
      this.#options.slowed(this.#periodMs * this.#stretch);
    } else if (this.#stretch > 1 && spentMs < (SHARE / 4) * period) this.#stretch /= 2;
  }
}
