// Faults of filters, over all data threads: every one is an event; three of one version within a minute put the version in
// quarantine (decisions.md 1).
import type { Clock } from "../base/clock.ts";
import type { FaultReport } from "../plugin/services.ts";
import type { NewEvent } from "./events.ts";
import type { SourceFrame } from "./trap-position.ts";

const WINDOW_MS = 60_000;
const LIMIT = 3;

export interface FaultDeskOptions {
  readonly clock: Clock;
  readonly emit: (event: NewEvent) => void;
  /** Source positions of a guest's frames. */
  readonly locate: (report: FaultReport) => readonly SourceFrame[];
  readonly quarantine: (filter: string, version: string) => void;
}

export class FaultDesk {
  readonly #options: FaultDeskOptions;
  /** `filter@version` -> when it failed, monotonic ms, within the window. */
  readonly #recent = new Map<string, number[]>();
  readonly #totals = new Map<string, number>();

  constructor(options: FaultDeskOptions) {
    this.#options = options;
  }

  /** Faults of a filter since the start, all versions. */
  total(filter: string): number {
    return this.#totals.get(filter) ?? 0;
  }

  report(threadId: number, report: FaultReport): void {
    const { filter, version, fault, renewInMs } = report;
    const { clock, emit } = this.#options;
    const located = this.#options.locate(report);
    const frames = located.map(
      ({ name, file, line, column }) => `    at ${name}${file === "" ? "" : ` (${file}:${line}:${column})`}`,
    );
    const text = `${filter} ${version} ${fault.reason} in ${fault.callback}: ${fault.message}`;
    emit({
      type: "fault",
      filter,
      text: [text, ...frames].join("\n"),
      data: { version, threadId, renewInMs, ...fault, frames: located },
    });
    this.#totals.set(filter, this.total(filter) + 1);
    const key = `${filter}@${version}`;
    const now = clock.monotonicMs();
    const recent = [...(this.#recent.get(key) ?? []).filter((at) => now - at < WINDOW_MS), now];
    this.#recent.set(key, recent);
    if (recent.length < LIMIT) return;
    this.#recent.delete(key);
    this.#options.quarantine(filter, version);
  }
}
