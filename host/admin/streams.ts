// The server-sent event streams that are open: kept alive, told to their owners when they end, and ended together, since a
// server waits for its connections.
import type { ServerResponse } from "node:http";
import type { Clock, Timer } from "../base/clock.ts";

/** Proxies between us and the reader cut silent connections, mostly after 30 s or more. */
const HEARTBEAT_MS = 15_000;

export class OpenStreams {
  readonly #clock: Clock;
  readonly #open = new Set<ServerResponse>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many readers there are; a leak check. */
  get size(): number {
    return this.#open.size;
  }

  close(): void {
    for (const response of this.#open) response.end();
  }

  /** @param ended once, however the stream ends */
  hold(response: ServerResponse, ended: () => void): void {
    // It may be gone before it began; then no further event tells.
    if (response.destroyed) return ended();
    this.#open.add(response);
    const heartbeat = this.#beat(response);
    response.on("close", () => {
      ended();
      heartbeat.cancel();
      this.#open.delete(response);
    });
  }

  #beat(response: ServerResponse): Timer {
    let timer: Timer;
    const again = (): void => {
      response.write(": still here\n\n");
      timer = this.#clock.after(HEARTBEAT_MS, again);
    };
    timer = this.#clock.after(HEARTBEAT_MS, again);
    return { cancel: () => timer.cancel() };
  }
}
