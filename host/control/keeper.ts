// Writes down what survives a restart. A change after a quiet second is written at once; while changes come faster, once a
// second: the file holds every version and is flushed to the disk each time (bench: P8).
import type { Clock, Timer } from "../base/clock.ts";
import type { Serial } from "./serial.ts";

const SPACING_MS = 1000;

export interface KeeperOptions {
  readonly clock: Clock;
  readonly serial: Serial;
  readonly save: () => Promise<void>;
  /** The disk refuses; traffic goes on. */
  readonly refused: (reason: string) => void;
}

export class Keeper {
  readonly #options: KeeperOptions;
  #lastMs = -Infinity;
  #due: Timer | null = null;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Something has changed. */
  soon(): void {
    if (this.#due !== null) return;
    const { clock, serial } = this.#options;
    const waitMs = this.#lastMs + SPACING_MS - clock.monotonicMs();
    if (waitMs <= 0) void serial.run(() => this.now());
    else this.#due = clock.after(waitMs, () => void serial.run(() => this.now()));
  }

  /** Resolves when it is written, or refused. Runs inside the queue of changes, or when that is idle. */
  async now(): Promise<void> {
    this.#due?.cancel();
    this.#due = null;
    this.#lastMs = this.#options.clock.monotonicMs();
    try {
      await this.#options.save();
    } catch (error) {
      this.#options.refused(error instanceof Error ? error.message : String(error));
    }
  }

  /** What waits is written before the end. */
  async close(): Promise<void> {
    if (this.#due !== null) await this.now();
  }
}
