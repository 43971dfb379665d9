// What control and data threads say to each other. Everything here is structured-cloneable. The control side describes
// the whole desired state as a snapshot; a data thread builds what is new beside what runs, says so, and switches when
// the epoch word moves (decisions.md 22).
import type { Problem } from "../base/problem.ts";
import type { LayerOptions, OverrideOptions, Targeting, UnitSource } from "../experiment/options.ts";
import type { TallyPlan, TallySums } from "../experiment/tally.ts";
import type { UnitBookHandle } from "../experiment/unit-book.ts";
import type { Program } from "../module/component/program.ts";
import type { ListenerOptions } from "../net/options.ts";
import type { MetricSample } from "../observe/samples.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { FaultReport } from "../plugin/services.ts";
import type { ClusterOptions } from "../upstream/options.ts";
import type { RecordedMessage, RecordingMessage } from "./record.ts";
import type { TapMessage, TappedMessage } from "./tap.ts";

/** One filter version with its configurations: what a data thread keeps a VM for. */
export interface GenerationMessage {
  /** Identity over code, configurations, vm id, environment, capabilities and limits (abi.md 8.1). */
  readonly key: string;
  readonly version: string;
  readonly sha256: string;
  /** Of the module's `sluice` section, or "". */
  readonly semver: string;
  /** Which compiled module of {@link PrepareMessage.modules}, now or earlier. */
  readonly moduleKey: string;
  readonly options: FilterOptions;
  /** Most points for a step of the start-up, from what the canary used; absent = the general limit. */
  readonly startFuel?: number;
  /** `listener/route` -> the configuration merged for that route. */
  readonly overrides: Readonly<Record<string, string>>;
}

export interface ArmMessage {
  /** "" outside experiments. */
  readonly name: string;
  /** {@link GenerationMessage.key}. */
  readonly generation: string;
  /** [from, to) parts of the bucket space [0, 10000). */
  readonly ranges: readonly (readonly [number, number])[];
}

/**
 * What runs where a chain names a filter. Without an experiment: one arm with the whole bucket space. Without any arm:
 * no version of the filter ever loaded and its policy is to refuse.
 */
export interface SlotMessage {
  readonly filter: string;
  readonly experiment: string;
  readonly salt: string;
  readonly unit: readonly UnitSource[];
  readonly arms: readonly ArmMessage[];
  /** Set while an experiment runs. */
  readonly trial?: TrialMessage;
}

/** One step of an experiment, as data threads count it. */
export interface TrialMessage {
  /** Names the step over all experiments of this process: what is counted under another name belongs elsewhere. */
  readonly id: string;
  readonly plan: TallyPlan;
  /** Shared by all threads. */
  readonly book: UnitBookHandle;
  readonly layer: LayerOptions | null;
  readonly targeting: Targeting | null;
  readonly overrides: OverrideOptions | null;
}

export interface SnapshotMessage {
  readonly epoch: number;
  readonly listeners: readonly ListenerOptions[];
  readonly clusters: readonly ClusterOptions[];
  readonly generations: readonly GenerationMessage[];
  readonly slots: readonly SlotMessage[];
  readonly drainTimeoutMs: number;
}

export interface PrepareMessage {
  readonly type: "prepare";
  readonly snapshot: SnapshotMessage;
  /** Compiled modules this thread may not have yet. */
  readonly modules: readonly { readonly key: string; readonly module: Program }[];
  /** Port of every listener that asked for port 0 and is bound already, by listener name. */
  readonly ports: Readonly<Record<string, number>>;
}

export type ToData =
  | PrepareMessage
  | { readonly type: "abandon"; readonly epoch: number }
  /** The epoch word has moved: idle threads need to be told. */
  | { readonly type: "committed"; readonly epoch: number }
  | { readonly type: "collect"; readonly id: number; readonly what: ReportParts }
  | { readonly type: "logLevel"; readonly level: number }
  | { readonly type: "reopenLogs" }
  | { readonly type: "drain"; readonly timeoutMs: number }
  /** An item came into a queue that this thread registered last. */
  | { readonly type: "queueReady"; readonly queue: number }
  /** The taps that are open now: all of them, each time. */
  | { readonly type: "taps"; readonly taps: readonly TapMessage[] }
  /** The recordings that are open now: all of them, each time. */
  | { readonly type: "recordings"; readonly recordings: readonly RecordingMessage[] }
  | { readonly type: "gc" }
  | { readonly type: "stop" };

export interface LogLine {
  readonly level: number;
  readonly filter: string;
  readonly version: string;
  readonly contextId: number;
  readonly message: string;
}

/** Counts of one arm of one slot on one thread; they add up over threads. */
export interface ArmReport {
  readonly filter: string;
  readonly version: string;
  readonly experiment: string;
  readonly arm: string;
  readonly requests: number;
  readonly responses: readonly number[];
  readonly localReplies: number;
  readonly faults: number;
}

export interface EndpointReport {
  readonly cluster: string;
  readonly address: string;
  readonly weight: number;
  readonly active: number;
  readonly connections: number;
  readonly idle: number;
  readonly requests: number;
  readonly failures: number;
}

/** A data thread as it is now. */
/** `state`: a report without samples, arms and unitMissing. `tallies`: what experiments counted since the last time. */
export type ReportParts = "all" | "state" | "tallies";

/** What one arm has counted on one thread since it was last asked. */
export interface TallyReport {
  readonly experiment: string;
  /** {@link TrialMessage.id}. */
  readonly trial: string;
  readonly arm: string;
  readonly sums: TallySums;
}

export interface ThreadReport {
  readonly samples: readonly MetricSample[];
  readonly arms: readonly ArmReport[];
  /** experiment -> requests that carried no unit. */
  readonly unitMissing: Readonly<Record<string, number>>;
  readonly tallies: readonly TallyReport[];
  readonly endpoints: readonly EndpointReport[];
  readonly listeners: readonly {
    readonly name: string;
    readonly address: string;
    readonly connections: number;
    readonly protocol: "http" | "tcp";
    readonly tls?: true;
  }[];
  /** Live and draining generations with the streams that run on them. */
  readonly generations: readonly { readonly key: string; readonly state: string; readonly streams: number }[];
}

export type FromData =
  | { readonly type: "prepared"; readonly epoch: number; readonly ports: Readonly<Record<string, number>> }
  | { readonly type: "refused"; readonly epoch: number; readonly problems: readonly Problem[] }
  /** A generation is gone from this thread. */
  | { readonly type: "retired"; readonly key: string }
  | { readonly type: "fault"; readonly report: FaultReport }
  /** An experiment's candidate has harmed a request; at the limit the thread has taken it out of service already. */
  | { readonly type: "alarm"; readonly experiment: string; readonly trial: string; readonly harmed: number }
  | { readonly type: "log"; readonly lines: readonly LogLine[] }
  | { readonly type: "collected"; readonly id: number; readonly report: ThreadReport }
  | { readonly type: "queueReady"; readonly queue: number; readonly owner: number }
  /** The thread samples for these taps now. */
  | { readonly type: "tapping"; readonly taps: readonly number[] }
  | TappedMessage
  | RecordedMessage
  | { readonly type: "drained" };
