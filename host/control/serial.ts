// One change at a time: everything that alters what serves runs through one queue, so that two reloads cannot interleave.

export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `task` after all earlier ones have ended, however they ended. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task, task);
    this.#tail = result.catch(() => {});
    return result;
  }

  /** When everything queued so far has ended. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
