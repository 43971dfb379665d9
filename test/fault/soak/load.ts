// Requests without a pause over kept connections, while versions change: each answer must be a 200 of a version that was
// live at some moment of its request. What is lost with a data thread that is ended on purpose is counted apart.
import { Agent, request } from "node:http";

export interface Answered {
  readonly status: number;
  readonly word: string;
}

/** Asks for `path` once. */
export function ask(port: number, path: string, agent: Agent): Promise<Answered> {
  return new Promise((answered, failed) => {
    const sent = request({ host: "127.0.0.1", port, path, agent }, (response) => {
      response.resume();
      response.on("end", () =>
        answered({ status: response.statusCode ?? 0, word: String(response.headers["x-version"]) }),
      );
      response.on("error", failed);
    });
    sent.on("error", failed).end();
  });
}

export class Load {
  readonly failures: string[] = [];
  /** Millis of every request. */
  readonly millis: number[] = [];
  requests = 0;
  /** Connections that ended with their data thread. */
  lost = 0;
  /** Words that were live, or may be by now; the last one that is live for certain stands at `#settled`. */
  readonly #words: string[];
  #settled = 0;
  #losing = 0;
  #running = false;
  #agent = new Agent({ keepAlive: true });
  #loops: readonly Promise<void>[] = [];
  readonly #port: number;

  constructor(port: number, word: string) {
    this.#port = port;
    this.#words = [word];
  }

  get word(): string {
    return this.#words[this.#settled] ?? "";
  }

  start(connections: number): void {
    this.#running = true;
    this.#agent = new Agent({ keepAlive: true });
    this.#loops = Array.from({ length: connections }, () => this.#loop());
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
    this.#agent.destroy();
  }

  /** `word` is live once `change` resolves, and not at all when it rejects. */
  async becomes<T>(word: string, change: () => Promise<T>): Promise<T> {
    const before = this.word;
    this.#words.push(word);
    try {
      return await change();
    } catch (error) {
      this.#words.push(before);
      throw error;
    } finally {
      this.#settled = this.#words.length - 1;
    }
  }

  /** While `during` runs, connections may end with the thread that carried them. */
  async losing<T>(during: () => Promise<T>): Promise<T> {
    this.#losing++;
    try {
      return await during();
    } finally {
      this.#losing--;
    }
  }

  async #loop(): Promise<void> {
    while (this.#running) {
      const from = this.#settled;
      const wasLosing = this.#losing > 0;
      const startedMs = performance.now();
      try {
        this.#judge(await ask(this.#port, "/", this.#agent), from);
        this.millis.push(performance.now() - startedMs);
      } catch (error) {
        if (wasLosing || this.#losing > 0) this.lost++;
        else this.failures.push(String(error));
      }
      this.requests++;
    }
  }

  #judge({ status, word }: Answered, from: number): void {
    if (status !== 200) this.failures.push(`answered ${status}`);
    else if (!this.#words.slice(from).includes(word)) this.failures.push(`${word} answered, ${this.word} is live`);
  }
}
