// How busy machine, process and event loop are, for filters that shed load (properties `sluice.system.*`). Nothing is
// measured until somebody asks for the first time; answers are at most a second old.
import { loadavg } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "../base/clock.ts";

const SAMPLE_MS = 1000;
/** How often the event loop is looked at, ms; a delay is told apart from the timer's own period. */
const RESOLUTION_MS = 10;
/** The lag's histogram starts anew after this time, so that an old stall does not stay the answer for ever. */
const WINDOW_MS = 10_000;

export class SystemSampler {
  readonly #clock: Clock;
  #cpuAtMs = -Infinity;
  #cpuMicros = 0;
  #cpu = 0;
  #lag: ReturnType<typeof monitorEventLoopDelay> | null = null;
  #lagSinceMs = 0;
  #lagMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  load1(): number {
    return loadavg()[0] ?? 0;
  }

  /** The first answer covers the time since the process began. */
  cpu(): number {
    const now = this.#clock.monotonicMs();
    if (now - this.#cpuAtMs < SAMPLE_MS) return this.#cpu;
    const { user, system } = process.cpuUsage();
    const elapsedMs = this.#cpuAtMs === -Infinity ? process.uptime() * 1000 : now - this.#cpuAtMs;
    this.#cpu = (user + system - this.#cpuMicros) / 1000 / elapsedMs;
    this.#cpuMicros = user + system;
    this.#cpuAtMs = now;
    return this.#cpu;
  }

  /** ms, over the last 10 to 20 s; 0 until the first samples are in. */
  eventLoopLagP99(): number {
    const now = this.#clock.monotonicMs();
    if (this.#lag === null) {
      this.#lag = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#lag.enable();
      this.#lagSinceMs = now;
    }
    if (this.#lag.count > 0) this.#lagMs = Math.max(0, this.#lag.percentile(99) / 1e6 - RESOLUTION_MS);
    if (now - this.#lagSinceMs >= WINDOW_MS) {
      this.#lag.reset();
      this.#lagSinceMs = now;
    }
    return this.#lagMs;
  }

  close(): void {
    this.#lag?.disable();
  }
}
