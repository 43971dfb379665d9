// What every filter of one data thread shares: time, state that all threads see, call-outs, and where logs and faults go.
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Status } from "../abi/status.ts";
import type { GuestFault } from "../vm/faults.ts";
import type { Injector } from "../vm/guest.ts";
import type { ProfileName } from "../vm/profile-name.ts";
import type { VmTrace } from "../vm/trace.ts";
import type { MetricStore, QueueStore, SharedStore } from "../vm/ports.ts";
import type { CalloutPort } from "./callout-port.ts";
import type { DnsPort } from "./dns-queries.ts";
import type { GrpcPort } from "./grpc-port.ts";
import type { HandOverResult } from "./hand-over.ts";
import type { QueueBell } from "./queue-bell.ts";

export interface GcraRequest {
  readonly periodNs: bigint;
  readonly limit: number;
  readonly burst: number;
  readonly cost: number;
}

/** Shared data with the extras behind `sluice.*` (abi.md 11.2). Implemented by shared-data.ts. */
export interface SharedState extends SharedStore {
  set(
    namespace: string,
    key: string,
    value: Uint8Array,
    cas: number,
    options?: {
      readonly ttlMs?: number;
      readonly nowMs?: number;
      /** Of the namespace; default SHARED_DATA_CAPS. */
      readonly caps?: { readonly keys: number; readonly bytes: number };
    },
  ): Status;
  delete(namespace: string, key: string, cas: number): Status;
  keys(namespace: string, prefix: string, limit?: number): readonly { readonly key: string; readonly cas: number }[];
  add(namespace: string, key: string, delta: bigint): bigint;
  gcra(
    namespace: string,
    key: string,
    request: GcraRequest,
    nowNs: bigint,
  ): { readonly allowed: boolean; readonly remaining: number; readonly retryAfterNs: bigint };
}

/** Shared queues with registration. */
export interface SharedQueues extends QueueStore {
  /** Id of the queue, opened or created; 0 when refused. */
  register(namespace: string, name: string): number;
}

/** A filter that misbehaved, with what an operator needs to find it. */
export interface FaultReport {
  readonly filter: string;
  readonly version: string;
  readonly fault: GuestFault;
  /** When a new instance may serve: ms from now, 0 = with the next stream. */
  readonly renewInMs: number;
}

/** One endpoint as filters see it (`sluice.endpoints`). */
export interface EndpointView {
  /** host:port */
  readonly address: string;
  readonly zone: string;
  readonly weight: number;
  /** 1 healthy, 2 draining, 4 ejected. */
  readonly flags: number;
  readonly inFlight: number;
  /** Moving average of its answers' time, microseconds; 0 = not known. */
  readonly ewmaMicros: number;
}

export interface ClusterView {
  /** Changes when the set of endpoints does. */
  readonly epoch: number;
  readonly endpoints: readonly EndpointView[];
}

/** Who this proxy is (config key `node`). */
export interface NodeIdentity {
  readonly id: string;
  readonly region: string;
  readonly zone: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** How busy this thread is; read on demand. Implemented by observe/system-load.ts. */
export interface SystemLoad {
  /** Of the machine, over one minute. */
  load1(): number;
  /** CPU time of this process per second of wall time; 1 = one core. */
  cpu(): number;
  /** Milliseconds. */
  eventLoopLagP99(): number;
}

export interface PluginServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly shared: SharedState;
  readonly queues: SharedQueues;
  readonly bell: QueueBell;
  readonly metrics: MetricStore;
  readonly callouts: CalloutPort;
  readonly grpc: GrpcPort;
  /** Absent: filters look up no names. */
  readonly dns?: DnsPort;
  /** The clusters a filter may look at; null = no such cluster. */
  clusters?(name: string): ClusterView | null;
  readonly node?: NodeIdentity;
  readonly system?: SystemLoad;
  /** Number of this data thread. */
  readonly worker?: number;
  /** Lowest level written, 0..5. */
  logLevel(): number;
  /** @param mostPerSecond lines of this filter, over all data threads; further ones may be dropped */
  log(
    line: {
      readonly level: number;
      readonly filter: string;
      readonly version: string;
      readonly contextId: number;
      readonly message: string;
    },
    mostPerSecond: number,
  ): void;
  faulted(report: FaultReport): void;
  /** A filter met one of its limits (limit-table.ts); for a counter. */
  overLimit?(filter: string, limit: string): void;
  /** A filter asked for something it has no right to; for a counter. */
  denied?(filter: string, right: string): void;
  /** A local reply of this filter could not be given to anybody (abi.md 5.4); for a counter. */
  replyIgnored?(filter: string): void;
  /** State went from a version to the next, or not; for a counter. */
  handedOver?(filter: string, result: HandOverResult): void;
  /** For tests and `sluice call --trace`. */
  readonly trace?: VmTrace;
  /** Every stream is announced to its guest, also where the guest could do without: for those who watch. */
  readonly announceStreams?: boolean;
  /** For tests and `sluice call --profile`: the host that guests meet. Absent = this one. */
  readonly profile?: ProfileName;
  /** For tests: host functions that fail on purpose. */
  readonly injector?: Injector;
}
