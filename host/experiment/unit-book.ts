// What all data threads know together of one step of an experiment: which units they have seen, in which arm, when each
// last failed, how many requests the candidate has harmed, and whether the step is over. Shared memory, so that a unit that
// comes over two threads counts once, and so that closing the book takes the candidate out of service on every thread at its
// next request, without a message (experiments.md 5.2, 5.3, 8).
//
//   words:  [closed, harmed, mixed, -]  units: SETS x 8 entries  failures: one table per kind
//   entry of a unit: 28 bits of its hash, 4 bits arm (1..14; 15 = seen in several)
//   entry of a failure: 24 bits of its hash, one that is set, 7 bits of the minute

const CLOSED = 0;
const HARMED = 1;
const MIXED = 2;
const HEAD = 4;
const WAYS = 8;
const UNIT_SETS = 1 << 15;
const FAILURE_SETS = 1 << 12;
const UNIT_WORDS = UNIT_SETS * WAYS;
const FAILURE_WORDS = FAILURE_SETS * WAYS;
const SEVERAL = 15;

/** Arms that can be told apart in the book. */
export const MAX_BOOKED_ARMS = 14;
/** Requests that a candidate may harm within a step before it is taken out of service, without statistics. */
export const HARM_LIMIT = 3;

/** A clone (a message to another thread) is the same book. */
export type UnitBookHandle = SharedArrayBuffer;

/** @param kinds of failures that are counted apart */
export function createUnitBook(kinds: number): UnitBookHandle {
  return new SharedArrayBuffer((HEAD + UNIT_WORDS + kinds * FAILURE_WORDS) * 4);
}

/** `new`: counts as a unit; `known`: counts no more; `several`: belongs to no arm; `full`: there is no room to tell. */
export type Seen = "new" | "known" | "several" | "full";

export class UnitBook {
  readonly #words: Int32Array;

  constructor(handle: UnitBookHandle) {
    this.#words = new Int32Array(handle);
  }

  /** The candidate is out of service. A plain load: a thread sees it at its next request at the latest. */
  get closed(): boolean {
    return this.#words[CLOSED] !== 0;
  }

  close(): void {
    Atomics.store(this.#words, CLOSED, 1);
  }

  get harmed(): number {
    return Atomics.load(this.#words, HARMED);
  }

  /** Units that were seen in more than one arm. */
  get mixed(): number {
    return Atomics.load(this.#words, MIXED);
  }

  /** The candidate has harmed a request. @returns how many so far; at the limit the book is closed */
  harm(): number {
    const harmed = Atomics.add(this.#words, HARMED, 1) + 1;
    if (harmed >= HARM_LIMIT) this.close();
    return harmed;
  }

  /** A minute has passed: what was harmed long ago is no reason any more. */
  forgive(): void {
    Atomics.store(this.#words, HARMED, 0);
  }

  /**
   * Notes that a unit was in `arm` (0 = control). A full set answers `full`: which units that meets does not depend on their
   * arm, so the ratio stays true.
   */
  see(hash: number, arm: number): Seen {
    const words = this.#words;
    const from = HEAD + (spread(hash) & (UNIT_SETS - 1)) * WAYS;
    const tag = hash & ~0xf;
    const mine = tag | (arm + 1);
    for (let at = from; at < from + WAYS; at++) {
      let entry = words[at] ?? 0;
      if (entry === 0) {
        entry = Atomics.compareExchange(words, at, 0, mine);
        if (entry === 0) return "new";
      }
      if (entry === mine) return "known";
      if ((entry & ~0xf) === tag) return this.#meet(at, tag, entry & 0xf);
    }
    return "full";
  }

  #meet(at: number, tag: number, arm: number): Seen {
    if (arm !== SEVERAL) {
      Atomics.store(this.#words, at, tag | SEVERAL);
      Atomics.add(this.#words, MIXED, 1);
    }
    return "several";
  }

  /** The arm a unit was seen in, or -1: never, or in several. */
  armOf(hash: number): number {
    const from = HEAD + (spread(hash) & (UNIT_SETS - 1)) * WAYS;
    for (let at = from; at < from + WAYS; at++) {
      const entry = this.#words[at] ?? 0;
      if (entry !== 0 && (entry & ~0xf) === (hash & ~0xf)) return (entry & 0xf) === SEVERAL ? -1 : (entry & 0xf) - 1;
    }
    return -1;
  }

  /** Whether this failure of a unit counts: at most one per unit and minute does (experiments.md 5.2). */
  failsAnew(kind: number, hash: number, minute: number): boolean {
    const words = this.#words;
    const from = HEAD + UNIT_WORDS + kind * FAILURE_WORDS + (spread(hash) & (FAILURE_SETS - 1)) * WAYS;
    const low = 0x80 | (minute & 0x7f);
    const now = (hash & ~0xff) | low;
    let free = -1;
    for (let at = from; at < from + WAYS; at++) {
      const entry = words[at] ?? 0;
      if (entry === now) return false;
      const same = (entry & ~0xff) === (hash & ~0xff);
      if (same) return Atomics.compareExchange(words, at, entry, now) === entry;
      if (free < 0 && (entry === 0 || (entry & 0xff) !== low)) free = at;
    }
    // Without room it does not count: that is on the safe side, and says nothing about the arm.
    return free >= 0 && Atomics.compareExchange(words, free, words[free] ?? 0, now) !== now;
  }
}

/** Other bits of the hash than those an entry keeps, so that set and tag together are nearly all of it. */
const spread = (hash: number): number => Math.imul(hash ^ (hash >>> 16), 0x9e37_79b1) >>> 15;
