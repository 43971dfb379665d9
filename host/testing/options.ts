// What a harness can be told, and what it takes for granted about an exchange.
import type { StreamFacts } from "../chain/ports.ts";
import type { DnsPort } from "../plugin/dns-queries.ts";
import type { NodeIdentity, SystemLoad } from "../plugin/services.ts";
import type { ProfileName } from "../vm/profile-name.ts";
import type { VmTrace } from "../vm/trace.ts";
import type { Harness } from "./harness.ts";

export interface HarnessOptions {
  /** Wall time at birth: ISO 8601 or ms since the epoch. Default 2030-01-01T00:00:00Z. */
  readonly clock?: string | number;
  /** Of the random source. Default 1. */
  readonly seed?: number;
  /** Lowest level that filters see logged, 0..5. Default 0. */
  readonly logLevel?: number;
  /** Which host the filters meet: this one, Envoy's part of it, or the least there is. Default sluice. */
  readonly profile?: ProfileName;
  /** Behind the properties `xds.node.*`. Default: not there. */
  readonly node?: NodeIdentity;
  /** Behind the properties `sluice.system.*`. Default: not there. */
  readonly system?: SystemLoad;
  /** Hears of local replies that nobody could be given. */
  readonly replyIgnored?: (filter: string) => void;
  /** Hears of limits that a filter met, and of rights it does not have. */
  readonly overLimit?: (filter: string, limit: string) => void;
  readonly denied?: (filter: string, right: string) => void;
  /** Answers look-ups of names. Default: filters look up none. */
  readonly dns?: DnsPort;
  /** True: every callback is recorded, see `exchange.trace`. Or whoever hears every call between host and guest. */
  readonly trace?: boolean | VmTrace;
  /** Everything that happens to the (only) filter is kept as a recording, in place of `trace: true`: see `recording()`. */
  readonly record?: boolean;
  /** Host calls can be made to fail with `fail()`; "allocations": the guest's allocator as well. Default false. */
  readonly inject?: boolean | "allocations";
  /** Shares time, shared data, queues and metrics with another harness, as two data threads do. */
  readonly beside?: Harness;
  /** Filters hear of a stream before its first callback, as in Envoy. Default: when somebody else's `trace` is given. */
  readonly announceStreams?: boolean;
}

export interface LoggedLine {
  readonly level: number;
  readonly filter: string;
  readonly message: string;
}

/** Where a test says nothing else. */
export const FACTS: Omit<StreamFacts, "requestId" | "startNanos" | "startMs" | "connectionId" | "connectionState"> = {
  protocol: "HTTP/1.1",
  scheme: "http",
  listener: "test",
  sourceAddress: "127.0.0.1",
  sourcePort: 40_000,
  destinationAddress: "127.0.0.1",
  destinationPort: 8080,
  routeName: "default",
  clusterName: "test",
  upstreamAddress: "",
  upstreamPort: 0,
  attempts: 0,
  responseCode: 0,
  responseFlags: "",
  responseCodeDetails: "",
  requestBytes: 0,
  responseBytes: 0,
  requestHeaderBytes: 0,
  durationMs: 0,
  upstreamMs: 0,
  arms: "",
  notes: null,
  upstreamEndpoint: null,
};
