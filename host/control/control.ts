// The control side as admin, CLI and demo see it. Each request goes to the desk that knows; this file only routes, reads
// and adds up.
import type { ProxyConfig } from "../config/options.ts";
import { problemError } from "../base/problem.ts";
import { redactConfig, redactText } from "../config/redact.ts";
import type { ThreadReport } from "../link/messages.ts";
import type { TapSelection } from "../link/tap.ts";
import { mergeSamples } from "../observe/prometheus.ts";
import type { MetricSample } from "../observe/samples.ts";
import { runningOn } from "./composer.ts";
import type { ConfigDesk } from "./config-desk.ts";
import type { CrashReport } from "./crash-report.ts";
import type { ExperimentDesk } from "./experiment-desk.ts";
import { type ExperimentState, isOpen } from "./experiment-state.ts";
import { experimentSamples } from "./experiment-samples.ts";
import { statusOf } from "./experiment-status.ts";
import type { FilterRecord } from "./filter-record.ts";
import { countEvents } from "./rollout/conversions.ts";
import { reportOf } from "./rollout/report.ts";
import type { RolloutDesk } from "./rollout/rollout-desk.ts";
import type { Runtime } from "./runtime.ts";
import type { Swapper } from "./swapper.ts";
import type { ExperimentReport, PostedEvent, PostedResult } from "./report-types.ts";
import type {
  ControlPlane,
  EndpointStatus,
  EventSource,
  ExperimentRequest,
  ExperimentStatus,
  FilterStatus,
  ListenerStatus,
  LoadResult,
  Recordings,
  Shadows,
  SwapResult,
  TapEvent,
  VersionInfo,
} from "./types.ts";
import { versionInfo, type Version } from "./version.ts";

export interface Desks {
  readonly swapper: Swapper;
  readonly experiments: ExperimentDesk;
  readonly rollouts: RolloutDesk;
  readonly config: ConfigDesk;
  readonly readConfigFile: () => Promise<string>;
  readonly shutdown: (reason: string) => Promise<void>;
}

export class Control implements ControlPlane {
  readonly #runtime: Runtime;
  readonly #desks: Desks;
  state: "starting" | "ready" | "draining" = "starting";

  constructor(runtime: Runtime, desks: Desks) {
    this.#runtime = runtime;
    this.#desks = desks;
  }

  get events(): EventSource {
    return this.#runtime.events;
  }

  get config(): ProxyConfig {
    return this.#runtime.config;
  }

