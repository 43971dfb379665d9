// One conformance case: what the guest does, what travels through the host, and what must come of it. Cases are plain data
// (JSON), so that another host can run them; the functions in script.ts only make them shorter to write.
import type { CallbackName } from "./functions.ts";
import type { Section } from "./script.ts";
import type { GuestVariant } from "./toolchains/variant.ts";

export type GuestName = "wat" | "as" | "c";
/** `worker` speaks HTTP/1.1 on both sides, `http2` HTTP/2. */
export type PlaneName = "in-process" | "worker" | "http2";

export type Fields = readonly (readonly [string, string])[];

export interface CaseRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Fields;
  readonly chunks?: readonly string[];
  readonly trailers?: Fields;
}

export interface CaseResponse {
  readonly status?: number;
  readonly headers?: Fields;
  readonly chunks?: readonly string[];
  readonly trailers?: Fields;
}

/** A TCP connection: what both sides send, with an end after the last piece, and what each must have got. */
export interface CaseConnection {
  readonly fromClient: readonly string[];
  readonly fromServer: readonly string[];
  readonly toServer: string;
  readonly toClient: string;
}

/** What a host would set in the filter's configuration. */
export interface CaseSetup {
  readonly vmConfig?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly bufferLimitBytes?: number;
  readonly pauseTimeoutMs?: number;
  readonly memoryBytes?: number;
  readonly fuel?: number;
  readonly failurePolicy?: "FAIL_CLOSED" | "FAIL_OPEN" | "FAIL_RELOAD";
  readonly allowedCapabilities?: readonly string[];
  readonly allowedUpstreams?: readonly string[];
  readonly rootId?: string;
}

/** What left the host towards one side. Names lower-case; `absent` must not be there; null trailers = none. */
export interface ExpectedMessage {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly absent?: readonly string[];
  readonly body?: string;
  readonly trailers?: Readonly<Record<string, string>> | null;
}

export interface Expectation {
  /** Callbacks of the filter in order. Absent: only the general rules of order are checked. */
  readonly order?: readonly CallbackName[];
  /** Arguments (after the context id) of the first run of a callback. The SDK hides some: not checked there. */
  readonly args?: Partial<Readonly<Record<CallbackName, readonly (number | null)[]>>>;
  /** What the upstream got; null = nothing. */
  readonly upstream?: ExpectedMessage | null;
  readonly response?: ExpectedMessage;
  /** The exchange was reset, or answered with an error, with these details. */
  readonly details?: string;
  /** The instance died, for this reason (host/vm/faults.ts). */
  readonly fault?: string;
  /** The module was refused; a part of the message. */
  readonly refused?: string;
  /** A line the guest's own output must have produced: level and text. */
  readonly logged?: readonly (readonly [level: number, text: string])[];
  /** No line may be exactly one of these. */
  readonly notLogged?: readonly string[];
}

export interface Case {
  readonly id: string;
  /** Of the ABI reference. */
  readonly section: string;
  readonly title: string;
  readonly script: readonly Section[];
  /** How the script comes to the guest. Default `header`; `environment` is for start-up. */
  readonly delivery?: "header" | "configuration" | "environment";
  /** Absent: a plain GET. Null: no exchange at all. */
  readonly request?: CaseRequest | null;
  readonly response?: CaseResponse;
  /** Instead of an exchange. */
  readonly connection?: CaseConnection;
  /** Scripted answers of cluster `web` to call-outs by path; a text = the way it fails. */
  readonly callouts?: Readonly<Record<string, CaseResponse | string>>;
  readonly setup?: CaseSetup;
  readonly variant?: GuestVariant;
  /** Time passes until this callback has run (ms of patience: 2000). */
  readonly until?: CallbackName;
  /** Time that passes before the exchange ends, ms. In-process planes only. */
  readonly waitMs?: number;
  /** Pieces of bodies come one at a time, the next when the filter has seen the last. */
  readonly paced?: true;
  /** Counts from the start of the VM: the case needs one that has served nothing. */
  readonly fresh?: true;
  /** Nobody will answer: the client goes away once the script has run. */
  readonly clientLeaves?: true;
  /** A second filter of the same module behind the first, with its own script. */
  readonly second?: readonly Section[];
  readonly expect?: Expectation & { readonly second?: Expectation };
  /** Default: every guest that can do it. */
  readonly guests?: readonly GuestName[];
  /** Planes that cannot show it, with the reason. */
  readonly leftOut?: Partial<Readonly<Record<PlaneName, string>>>;
}
