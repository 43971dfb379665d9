// What a filter's options are where nobody says otherwise. read-filters.ts, the harness and tests begin with these.
import type { FilterLimits, FilterOptions } from "./options.ts";

export const DEFAULT_LIMITS: FilterLimits = { memoryBytes: 64 * 1024 * 1024, fuel: 10_000_000 };

export const FILTER_DEFAULTS: FilterOptions = {
  name: "",
  source: "",
  sha256: "",
  phase: "",
  priority: 0,
  failurePolicy: "FAIL_CLOSED",
  failurePolicies: {},
  quarantine: { faults: 3, windowMs: 60_000 },
  limits: DEFAULT_LIMITS,
  allowedCapabilities: null,
  allowedUpstreams: null,
  rootId: "",
  vmId: "",
  vmConfig: "",
  environment: {},
  pauseTimeoutMs: 30_000,
  bufferLimitBytes: 1024 * 1024,
  pluginConfig: "",
};
