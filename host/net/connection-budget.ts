// How many connections the process may have open, over all listeners and data threads: one word per thread in shared memory,
// so that what a thread that died had open is given back by clearing its word. Asked once per accepted connection.

/** Int32Array: the limit, then one count per thread. */
export type BudgetHandle = SharedArrayBuffer;

const LIMIT = 0;
const FIRST = 1;

/** @param threads numbered from 1 */
export function createConnectionBudget(threads: number): BudgetHandle {
  const handle = new SharedArrayBuffer((FIRST + threads) * 4);
  const words = new Int32Array(handle);
  words[LIMIT] = 2 ** 31 - 1;
  return handle;
}

export class ConnectionBudget {
  readonly #words: Int32Array;
  readonly #own: number;

  /** @param thread this one's number; 0 = one that has no connections (the control side) */
  constructor(handle: BudgetHandle, thread: number) {
    this.#words = new Int32Array(handle);
    this.#own = FIRST + thread - 1;
  }

  /** Counts one more, or says that there is no room. Two threads at the limit may both be told no, never both yes. */
  enter(): boolean {
    const words = this.#words;
    Atomics.add(words, this.#own, 1);
    if (this.open <= Atomics.load(words, LIMIT)) return true;
    Atomics.sub(words, this.#own, 1);
    return false;
  }

  leave(): void {
    Atomics.sub(this.#words, this.#own, 1);
  }

  /** Connections of all threads. */
  get open(): number {
    let sum = 0;
    for (let at = FIRST; at < this.#words.length; at++) sum += Atomics.load(this.#words, at);
    return sum;
  }

  /** From now on; connections above it stay. */
  limit(connections: number): void {
    Atomics.store(this.#words, LIMIT, connections);
  }

  /** A thread has ended, and its connections with it. */
  forget(thread: number): void {
    Atomics.store(this.#words, FIRST + thread - 1, 0);
  }
}
