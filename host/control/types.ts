// What the control side shows to the admin API, the CLI and the demo. These objects are also what `--json` prints, so
// their fields are a contract: add, do not rename (surface.md).
import type { ProxyConfig } from "../config/options.ts";
import type { ExperimentMode, LayerOptions } from "../experiment/options.ts";
import type { ExperimentReport, PostedEvent, PostedResult } from "./report-types.ts";
import type { TapRecord, TapSelection } from "../link/tap.ts";
import type { ShadowReport, ShadowRequest } from "./shadow/shadow.ts";
import type { RecordingRequest, RecordingStatus } from "./record/recording.ts";
import type { MetricSample } from "../observe/samples.ts";
import type { Problem } from "../base/problem.ts";
import type { CrashReport } from "./crash-report.ts";

/** One immutable version of a filter: a module and a configuration. */
export interface VersionInfo {
  /** `v1`, `v2`, ... per filter, counted up, kept over restarts. */
  readonly version: string;
  /** sha256 of the module as built or uploaded, 64 hex digits. */
  readonly sha256: string;
  /** sha256 of the plugin configuration text. */
  readonly configSha256: string;
  /** From the module's `sluice` section, or "". */
  readonly semver: string;
  /** `debug`, `optimised`, `wasm` (given as a binary), `upload`. */
  readonly build: "debug" | "optimised" | "wasm" | "upload";
  /** Bytes of the module. */
  readonly size: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly state: "live" | "draining" | "retired" | "stored";
  /** Streams that still run on this version, all data threads together. */
  readonly inFlight: number;
}

export interface FilterStatus {
  readonly name: string;
  readonly source: string;
  /** The version new streams get, outside experiments; "" while none ever loaded. */
  readonly version: string;
  readonly sha256: string;
  readonly build: VersionInfo["build"] | "";
  readonly failurePolicy: string;
  readonly phase: string;
  /** What is wrong with the newest source, if the live version is older than it. */
  readonly problems: readonly Problem[];
  readonly versions: readonly VersionInfo[];
  /** Name of the experiment on this filter, or "". */
  readonly experiment: string;
}

export interface SwapResult {
  readonly filter: string;
  readonly from: string;
  readonly to: string;
  readonly sha256: string;
  /** Prepare and commit over all data threads. */
  readonly millis: number;
  /** Streams that finish on `from`. */
  readonly inFlight: number;
  readonly threads: number;
}

export interface ArmStatus {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly weight: number;
  /** Share of the bucket space [0, 10000), as contiguous [from, to) ranges. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly requests: number;
  /** By first digit of the status: "2xx" -> n. */
  readonly responses: Readonly<Record<string, number>>;
  readonly localReplies: number;
  readonly faults: number;
}

export interface ExperimentStatus {
  readonly name: string;
  readonly filter: string;
  /** `held`: nothing goes on by itself, `rollout.hold` says why; `rolledBack`: by itself, `log` says why. */
  readonly state: "running" | "held" | "promoted" | "aborted" | "rolledBack";
  readonly unit: readonly string[];
  readonly salt: string;
  readonly arms: readonly ArmStatus[];
  /** Requests whose unit was missing (they got the control arm). */
  readonly unitMissing: number;
  readonly mode: ExperimentMode;
  /** Layer and the part of it, or null. */
  readonly layer: LayerOptions | null;
  readonly rollout: RolloutStatus;
}

export interface RolloutStatus {
  /** In words: `setWeight 5`, `pause 30s`, ... */
  readonly steps: readonly string[];
  /** Index of the step that runs; as many as there are steps = all done. */
  readonly step: number;
  readonly hold: string | null;
  /** Units that were seen in several arms, and are left out. */
  readonly multipleExposure: number;
  /** One sentence: what the numbers say so far. */
  readonly summary: string;
  readonly log: readonly { readonly at: string; readonly by: string; readonly what: string }[];
}

export interface RequestedVariant {
  readonly name: string;
  readonly version: string;
  readonly weight: number;
  /** Another configuration than the filter's: the arm is a version of its own. */
  readonly pluginConfig?: object | string;
}

/** `POST /api/v1/experiments`. */
export interface ExperimentRequest {
  readonly name: string;
  readonly filter: string;
  /** `header:x-user`, `cookie:sid`, `set-cookie:sid`, `claim:sub`, `tag:user`, `sourceIp`, `connection`, `requestId`. */
  readonly unit: readonly string[];
  readonly salt?: string;
  readonly variants: readonly RequestedVariant[];
  /** Further keys of an experiment as the config has them: mode, metrics, analysis, rollout, ... */
  readonly rules?: Readonly<Record<string, unknown>>;
  /** A candidate that was rolled back before may be tried again. */
  readonly force?: boolean;
}

export interface LoadResult {
  readonly changed: boolean;
  /** What was done, one sentence each. */
  readonly changes: readonly string[];
  readonly warnings: readonly Problem[];
}

export interface EndpointStatus {
  readonly cluster: string;
  readonly address: string;
  readonly weight: number;
  readonly active: number;
  readonly connections: number;
  readonly idle: number;
  readonly requests: number;
  readonly failures: number;
}

