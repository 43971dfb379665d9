// Who has streams recorded now, recordings and shadows alike. Every change tells all data threads the whole list, so that one
// that is replaced learns it the same way.
import type { ToData } from "../../link/messages.ts";
import type { RecordedMessage, RecordingMessage } from "../../link/record.ts";

export interface Sampler {
  readonly want: Omit<RecordingMessage, "id">;
  readonly hear: (message: RecordedMessage) => void;
}

export class Sampling {
  readonly #broadcast: (message: ToData) => void;
  readonly #open = new Map<number, Sampler>();
  #last = 0;

  constructor(broadcast: (message: ToData) => void) {
    this.#broadcast = broadcast;
  }

  open(sampler: Sampler): number {
    const id = ++this.#last;
    this.#open.set(id, sampler);
    this.#broadcast(this.message);
    return id;
  }

  /** The same sampler wants something else from now on. */
  change(id: number, want: Partial<Sampler["want"]>): void {
    const known = this.#open.get(id);
    if (known === undefined) return;
    this.#open.set(id, { ...known, want: { ...known.want, ...want } });
    this.#broadcast(this.message);
  }

  close(id: number): void {
    if (this.#open.delete(id)) this.#broadcast(this.message);
  }

  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  /** What a data thread must know. */
  get message(): ToData {
    return { type: "recordings", recordings: [...this.#open].map(([id, { want }]) => ({ id, ...want })) };
  }

  received(message: RecordedMessage): void {
    this.#open.get(message.id)?.hear(message);
  }
}
