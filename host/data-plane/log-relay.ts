// Carries what filters log to the control side in small bundles, and keeps one filter from flooding it: so many lines per
// filter and second, shared by the data threads; the rest is counted and said in one line (abi.md 14).
import type { Clock } from "../base/clock.ts";
import type { LogLine } from "../link/messages.ts";

const BUNDLE_MS = 20;
const WARN = 3;

interface Window {
  startedMs: number;
  lines: number;
  dropped: number;
}

export interface LogRelayOptions {
  readonly clock: Clock;
  /** Data threads, which share each filter's limit. */
  readonly threads: number;
  readonly send: (lines: readonly LogLine[]) => void;
  /** A line of this filter is over its limit. */
  readonly dropped: (filter: string) => void;
}

export class LogRelay {
  readonly #clock: Clock;
  readonly #send: (lines: readonly LogLine[]) => void;
  readonly #windows = new Map<string, Window>();
  #waiting: LogLine[] = [];
  readonly #threads: number;
  readonly #dropped: (filter: string) => void;

  constructor({ clock, threads, send, dropped }: LogRelayOptions) {
    this.#clock = clock;
    this.#threads = threads;
    this.#send = send;
    this.#dropped = dropped;
  }

  /** @param mostPerSecond lines of this filter, over all data threads */
  add(line: LogLine, mostPerSecond: number): void {
    const window = this.#window(line, mostPerSecond);
    if (window.lines >= Math.ceil(mostPerSecond / this.#threads)) {
      window.dropped++;
      this.#dropped(line.filter);
      return;
    }
    window.lines++;
    this.#push(line);
  }

  #window({ filter, version }: LogLine, mostPerSecond: number): Window {
    const now = this.#clock.monotonicMs();
    const known = this.#windows.get(filter);
    if (known !== undefined && now - known.startedMs < 1000) return known;
    if (known !== undefined && known.dropped > 0) {
      const message = `${known.dropped} log lines dropped: more than limits.logLines: ${mostPerSecond} in a second`;
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
