// What a filter's options are where nobody says otherwise. read-filters.ts, the harness and tests begin with these.
import { SETTABLE_LIMITS } from "./limit-table.ts";
import type { FilterLimits, FilterOptions } from "./options.ts";

const defaultOf = (field: keyof FilterLimits): number =>
  SETTABLE_LIMITS.find((limit) => limit.field === field)?.byDefault ?? 0;

export const DEFAULT_LIMITS: FilterLimits = {
  memoryBytes: defaultOf("memoryBytes"),
  fuel: defaultOf("fuel"),
  tableEntries: defaultOf("tableEntries"),
  headers: defaultOf("headers"),
  headerBytes: defaultOf("headerBytes"),
  logLines: defaultOf("logLines"),
  metrics: defaultOf("metrics"),
  sharedDataKeys: defaultOf("sharedDataKeys"),
  sharedDataBytes: defaultOf("sharedDataBytes"),
  callouts: defaultOf("callouts"),
  calloutsPerStream: defaultOf("calloutsPerStream"),
  tickPeriodMs: defaultOf("tickPeriodMs"),
};

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
  allowedProperties: null,
  allowedForeignFunctions: null,
  allowedNamespaces: null,
  allowedUpstreams: null,
  rootId: "",
  vmId: "",
  vmConfig: "",
  environment: {},
  pauseTimeoutMs: 30_000,
  bufferLimitBytes: 1024 * 1024,
  pluginConfig: "",
};
