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
  /** Cluster names that call-outs (HTTP and gRPC) may use; null = all. */
  readonly allowedUpstreams: readonly string[] | null;
  readonly rootId: string;
  /** Namespace of shared data and queues; defaults to the filter's name. */
  readonly vmId: string;
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
