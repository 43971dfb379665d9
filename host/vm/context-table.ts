// The living contexts of one VM by id. Ids are given out by the table itself, so that every living id has a slot of its own
// at `id & mask`: a look-up is one read, and nothing is allocated when streams come and go.
// Not a Map: a Map with that much coming and going builds itself anew every few hundred streams, and each discarded table
// that has grown old keeps its successor, and through it whole finished exchanges, alive until the next full collection.
// That made half of the young generation survive (docs/performance.md).
import type { Hostcalls } from "./ports.ts";

const FIRST_SLOTS = 64;
/** Guests take ids for signed numbers here and there. */
const MAX_ID = 0x7fff_ffff;

export class ContextTable {
  #slots: (Hostcalls | null)[] = newSlots(FIRST_SLOTS);
  #last = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** An id no living context has, for one {@link add}. Ids count upwards and begin anew after 2^31 - 1. */
  nextId(): number {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    let id = this.#last;
    do id = id === MAX_ID ? 1 : id + 1;
    while (this.#slots[id & mask] !== null);
    this.#last = id;
    return id;
  }

  /** Its id is the newest of {@link nextId}. */
  add(context: Hostcalls): void {
    this.#slots[context.id & (this.#slots.length - 1)] = context;
    this.#size++;
  }

  get(id: number): Hostcalls | undefined {
    const found = this.#slots[id & (this.#slots.length - 1)];
    return found?.id === id ? found : undefined;
  }

  /** False when it was not there. */
  delete(id: number): boolean {
    if (this.get(id) === undefined) return false;
    this.#slots[id & (this.#slots.length - 1)] = null;
    this.#size--;
    return true;
  }

  /** A copy: the table may change while it is walked. In order of slots. */
  values(): readonly Hostcalls[] {
    return this.#slots.filter((context) => context !== null);
  }

  clear(): void {
    this.#slots = newSlots(FIRST_SLOTS);
    this.#size = 0;
  }

  /** Ids that differ in their lower bits differ in one bit more: twice the slots hold them without a clash. */
  #grow(): void {
    const slots = newSlots(this.#slots.length * 2);
    for (const context of this.values()) slots[context.id & (slots.length - 1)] = context;
    this.#slots = slots;
  }
}

const newSlots = (count: number): (Hostcalls | null)[] => Array.from({ length: count }, () => null);
