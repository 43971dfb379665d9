// The lines of a recording (experiments.md 7): one ABI event each, in the order in which one instance lived them. Written by
// recorder.ts on a data thread, read by replay. Names are a contract: add, do not rename.
import type { FilterOptions } from "../plugin/options.ts";
import type { CallValue } from "../vm/call-values.ts";

export const FORMAT = 1;

/** The first line. */
export interface HeaderLine {
  readonly t: "header";
  readonly format: number;
  readonly filter: string;
  readonly version: string;
  readonly sha256: string;
  readonly configHash: string;
  /** proxy-wasm ABI of the module. */
  readonly abi: string;
  /** `sluice.features` of the host that recorded. */
  readonly features: Readonly<Record<string, string>>;
  /** What shapes an instance beside the module. */
  readonly options: RecordedOptions;
  readonly redacted: boolean;
  readonly bodies: string;
}

export type RecordedOptions = Omit<FilterOptions, "name" | "source" | "sha256" | "phase" | "priority" | "pluginConfig">;

/** An instance begins; what follows with the same `vm` happened in it. */
export interface VmLine {
  readonly t: "vm";
  readonly vm: string;
  /** Of its plugin contexts, in order. */
  readonly configs: readonly string[];
  readonly logLevel: number;
  readonly worker?: number;
}

export type Facts = Readonly<Record<string, string | number>>;

/** A stream meets the filter. */
export interface BeginLine {
  readonly t: "begin";
  readonly vm: string;
  /** Its context. */
  readonly c: number;
  /** Which of the configurations it runs under. */
  readonly config: number;
  readonly facts: Facts;
}

/** Its last callback has returned. */
export interface EndLine {
  readonly t: "end";
  readonly vm: string;
  readonly c: number;
}

/** map id -> flat list, as it is now. Only maps that are not as they were left. */
export type MapsNow = Readonly<Record<string, readonly string[]>>;

/** Bytes as latin1 text; without `x` only their number is known. */
export interface Bytes {
  readonly n: number;
  readonly x?: string;
  /** HMAC-SHA-256 under a key that nobody has any more. */
  readonly h?: string;
}

export interface InLine {
  readonly t: "in";
  readonly vm: string;
  readonly c: number;
  readonly fn: string;
  /** After the context. */
  readonly a: readonly number[];
  /** Wall clock, ns. */
  readonly now: string;
  /** Monotonic, ms. */
  readonly mono: number;
  readonly maps?: MapsNow | undefined;
  /** Bit per header map 0..3: can be written now. */
  readonly open?: number | undefined;
  /** Facts of the stream that changed. */
  readonly facts?: Facts | undefined;
  /** Of a body callback: what came since the last one. Of an answer's: its body or message. */
  readonly body?: Bytes | undefined;
  /** `proxy_get_status`, in the callbacks of answers. */
  readonly status?: { readonly code: number; readonly message: string } | undefined;
}

/** A host call of the callback that began last in this instance. */
export interface CallLine {
  readonly t: "call";
  readonly vm: string;
  readonly fn: string;
  readonly a: readonly CallValue[];
  /** Status; null for functions without one. */
  readonly s: number | null;
  readonly r?: readonly CallValue[] | undefined;
}

export interface OutLine {
  readonly t: "out";
  readonly vm: string;
  /** The context in effect at the end: what `proxy_set_effective_context` left. */
  readonly c: number;
  readonly fn: string;
  /** -1: the instance died. */
  readonly r: number;
  /** Points used; null without a budget. */
  readonly fuel: number | null;
  /** Maps of the effective context that the callback has changed. */
  readonly maps?: MapsNow | undefined;
  /** The body it put in place of what it saw: SHA-256. */
  readonly body?: { readonly buffer: number; readonly n: number; readonly sha256: string } | undefined;
  /** Why the instance died. */
  readonly fault?: { readonly reason: string; readonly message: string } | undefined;
}

/** Streams that were sampled and could not be kept. */
export interface LostLine {
  readonly t: "lost";
  readonly vm: string;
  readonly streams: number;
}

export type RecordLine = VmLine | BeginLine | EndLine | InLine | CallLine | OutLine | LostLine;
/** What {@link Recorder} says, before it is known which instance says it. */
export type Said = RecordLine extends infer L ? (L extends RecordLine ? Omit<L, "vm"> : never) : never;
