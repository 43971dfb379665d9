// The data threads: their birth, their end, and what they say. A thread that ends unasked is replaced; its successor
// loads the committed snapshot before it listens (decisions.md 5).
import type { ControlLink, ThreadInit } from "../link/link.ts";
import type { FromData, ThreadReport, ToData } from "../link/messages.ts";

/** Names of the config -> numbers of the ABI. */
export const LOG_LEVELS = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 } as const;

export interface ThreadHandle {
  readonly link: ControlLink;
  /** Resolves when the thread is gone, with what it died of (undefined = it ended in order). */
  readonly exited: Promise<Error | undefined>;
  terminate(): void;
}

export type SpawnThread = (init: ThreadInit) => ThreadHandle;

export interface ThreadsOptions {
  readonly count: number;
  readonly init: Omit<ThreadInit, "threadId">;
  readonly spawn: SpawnThread;
  readonly onMessage: (threadId: number, message: FromData) => void;
  /** After an unasked end; the thread is out of {@link Threads.ids} until {@link Threads.respawn}. */
  readonly onLost: (threadId: number, cause: Error | undefined) => void;
}

export class Threads {
  readonly #options: ThreadsOptions;
  readonly #handles = new Map<number, ThreadHandle>();
  readonly #collecting = new Map<
    number,
    { readonly threadId: number; readonly resolve: (report: ThreadReport | null) => void }
  >();
  /** A thread has finished its work after a `drain`. */
  onDrained: (threadId: number) => void = () => {};
  #nextCollect = 1;
  #stopping = false;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    for (let id = 1; id <= options.count; id++) this.respawn(id);
  }

  get ids(): readonly number[] {
    return [...this.#handles.keys()].sort((a, b) => a - b);
  }

  respawn(threadId: number): void {
    const handle = this.#options.spawn({ ...this.#options.init, threadId });
    this.#handles.set(threadId, handle);
    handle.link.onMessage((message) => this.#received(threadId, message));
    void handle.exited.then((cause) => this.#lost(threadId, handle, cause));
  }

  #received(threadId: number, message: FromData): void {
    if (message.type === "drained") return this.onDrained(threadId);
    if (message.type !== "collected") return this.#options.onMessage(threadId, message);
    this.#collecting.get(message.id)?.resolve(message.report);
    this.#collecting.delete(message.id);
  }

  #lost(threadId: number, handle: ThreadHandle, cause: Error | undefined): void {
    if (this.#handles.get(threadId) !== handle) return;
    this.#handles.delete(threadId);
    for (const [id, waiting] of this.#collecting) {
      if (waiting.threadId !== threadId) continue;
      this.#collecting.delete(id);
      waiting.resolve(null);
    }
    this.onDrained(threadId);
    if (!this.#stopping) this.#options.onLost(threadId, cause);
  }

  send(threadId: number, message: ToData): void {
    this.#handles.get(threadId)?.link.send(message);
  }

  broadcast(message: ToData): void {
    for (const id of this.ids) this.send(id, message);
  }

  /** Reports of all threads that live; one that ends meanwhile is left out. */
  async collect(): Promise<readonly ThreadReport[]> {
    const waiting = this.ids.map(
      (threadId) =>
        new Promise<ThreadReport | null>((resolve) => {
          const id = this.#nextCollect++;
          this.#collecting.set(id, { threadId, resolve });
          this.send(threadId, { type: "collect", id });
        }),
    );
    return (await Promise.all(waiting)).filter((report) => report !== null);
  }

  setLogLevel(level: keyof typeof LOG_LEVELS): void {
    this.broadcast({ type: "logLevel", level: LOG_LEVELS[level] });
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** No thread is replaced from here on. */
  expectExit(): void {
    this.#stopping = true;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const handles = [...this.#handles.values()];
    this.broadcast({ type: "stop" });
    await Promise.all(handles.map((handle) => handle.exited));
  }

  terminate(threadId: number): void {
    this.#handles.get(threadId)?.terminate();
  }
}
