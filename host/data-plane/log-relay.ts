// Carries what filters log to the control side in small bundles, and keeps one filter from flooding it: 1 000 lines per
// filter and second, the rest is counted and said in one line (abi.md 14).
import { MAX_LOG_LINES_PER_SECOND } from "../abi/limits.ts";
import type { Clock } from "../base/clock.ts";
import type { LogLine } from "../link/messages.ts";

const BUNDLE_MS = 20;
const WARN = 3;

interface Window {
  startedMs: number;
  lines: number;
  dropped: number;
}

export class LogRelay {
  readonly #clock: Clock;
  readonly #send: (lines: readonly LogLine[]) => void;
  readonly #windows = new Map<string, Window>();
  #waiting: LogLine[] = [];

  constructor(clock: Clock, send: (lines: readonly LogLine[]) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  add(line: LogLine): void {
    const window = this.#window(line);
    if (window.lines >= MAX_LOG_LINES_PER_SECOND) {
      window.dropped++;
      return;
    }
    window.lines++;
    this.#push(line);
  }

  #window({ filter, version }: LogLine): Window {
    const now = this.#clock.monotonicMs();
    const known = this.#windows.get(filter);
    if (known !== undefined && now - known.startedMs < 1000) return known;
    if (known !== undefined && known.dropped > 0) {
      const message = `${known.dropped} log lines dropped: more than ${MAX_LOG_LINES_PER_SECOND} in a second`;
      this.#push({ level: WARN, filter, version, contextId: 0, message });
    }
    const fresh = { startedMs: now, lines: 0, dropped: 0 };
    this.#windows.set(filter, fresh);
    return fresh;
  }

  #push(line: LogLine): void {
    this.#waiting.push(line);
    if (this.#waiting.length === 1) this.#clock.after(BUNDLE_MS, () => this.flush());
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const lines = this.#waiting;
    this.#waiting = [];
    this.#send(lines);
  }
}
