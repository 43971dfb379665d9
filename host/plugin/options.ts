// What a filter is once the config has been parsed: plain frozen data. Types only.
import type { FaultCause } from "../vm/faults.ts";

export type FailurePolicy = "FAIL_CLOSED" | "FAIL_OPEN" | "FAIL_RELOAD";
export type Phase = "AUTHN" | "AUTHZ" | "STATS" | "";

/** When a version counts as poison: this many faults within this time, over all data threads. */
export interface QuarantineOptions {
  /** Default 3; 0 = never. */
  readonly faults: number;
  /** Default 60 000. */
  readonly windowMs: number;
}

export interface FilterLimits {
  /** Linear memory cap in bytes. Default 64 MiB. */
  readonly memoryBytes: number;
  /** Points per callback (an instruction count with weights, at most about 2 ns each); start-up and configuration get fifty
   * times that. Default 10 000 000; null = no CPU limit. */
  readonly fuel: number | null;
  /** Entries of a table. Default 100 000. */
  readonly tableEntries: number;
  /** Headers of a map after an edit, and the bytes of their names and values. Default 256, 64 KiB. */
  readonly headers: number;
  readonly headerBytes: number;
  /** Lines per second, over all data threads. Default 1000. */
  readonly logLines: number;
  /** Names of metrics. Default 1000. */
  readonly metrics: number;
  /** Of the filter's namespace. Default 10 000, 16 MiB. */
  readonly sharedDataKeys: number;
  readonly sharedDataBytes: number;
  /** Under way: HTTP call-outs, and as many gRPC calls, per data thread; and of one stream. Default 256, 64. */
  readonly callouts: number;
  readonly calloutsPerStream: number;
  /** Shortest. Default 1. */
  readonly tickPeriodMs: number;
}

export interface FilterOptions {
  readonly name: string;
  /** Absolute path of a `.ts` entry or of a `.wasm`, or an `https://` URL. "" = uploaded through the admin API. */
  readonly source: string;
  /** Expected digest of a `.wasm` (64 lower-case hex digits), or "". */
  readonly sha256: string;
  readonly phase: Phase;
  readonly priority: number;
  readonly failurePolicy: FailurePolicy;
  /** Where a cause of failure has a policy of its own (failure-policy.ts). */
  readonly failurePolicies: Readonly<Partial<Record<FaultCause, FailurePolicy>>>;
  readonly quarantine: QuarantineOptions;
  readonly limits: FilterLimits;
  /** Names of host functions the guest may call; null = all. */
  readonly allowedCapabilities: readonly string[] | null;
  /** Prefixes of property paths it may read and set, segments joined by dots; null = all. */
  readonly allowedProperties: readonly string[] | null;
  /** Foreign functions it may call; null = all. */
  readonly allowedForeignFunctions: readonly string[] | null;
  /** Namespaces (vmId) whose queues it may find; null = all. */
  readonly allowedNamespaces: readonly string[] | null;
  /** Cluster names that call-outs (HTTP and gRPC) may use; null = all. */
  readonly allowedUpstreams: readonly string[] | null;
  readonly rootId: string;
  /** Namespace of shared data and queues; defaults to the filter's name. */
  readonly vmId: string;
  /** What the guest knows it as, where that is another: an experiment's arm has a namespace of its own. */
  readonly vmName?: string;
  /** Given to proxy_on_vm_start. */
  readonly vmConfig: string;
  readonly environment: Readonly<Record<string, string>>;
  /** A stream paused longer is answered 504. Default 30 000. */
  readonly pauseTimeoutMs: number;
  /** Buffered body, each direction. Default 1 MiB. */
  readonly bufferLimitBytes: number;
  /** JSON text given to proxy_on_configure; "" when there is none. */
  readonly pluginConfig: string;
}
