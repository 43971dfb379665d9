// What a filter is once the config has been parsed: plain frozen data. Types only.

export type FailurePolicy = "FAIL_CLOSED" | "FAIL_OPEN" | "FAIL_RELOAD";
export type Phase = "AUTHN" | "AUTHZ" | "STATS" | "";

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