export interface ListenerStatus {
  readonly name: string;
  readonly address: string;
  readonly connections: number;
  readonly protocol: "http" | "tcp";
  /** Connections begin with a TLS handshake. */
  readonly tls?: true;
}

/** Something that happened; `GET /api/v1/events` and the terminal show it. `data` depends on `type`. */
export interface SluiceEvent {
  /** Counts up within the process. */
  readonly id: number;
  /** ISO 8601. */
  readonly time: string;
  readonly type:
    | "ready"
    | "compile"
    | "compile-failed"
    | "swap"
    | "swap-refused"
    | "retired"
    | "fault"
    | "quarantine"
    | "config"
    | "config-refused"
    | "experiment"
    | "recording"
    | "shadow"
    | "thread"
    | "log"
    | "drain";
  readonly filter?: string;
  /** One line, ready to print. */
  readonly text: string;
  readonly problems?: readonly Problem[];
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What a tap brings: `GET /api/v1/tap` sends each as an event of its type. */
export type TapEvent =
  /** This data thread samples now; again when it has been replaced. */
  | { readonly type: "sampling"; readonly thread: number }
  | { readonly type: "request"; readonly record: TapRecord }
  /** So many requests were sampled and given up: they were too many, or the reader too slow. */
  | { readonly type: "lost"; readonly count: number };

export interface EventSource {
  /** Past events, oldest first (bounded), then every new one. Returns the unsubscribe function. */
  subscribe(listener: (event: SluiceEvent) => void, options?: { replay?: number }): () => void;
}

/** Recordings of filters (experiments.md 7). Each method @throws ProblemError. */
export interface Recordings {
  readonly statuses: readonly RecordingStatus[];
  open(request: RecordingRequest): RecordingStatus;
  stop(id: number): RecordingStatus;
  /** JSONL, as far as it has come. */
  text(id: number): string;
}

/** Shadows of filters (experiments.md 6): one per filter. Each method @throws ProblemError. */
export interface Shadows {
  readonly reports: readonly ShadowReport[];
  start(request: ShadowRequest): ShadowReport;
  stop(filter: string): ShadowReport;
  report(filter: string): ShadowReport;
}

/** What admin and CLI may ask of the control side. Rejections are ProblemError. */
export interface ControlPlane {
  readonly events: EventSource;
  readonly state: "starting" | "ready" | "draining";
  readonly config: ProxyConfig;
  filters(): Promise<readonly FilterStatus[]>;
  /** Validates and stores; with `swap`, also makes it live. Rejects with the reasons. */
  upload(
    filter: string,
    wasm: Uint8Array,
    options: { swap: boolean; pluginConfig?: string },
  ): Promise<{ version: VersionInfo; swap: SwapResult | null }>;
  /** `version`: `v3`, a sha256 prefix (8+), a semver; absent = rebuild from source and swap. */
  swap(filter: string, version?: string): Promise<SwapResult>;
  /** The newest crash reports of a filter, newest first. @throws ProblemError when there is no such filter */
  crashes(filter: string): readonly CrashReport[];
  /** To the version that was live before. */
  rollback(filter: string): Promise<SwapResult>;
  experiments(): Promise<readonly ExperimentStatus[]>;
  createExperiment(request: ExperimentRequest): Promise<ExperimentStatus>;
  /** Weights by arm name; they must cover every arm and add up to 100. */
  setWeights(experiment: string, weights: Readonly<Record<string, number>>): Promise<ExperimentStatus>;
  /** `arm` becomes the filter's live version and the experiment ends. */
  promote(experiment: string, arm?: string): Promise<ExperimentStatus>;
  /** Back to the control arm, at once. */
  abort(experiment: string): Promise<ExperimentStatus>;
  /** Nothing goes on by itself until `resume`; a rollback still does. */
  pause(experiment: string): Promise<ExperimentStatus>;
  resume(experiment: string): Promise<ExperimentStatus>;
  report(experiment: string): Promise<ExperimentReport>;
  postEvents(experiment: string, events: readonly PostedEvent[]): Promise<PostedResult>;
  /** Loads a config text atomically; a bad one keeps the old and rejects. */
  load(text: string, options?: { path?: string; dryRun?: boolean }): Promise<LoadResult>;
  /** Reads the config file again (SIGHUP, `sluice reload`). */
  reload(): Promise<LoadResult>;
  /** Config text as loaded, and the parsed form, secrets redacted. */
  configDump(): Promise<Readonly<Record<string, unknown>>>;
  metrics(): Promise<readonly MetricSample[]>;
  clusters(): Promise<readonly EndpointStatus[]>;
  listeners(): Promise<readonly ListenerStatus[]>;
  /**
   * Sampled requests of all data threads, until the function that is returned is called.
   * @throws ProblemError when too many are open
   */
  tap(selection: TapSelection, hear: (event: TapEvent) => void): () => void;
  readonly recordings: Recordings;
  readonly shadows: Shadows;
  setLogLevel(level: ProxyConfig["logLevel"]): Promise<void>;
  /** Stops taking new work, waits up to drainTimeout, ends the data threads. */
  shutdown(reason: string): Promise<void>;
}
