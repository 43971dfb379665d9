// Whether a listener takes one more request: the cap on requests under way, and the thread's own overload. Asked once per
// request, before anything is made for it.
import type { Clock } from "../base/clock.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { Gauge } from "../observe/metrics.ts";
import { LoopLag } from "./loop-lag.ts";
import type { ListenerLimits } from "./options.ts";

export class Admission {
  readonly #active: Gauge;
  readonly #lag: LoopLag;
  #maxActive = Infinity;

  /** @param active counts the requests under way */
  constructor(active: Gauge, clock: Clock) {
    this.#active = active;
    this.#lag = new LoopLag(clock);
  }

  configure({ maxActiveRequests, maxLoopLagMs }: ListenerLimits): void {
    this.#maxActive = maxActiveRequests === 0 ? Infinity : maxActiveRequests;
    this.#lag.watch(maxLoopLagMs);
  }

  /** Why the next request must be refused, or null. */
  refusal(): ErrorCode | null {
    if (this.#active.value >= this.#maxActive) return "too_many_active_requests";
    return this.#lag.over ? "overloaded" : null;
  }

  /** Nothing more is asked. */
  close(): void {
    this.#lag.stop();
  }
}
