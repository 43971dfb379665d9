// Writes down what survives a restart. A change after a quiet second is written at once; while changes come faster, once a
// second: the file holds every version and is flushed to the disk each time (bench: P8). What a full disk refuses is tried
// again until it is written, and said once.
import type { Clock, Timer } from "../base/clock.ts";
import type { Serial } from "./serial.ts";

const SPACING_MS = 1000;
/** After a refusal. Soon enough that hardly anything is forgotten, seldom enough to leave a sick disk alone. */
const AGAIN_MS = 2000;

export interface KeeperOptions {
  readonly clock: Clock;
  readonly serial: Serial;
  readonly save: () => Promise<void>;
  /** The disk refuses; traffic goes on. Told once until {@link saved}. */
  readonly refused: (reason: string) => void;
  /** What was refused is written. */
  readonly saved: () => void;
}

export class Keeper {
  readonly #options: KeeperOptions;
  #lastMs = -Infinity;
  #due: Timer | null = null;
  #isRefused = false;
  #closed = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Something has changed. */
  soon(): void {
    const { clock, serial } = this.#options;
    const waitMs = this.#lastMs + SPACING_MS - clock.monotonicMs();
    if (this.#due !== null && !this.#isRefused) return;
    if (waitMs <= 0) void serial.run(() => this.now());
    else this.#in(waitMs);
  }

  #in(ms: number): void {
    const { clock, serial } = this.#options;
    this.#due?.cancel();
    this.#due = clock.after(ms, () => void serial.run(() => this.now()));
  }

  /** Resolves when it is written, or refused. Runs inside the queue of changes, or when that is idle. */
  async now(): Promise<void> {
    this.#due?.cancel();
    this.#due = null;
    this.#lastMs = this.#options.clock.monotonicMs();
    try {
      await this.#options.save();
    } catch (error) {
      return this.#refused(error instanceof Error ? error.message : String(error));
    }
    if (this.#isRefused) this.#options.saved();
    this.#isRefused = false;
  }

  #refused(reason: string): void {
    if (!this.#closed) this.#in(AGAIN_MS);
    if (!this.#isRefused) this.#options.refused(reason);
    this.#isRefused = true;
  }

  /** What waits is written before the end. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#due !== null) await this.now();
  }
}
