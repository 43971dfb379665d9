// Tells the plugin context that registered a queue last that an item has come: one proxy_on_queue_ready per item, never
// from inside the call that put it in (abi.md 5.6). Each data thread has one; items put in on other threads arrive here by
// message. Rings wait as numbers and are run a slice of time per turn of the event loop: a guest that puts in thousands, or
// puts one in whenever one comes out, costs the others on its thread no more than that.

export interface QueueListener {
  queueReady(id: number): void;
}

export interface BellOptions {
  /** Runs a task in a later turn of the event loop. */
  readonly later: (task: () => void) => void;
  readonly nowMs: () => number;
}

/** After so long a turn goes to others. */
const SLICE_MS = 1;
/** Rings kept per queue: as many as it has items at most. */
const MOST = 10_000;

export class QueueBell {
  readonly #options: BellOptions;
  readonly #listeners = new Map<number, QueueListener>();
  /** Queue -> rings that wait. */
  readonly #waiting = new Map<number, number>();
  #scheduled = false;

  constructor(options: BellOptions) {
    this.#options = options;
  }

  watch(id: number, listener: QueueListener): void {
    this.#listeners.set(id, listener);
  }

  /** Forgets a listener that ends. */
  forget(listener: QueueListener): void {
    for (const [id, known] of this.#listeners) {
      if (known !== listener) continue;
      this.#listeners.delete(id);
      this.#waiting.delete(id);
    }
  }

  ring(id: number): void {
    if (!this.#listeners.has(id)) return;
    this.#waiting.set(id, Math.min(MOST, (this.#waiting.get(id) ?? 0) + 1));
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.later(() => this.#run());
  }

  /** What comes in meanwhile waits for the next turn. */
  #run(): void {
    this.#scheduled = false;
    const until = this.#options.nowMs() + SLICE_MS;
    for (const [id, rings] of Array.from(this.#waiting)) {
      for (let left = rings; left > 0 && this.#waiting.has(id); left--) {
        this.#take(id);
        this.#listeners.get(id)?.queueReady(id);
        if (this.#options.nowMs() < until) continue;
        if (this.#waiting.size > 0) this.#schedule();
        return;
      }
    }
    if (this.#waiting.size > 0) this.#schedule();
  }

  #take(id: number): void {
    const rings = (this.#waiting.get(id) ?? 0) - 1;
    // Behind the other queues when its turn comes again.
    this.#waiting.delete(id);
    if (rings > 0) this.#waiting.set(id, rings);
  }
}
