// Who taps, and what their taps bring back. Every change tells all data threads the whole list, so that one that is replaced
// learns it the same way.
import { problemError } from "../base/problem.ts";
import type { ToData } from "../link/messages.ts";
import type { TapMessage, TappedMessage, TapSelection } from "../link/tap.ts";
import type { TapEvent } from "./types.ts";

/** Each may follow up to its rate of requests on every thread. */
const MAX_TAPS = 8;

interface OpenTap extends TapMessage {
  readonly hear: (event: TapEvent) => void;
  /** That have said so. */
  readonly sampling: Set<number>;
}

export class TapDesk {
  readonly #broadcast: (message: ToData) => void;
  readonly #open = new Map<number, OpenTap>();
  #last = 0;

  constructor(broadcast: (message: ToData) => void) {
    this.#broadcast = broadcast;
  }

  /** Returns what closes it. @throws ProblemError when too many are open */
  open(selection: TapSelection, hear: (event: TapEvent) => void): () => void {
    if (this.#open.size >= MAX_TAPS)
      throw problemError("state", "too_many_taps", `${MAX_TAPS} taps are open already; close one first`);
    const id = ++this.#last;
    this.#open.set(id, { id, selection, hear, sampling: new Set() });
    this.#broadcast(this.message);
    return () => {
      if (this.#open.delete(id)) this.#broadcast(this.message);
    };
  }

  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  /** What a data thread must know. */
  get message(): ToData {
    return { type: "taps", taps: [...this.#open.values()].map(({ id, selection }) => ({ id, selection })) };
  }

  sampling(thread: number, taps: readonly number[]): void {
    for (const id of taps) {
      const tap = this.#open.get(id);
      if (tap === undefined || tap.sampling.has(thread)) continue;
      tap.sampling.add(thread);
      tap.hear({ type: "sampling", thread });
    }
  }

  /** A data thread ended; its successor is told by {@link message} and says that it samples. */
  lost(thread: number): void {
    for (const { sampling } of this.#open.values()) sampling.delete(thread);
  }

  tapped({ records, lost }: TappedMessage): void {
    for (const [id, count] of Object.entries(lost)) this.#open.get(Number(id))?.hear({ type: "lost", count });
    for (const { tap, record } of records) this.#open.get(tap)?.hear({ type: "request", record });
  }
}
