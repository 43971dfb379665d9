// Every limit on what a filter may use, with its default, what is answered over it and where it is counted: the one table
// that the configuration is read by, that `docs/limits.md` is written from and that a test holds both against.
import * as limits from "../abi/limits.ts";
import type { FilterLimits } from "./options.ts";
import { QUEUE_CAPS } from "./shared-queue.ts";
import { SHARED_DATA_CAPS } from "./shared-data.ts";

export type LimitUnit = "bytes" | "count" | "ms" | "points";

interface Row {
  readonly what: string;
  readonly unit: LimitUnit;
  readonly byDefault: number;
  /** Whose: each instance (one per version and data thread), each data thread, or the process. */
  readonly scope: "instance" | "thread" | "process" | "stream" | "call";
  /** What the guest, or the request, meets over it. */
  readonly answer: string;
  /** Label `limit` of sluice_filter_limit_total, or `reason` of sluice_filter_crashes_total after a slash; "" = not counted. */
  readonly counted: string;
}

export interface SettableLimit extends Row {
  /** Key under a filter's `limits`. */
  readonly key: string;
  readonly field: keyof FilterLimits;
  readonly min: number;
  readonly max: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const row = (what: string, unit: LimitUnit, byDefault: number, scope: Row["scope"]) => ({
  what,
  unit,
  byDefault,
  scope,
});

/** What a filter's `limits` may say. */
export const SETTABLE_LIMITS: readonly SettableLimit[] = [
  {
    key: "memory",
    field: "memoryBytes",
    ...row("linear memory", "bytes", 64 * MiB, "instance"),
    min: 64 * KiB,
    max: 4096 * MiB,
    answer: "memory.grow gives -1; a trap at the cap is a fault",
    counted: "/oom",
  },
  {
    key: "fuel",
    field: "fuel",
    ...row("points per callback; start-up and configuration get fifty times that", "points", 10_000_000, "call"),
    min: 1,
    max: 40_000_000,
    answer: "the callback traps, which the guest cannot catch",
    counted: "/fuel",
  },
  {
    key: "tableEntries",
    field: "tableEntries",
    ...row("entries of a table", "count", limits.MAX_TABLE_ENTRIES, "instance"),
    min: 1,
    max: 10_000_000,
    answer: "table.grow gives -1; a module that begins with more is refused",
    counted: "",
  },
  {
    key: "headers",
    field: "headers",
    ...row("headers of a map after an edit", "count", limits.MAX_HEADERS, "call"),
    min: 1,
    max: 1024,
    answer: "BAD_ARGUMENT, the map stays as it is",
    counted: "headers",
  },
  {
    key: "headerBytes",
    field: "headerBytes",
    ...row("names and values of a map after an edit", "bytes", limits.MAX_HEADER_BYTES, "call"),
    min: KiB,
    max: MiB,
    answer: "BAD_ARGUMENT, the map stays as it is",
    counted: "headers",
  },
  {
    key: "logLines",
    field: "logLines",
    ...row("log lines per second, shared by the data threads", "count", limits.MAX_LOG_LINES_PER_SECOND, "process"),
    min: 1,
    max: 1_000_000,
    answer: "OK, the line is dropped and the number of those is logged",
    counted: "logLines",
  },
  {
    key: "metrics",
    field: "metrics",
    ...row("names of metrics per version", "count", limits.MAX_METRICS, "process"),
    min: 0,
    max: 8000,
    answer: "INTERNAL_FAILURE",
    counted: "metrics",
  },
  {
    key: "sharedDataKeys",
    field: "sharedDataKeys",
    ...row("keys of shared data in the filter's namespace", "count", SHARED_DATA_CAPS.keys, "process"),
    min: 1,
    max: 100_000,
    answer: "OK, the least recently used keys are dropped",
    counted: "",
  },
  {
    key: "sharedDataBytes",
    field: "sharedDataBytes",
    ...row("bytes of shared data in the filter's namespace", "bytes", SHARED_DATA_CAPS.bytes, "process"),
    min: KiB,
    max: 32 * MiB,
    answer: "OK, the least recently used keys are dropped",
    counted: "",
  },
  {
    key: "callouts",
    field: "callouts",
    ...row("HTTP call-outs under way, and as many gRPC calls", "count", limits.MAX_CALLOUTS, "thread"),
    min: 0,
    max: 10_000,
    answer: "INTERNAL_FAILURE",
    counted: "callouts",
  },
  {
    key: "calloutsPerStream",
    field: "calloutsPerStream",
    ...row("of those, begun by one stream", "count", limits.MAX_CALLOUTS_PER_STREAM, "stream"),
    min: 0,
    max: 10_000,
    answer: "INTERNAL_FAILURE",
    counted: "callouts",
  },
  {
    key: "tickPeriod",
    field: "tickPeriodMs",
    ...row(
      "shortest tick period; a tick that takes over a tenth of the time is made rarer",
      "ms",
      limits.MIN_TICK_MS,
      "instance",
    ),
    min: 1,
    max: 60_000,
    answer: "OK, the period is lengthened",
    counted: "tick",
  },
];

/** What holds for every filter alike. */
export const FIXED_LIMITS: readonly Row[] = [
  {
    ...row("size of a module", "bytes", limits.MAX_MODULE_BYTES, "instance"),
    answer: "refused when it is loaded",
    counted: "",
  },
  {
    ...row("depth of the stack", "bytes", 0, "call"),
    answer: "V8's own; overflowing it is a fault",
    counted: "/stack",
  },
  {
    ...row("serialised pairs handed over", "bytes", limits.MAX_PAIRS_BYTES, "call"),
    answer: "PARSE_FAILURE",
    counted: "",
  },
  { ...row("pairs in them", "count", limits.MAX_PAIRS, "call"), answer: "PARSE_FAILURE", counted: "" },
  { ...row("one log line", "bytes", limits.MAX_LOG_BYTES, "call"), answer: "OK, the rest is cut", counted: "" },
  {
    ...row("body of a local reply", "bytes", limits.MAX_REPLY_BYTES, "call"),
    answer: "BAD_ARGUMENT",
    counted: "replyBody",
  },
  {
    ...row("body of a call-out's answer", "bytes", limits.MAX_CALLOUT_BYTES, "call"),
    answer: "the call fails",
    counted: "",
  },
  { ...row("one gRPC message", "bytes", limits.MAX_GRPC_MESSAGE_BYTES, "call"), answer: "BAD_ARGUMENT", counted: "" },
  {
    ...row("names looked up at a time", "count", limits.MAX_DNS_QUERIES, "thread"),
    answer: "INTERNAL_FAILURE",
    counted: "",
  },
  {
    ...row("key of shared data", "bytes", SHARED_DATA_CAPS.keyBytes, "call"),
    answer: "INTERNAL_FAILURE",
    counted: "sharedData",
  },
  {
    ...row("value of shared data", "bytes", SHARED_DATA_CAPS.valueBytes, "call"),
    answer: "INTERNAL_FAILURE",
    counted: "sharedData",
  },
  {
    ...row("items of a shared queue", "count", QUEUE_CAPS.items, "process"),
    answer: "INTERNAL_FAILURE",
    counted: "sharedQueue",
  },
  {
    ...row("bytes of a shared queue", "bytes", QUEUE_CAPS.bytes, "process"),
    answer: "INTERNAL_FAILURE",
    counted: "sharedQueue",
  },
  { ...row("value of a property", "bytes", limits.MAX_PROPERTY_BYTES, "call"), answer: "BAD_ARGUMENT", counted: "" },
  { ...row("properties kept", "count", limits.MAX_PROPERTIES, "stream"), answer: "BAD_ARGUMENT", counted: "" },
  { ...row("random_get", "bytes", limits.MAX_RANDOM_BYTES, "call"), answer: "errno 28", counted: "" },
];

const UNITS: Readonly<Record<LimitUnit, string>> = { bytes: "", count: "", ms: " ms", points: " points" };

/** `64 MiB`, `10 000 000 points`, `1 ms`. */
function amount(value: number, unit: LimitUnit): string {
  if (unit === "bytes" && value === 0) return "-";
  if (unit === "bytes" && value % MiB === 0) return `${value / MiB} MiB`;
  if (unit === "bytes" && value % KiB === 0) return `${value / KiB} KiB`;
  return `${String(value).replaceAll(/\B(?=(\d{3})+$)/g, " ")}${UNITS[unit]}`;
}

function counter(counted: string): string {
  if (counted === "") return "-";
  return counted.startsWith("/") ? `crashes, reason ${counted.slice(1)}` : `limit ${counted}`;
}

/** The table as Markdown, for docs/limits.md. */
export function limitTable(): string {
  const settable = SETTABLE_LIMITS.map(
    ({ key, what, unit, byDefault, min, max, scope, answer, counted }) =>
      `| \`${key}\` | ${what} | ${amount(byDefault, unit)} | ${amount(min, unit)} to ${amount(max, unit)} | ${scope} | ${answer} | ${counter(counted)} |`,
  );
  const fixed = FIXED_LIMITS.map(
    ({ what, unit, byDefault, scope, answer, counted }) =>
      `| - | ${what} | ${amount(byDefault, unit)} | - | ${scope} | ${answer} | ${counter(counted)} |`,
  );
  const head = [
    "| key | what | default | range | per | over it | counted |",
    "| --- | --- | --- | --- | --- | --- | --- |",
  ];
  return [...head, ...settable, ...fixed].join("\n");
}