  async filters(): Promise<readonly FilterStatus[]> {
    const reports = await this.#runtime.threads.collect("state");
    return [...this.#runtime.book.records.values()].map((record) => this.#filterStatus(record, reports));
  }

  #filterStatus(record: FilterRecord, reports: readonly ThreadReport[]): FilterStatus {
    const { options, live, problems } = record;
    const versions = record.versions.map((version) => this.#versionInfo(record, version, reports));
    return {
      name: options.name,
      source: options.source,
      version: live?.label ?? "",
      sha256: live?.sha256 ?? "",
      build: live?.build ?? "",
      failurePolicy: options.failurePolicy,
      phase: options.phase,
      problems,
      versions,
      experiment: runningOn(this.#runtime.experiments, options.name)?.name ?? "",
    };
  }

  #versionInfo(record: FilterRecord, version: Version, reports: readonly ThreadReport[]): VersionInfo {
    const prefix = `${record.options.name}@${version.label}:`;
    const mine = reports.flatMap((report) =>
      report.generations.filter((generation) => generation.key.startsWith(prefix)),
    );
    const inFlight = mine.reduce((sum, generation) => sum + generation.streams, 0);
    const running = mine.some((generation) => generation.state === "live") ? "live" : "draining";
    return versionInfo(version, mine.length === 0 ? "stored" : running, inFlight);
  }

  async upload(filter: string, wasm: Uint8Array, options: { swap: boolean; pluginConfig?: string }) {
    const { version, swap } = await this.#desks.swapper.upload(filter, wasm, options);
    const reports = await this.#runtime.threads.collect("state");
    return { version: this.#versionInfo(this.#runtime.book.get(filter), version, reports), swap };
  }

  swap(filter: string, version?: string): Promise<SwapResult> {
    return version === undefined ? this.#desks.swapper.rebuild(filter) : this.#desks.swapper.swap(filter, version);
  }

  crashes(filter: string): readonly CrashReport[] {
    return this.#runtime.faults.crashes(this.#runtime.book.get(filter).options.name);
  }

  rollback(filter: string): Promise<SwapResult> {
    return this.#desks.swapper.rollback(filter);
  }

  async experiments(): Promise<readonly ExperimentStatus[]> {
    const reports = await this.#runtime.threads.collect();
    return [...this.#runtime.experiments.values()].map((state) => this.#statusWith(state, reports));
  }

  async createExperiment(request: ExperimentRequest): Promise<ExperimentStatus> {
    return this.#status(await this.#desks.experiments.create(request));
  }

  async setWeights(experiment: string, weights: Readonly<Record<string, number>>): Promise<ExperimentStatus> {
    return this.#status(await this.#desks.experiments.setWeights(experiment, weights));
  }

  async promote(experiment: string, arm?: string): Promise<ExperimentStatus> {
    return this.#status(await this.#desks.experiments.promote(experiment, arm));
  }

  async abort(experiment: string): Promise<ExperimentStatus> {
    return this.#status(await this.#desks.experiments.abort(experiment));
  }

  async #status(state: ExperimentState): Promise<ExperimentStatus> {
    return this.#statusWith(state, await this.#runtime.threads.collect());
  }

  #statusWith(state: ExperimentState, reports: readonly ThreadReport[]): ExperimentStatus {
    return statusOf(this.#runtime, state, reports, this.#desks.rollouts.counts(state.name));
  }

  async pause(experiment: string): Promise<ExperimentStatus> {
    const { experiments, rollouts } = this.#desks;
    const state = experiments.get(experiment);
    if (!isOpen(state)) throw problemError("state", "experiment_ended", `experiment ${experiment} is ${state.state}`);
    await rollouts.hold(state, "manual", "paused by hand");
    return this.#status(experiments.get(experiment));
  }

  async resume(experiment: string): Promise<ExperimentStatus> {
    return this.#status(await this.#desks.rollouts.resume(experiment));
  }

  /** With what the data threads have counted up to now. */
  async report(experiment: string): Promise<ExperimentReport> {
    const { experiments, rollouts } = this.#desks;
    const state = experiments.get(experiment);
    if (isOpen(state)) await rollouts.look();
    const now = experiments.get(experiment);
    const nowMs = this.#runtime.clock.monotonicMs();
    const report = reportOf(now, await this.#status(now), rollouts.counts(experiment), nowMs);
    return { ...report, shadow: rollouts.shadowOf(now) };
  }

  async postEvents(experiment: string, events: readonly PostedEvent[]): Promise<PostedResult> {
    const { experiments, rollouts } = this.#desks;
    const state = experiments.get(experiment);
    const counts = rollouts.counts(experiment);
    if (!isOpen(state) || counts === null) return { counted: 0, ignored: events.length };
    return countEvents(state, counts, this.#runtime.trials, events);
  }

  load(text: string, options?: { path?: string; dryRun?: boolean }): Promise<LoadResult> {
    return this.#desks.config.load(text, options);
  }

  async reload(): Promise<LoadResult> {
    return this.#desks.config.load(await this.#desks.readConfigFile());
  }

  async configDump(): Promise<Readonly<Record<string, unknown>>> {
    const { config, configText } = this.#runtime;
    return { path: this.#desks.config.path, text: redactText(configText), config: redactConfig(config) };
  }

  async metrics(): Promise<readonly MetricSample[]> {
    const reports = await this.#runtime.threads.collect();
    return mergeSamples([
      ...reports.flatMap((report) => report.samples),
      ...this.#runtime.stores.metrics.collect(),
      ...this.#runtime.faults.samples(),
      ...this.#runtime.shadows.samples,
      ...this.#ownSamples(),
      ...experimentSamples(this.#runtime, reports),
    ]);
  }

  #ownSamples(): readonly MetricSample[] {
    const { book, threads } = this.#runtime;
    const gauge = (name: string, help: string, value: number, labels: Record<string, string> = {}): MetricSample => ({
      name,
      type: "gauge",
      help,
      labels,
      value,
    });
    const live = [...book.records.values()].flatMap(({ live: version, options }) =>
      version === null
        ? []
        : [
            gauge("sluice_filter_live", "Live version of a filter", 1, {
              filter: options.name,
              version: version.label,
              sha256: version.sha256.slice(0, 12),
            }),
          ],
    );
    return [gauge("sluice_data_threads", "Data threads running", threads.ids.length), ...live];
  }

  async clusters(): Promise<readonly EndpointStatus[]> {
    const reports = await this.#runtime.threads.collect("state");
    const rows = new Map<string, EndpointStatus>();
    for (const row of reports.flatMap((report) => report.endpoints)) {
      const key = `${row.cluster} ${row.address}`;
      const known = rows.get(key);
      rows.set(key, known === undefined ? row : addRows(known, row));
    }
    return [...rows.values()];
  }

  async listeners(): Promise<readonly ListenerStatus[]> {
    const reports = await this.#runtime.threads.collect("state");
    const rows = new Map<string, ListenerStatus>();
    for (const row of reports.flatMap((report) => report.listeners)) {
      rows.set(row.name, { ...row, connections: row.connections + (rows.get(row.name)?.connections ?? 0) });
    }
    return [...rows.values()];
  }

  tap(selection: TapSelection, hear: (event: TapEvent) => void): () => void {
    return this.#runtime.taps.open(selection, hear);
  }

  get recordings(): Recordings {
    return this.#runtime.recordings;
  }

  get shadows(): Shadows {
    return this.#runtime.shadows;
  }

  async setLogLevel(level: ProxyConfig["logLevel"]): Promise<void> {
    this.#runtime.threads.setLogLevel(level);
  }

  async shutdown(reason: string): Promise<void> {
    if (this.state === "draining") return;
    this.state = "draining";
    this.#runtime.events.emit({ type: "drain", text: `draining: ${reason}` });
    await this.#desks.shutdown(reason);
  }
}

function addRows(a: EndpointStatus, b: EndpointStatus): EndpointStatus {
  return {
    ...a,
    active: a.active + b.active,
    connections: a.connections + b.connections,
    idle: a.idle + b.idle,
    requests: a.requests + b.requests,
    failures: a.failures + b.failures,
  };
}
