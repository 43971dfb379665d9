// Twins of generations, one each: made when first asked for, given back when their generation leaves or nobody needs them any
// more. What a twin is for is its maker's business (tap/twins.ts, record/open-recording.ts).
import type { Generation } from "../plugin/generation.ts";

export interface Leaving {
  /** Ends with its last stream, or at the deadline. */
  leave(deadlineMs: number, gone: () => void): void;
}

export class TwinSet<T extends Leaving> {
  readonly #make: (live: Generation) => T;
  /** null = it did not start: the version has started where it serves, and is not asked for a twin again. */
  readonly #twins = new Map<Generation, T | null>();
  readonly #leaving = new Set<T>();

  /** @param make may throw */
  constructor(make: (live: Generation) => T) {
    this.#make = make;
  }

  /** Instances that exist, those that still drain included. */
  get size(): number {
    return [...this.#twins.values()].filter((twin) => twin !== null).length + this.#leaving.size;
  }

  /** Null: `live` takes no streams any more, or its twin did not start. */
  of(live: Generation): T | null {
    if (live.state !== "live") return null;
    const known = this.#twins.get(live);
    return known === undefined ? this.#start(live) : known;
  }

  #start(live: Generation): T | null {
    let twin: T | null = null;
    try {
      twin = this.#make(live);
    } catch {
      // Whoever asked goes on without it, and says so.
    }
    this.#twins.set(live, twin);
    return twin;
  }

  forEach(each: (twin: T) => void): void {
    for (const twin of this.#twins.values()) if (twin !== null) each(twin);
  }

  /** Gives back the twins of generations that leave, or all of them. */
  settle(keep: boolean, deadlineMs: number): void {
    for (const [live, twin] of this.#twins) {
      if (keep && live.state === "live") continue;
      this.#twins.delete(live);
      if (twin === null) continue;
      this.#leaving.add(twin);
      twin.leave(deadlineMs, () => this.#leaving.delete(twin));
    }
  }
}
