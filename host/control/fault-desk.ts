// Faults of filters, over all data threads: every one is a crash report, an event and a count; a version that fails too
// often within a window goes into quarantine (decisions.md 1). Counted per version, so that one bad request that is sent
// again and again cannot force endless renewals.
import type { Clock } from "../base/clock.ts";
import type { MetricSample } from "../observe/samples.ts";
import { FILTER_DEFAULTS } from "../plugin/defaults.ts";
import type { QuarantineOptions } from "../plugin/options.ts";
import type { FaultReport } from "../plugin/services.ts";
import { type CrashReport, crashLines, positionOf } from "./crash-report.ts";
import type { NewEvent } from "./events.ts";
import type { Poison } from "./quarantine.ts";
import type { SourceFrame } from "./trap-position.ts";

/** Crash reports kept per filter, the newest. */
const KEPT = 20;
/** Versions whose last failures are known; the one that failed last stands at the end. */
const MAX_RECENT = 1000;
/** Series of crash counts; what comes after them is counted under the version `other`. */
const MAX_COUNTS = 1000;

export interface FaultDeskOptions {
  readonly clock: Clock;
  readonly emit: (event: NewEvent) => void;
  /** Source positions of a guest's frames. */
  readonly locate: (report: FaultReport) => readonly SourceFrame[];
  /** Undefined for a filter that is gone. */
  readonly limitsOf: (filter: string) => QuarantineOptions | undefined;
  readonly quarantine: (poison: Poison) => void;
}

export class FaultDesk {
  readonly #options: FaultDeskOptions;
  /** `filter@version` -> when it failed, monotonic ms, within the window. */
  readonly #recent = new Map<string, readonly number[]>();
  readonly #totals = new Map<string, number>();
  /** By labels in JSON. */
  readonly #counts = new Map<string, number>();
  readonly #crashes = new Map<string, readonly CrashReport[]>();

  constructor(options: FaultDeskOptions) {
    this.#options = options;
  }

  /** Faults of a filter since the start, all versions. */
  total(filter: string): number {
    return this.#totals.get(filter) ?? 0;
  }

  /** The newest first. */
  crashes(filter: string): readonly CrashReport[] {
    return this.#crashes.get(filter) ?? [];
  }

  samples(): readonly MetricSample[] {
    const help = "Instances of a filter that were discarded, by what ended them";
    return [...this.#counts].map(([labels, value]) => ({
      name: "sluice_filter_crashes_total",
      type: "counter",
      help,
      labels: JSON.parse(labels) as Record<string, string>,
      value,
    }));
  }

  report(threadId: number, report: FaultReport): void {
    const { filter, version, fault, renewInMs } = report;
    const { clock, emit } = this.#options;
    const frames = this.#options.locate(report);
    const crash: CrashReport = {
      time: new Date(clock.nowMs()).toISOString(),
      filter,
      version,
      threadId,
      renewInMs,
      ...fault,
      frames,
      position: positionOf(frames),
    };
    this.#crashes.set(filter, [crash, ...this.crashes(filter)].slice(0, KEPT));
    this.#count(filter, version, fault.reason);
    emit({ type: "fault", filter, text: crashLines(crash).join("\n"), data: { ...crash } });
    this.#judge(crash);
  }

  #count(filter: string, version: string, reason: string): void {
    this.#totals.set(filter, this.total(filter) + 1);
    const own = JSON.stringify({ filter, version, reason });
    const isNew = !this.#counts.has(own) && this.#counts.size >= MAX_COUNTS;
    const labels = isNew ? JSON.stringify({ filter, version: "other", reason }) : own;
    this.#counts.set(labels, (this.#counts.get(labels) ?? 0) + 1);
  }

  #judge({ filter, version, reason, callback }: CrashReport): void {
    const { faults, windowMs } = this.#options.limitsOf(filter) ?? FILTER_DEFAULTS.quarantine;
    if (faults === 0) return;
    const key = `${filter}@${version}`;
    const now = this.#options.clock.monotonicMs();
    const recent = [...(this.#recent.get(key) ?? []).filter((at) => now - at < windowMs), now];
    this.#recent.delete(key);
    this.#recent.set(key, recent);
    this.#forgetOldest();
    if (recent.length < faults) return;
    this.#recent.delete(key);
    const why = `${faults} faults in ${windowMs / 1000} s, the last one ${reason} in ${callback}`;
    this.#options.quarantine({ filter, version, why });
  }

  #forgetOldest(): void {
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > MAX_RECENT && oldest !== undefined) this.#recent.delete(oldest);
  }
}
