// Tells the plugin context that registered a queue last that an item has come: one proxy_on_queue_ready per item, never
// from inside the call that put it in (abi.md 5.6). Each data thread has one; items put in on other threads arrive here by
// message.

export interface QueueListener {
  queueReady(id: number): void;
}

export class QueueBell {
  readonly #listeners = new Map<number, QueueListener>();

  watch(id: number, listener: QueueListener): void {
    this.#listeners.set(id, listener);
  }

  /** Forgets a listener that ends. */
  forget(listener: QueueListener): void {
    for (const [id, known] of this.#listeners) if (known === listener) this.#listeners.delete(id);
  }

  ring(id: number): void {
    this.#listeners.get(id)?.queueReady(id);
  }
}
