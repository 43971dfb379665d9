// What happened, in order: the terminal, the SSE route and tests subscribe. Bounded: the newest 500 are kept.
import type { Clock } from "../base/clock.ts";
import type { EventSource, SluiceEvent } from "./types.ts";

const KEPT = 500;

export type NewEvent = Omit<SluiceEvent, "id" | "time">;

export class EventHub implements EventSource {
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: SluiceEvent) => void>();
  #past: SluiceEvent[] = [];
  #nextId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  emit(event: NewEvent): void {
    const whole: SluiceEvent = { id: this.#nextId++, time: new Date(this.#clock.nowMs()).toISOString(), ...event };
    this.#past.push(whole);
    if (this.#past.length > KEPT) this.#past = this.#past.slice(-KEPT);
    for (const listener of this.#listeners) listener(whole);
  }

  subscribe(listener: (event: SluiceEvent) => void, options: { replay?: number } = {}): () => void {
    const { replay = KEPT } = options;
    for (const event of replay === 0 ? [] : this.#past.slice(-replay)) listener(event);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
