// The clocks that run on one exchange. Kept as plain numbers: the connection has one wheel entry and asks which of them is
// next.
import type { ErrorCode } from "../base/errors.ts";
import type { ListenerLimits } from "./options.ts";

const dueAt = (fromMs: number, timeoutMs: number): number => (timeoutMs > 0 ? fromMs + timeoutMs : Infinity);

export class ExchangeDeadlines {
  /** Coarse monotonic ms of the last byte in either direction. */
  activeMs: number;
  #requestMs: number;
  #open: boolean;
  #routeMs = Infinity;
  readonly #startMs: number;
  #idleTimeoutMs: number;

  /** @param startMs monotonic ms of the end of the head */
  constructor(limits: ListenerLimits, startMs: number, endStream: boolean) {
    this.activeMs = startMs;
    this.#startMs = startMs;
    this.#idleTimeoutMs = limits.streamIdleTimeoutMs;
    this.#open = !endStream;
    this.#requestMs = endStream ? Infinity : dueAt(startMs, limits.requestTimeoutMs);
  }

  /** The route is known. @param timeoutMs from the end of the head to the last byte of the answer; 0 = off */
  routeChosen(timeoutMs: number): void {
    this.#routeMs = dueAt(this.#startMs, timeoutMs);
  }

  /** A filter has another idea of the idle timeout; 0 = off. */
  idleTimeoutChosen(timeoutMs: number): void {
    this.#idleTimeoutMs = timeoutMs;
  }

  requestEnded(): void {
    this.#open = false;
    this.#requestMs = Infinity;
  }

  /** Monotonic ms of the next deadline; Infinity when none runs. */
  get nextMs(): number {
    return Math.min(this.#requestMs, this.#routeMs, dueAt(this.activeMs, this.#idleTimeoutMs));
  }

  /**
   * What has run out, if anything: the client was too slow with its request, or nobody said anything while it was to speak;
   * else the upstream was. From then on only silence ends the exchange, since the error is being answered.
   */
  expire(nowMs: number): ErrorCode | null {
    if (nowMs < this.nextMs) return null;
    const slowClient = nowMs >= this.#requestMs || (nowMs < this.#routeMs && this.#open);
    this.#requestMs = Infinity;
    this.#routeMs = Infinity;
    this.activeMs = nowMs;
    return slowClient ? "request_timeout" : "upstream_response_timeout";
  }
}
