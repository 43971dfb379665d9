// What a foreign function is given, and how it answers. NOT_FOUND means "this host lacks the function" and nothing else, so
// that an SDK can fall back (abi.md 11.2); Envoy's own functions answer as in Envoy (11.1).
import * as status from "../../../sdk/assembly/abi/status.ts";
import type { Status } from "../../abi/status.ts";
import type { RouteDecision } from "../../route/decision.ts";
import type { ForeignResult } from "../../vm/ports.ts";
import type { HandOver } from "../hand-over.ts";
import type { FilterOptions } from "../options.ts";
import type { PluginServices } from "../services.ts";
import type { ConnectionState, StreamNotes } from "../stream-notes.ts";

/** A property that `declare_property` has described. */
export interface DeclaredProperty {
  readonly readonly: boolean;
  /** 0 filter chain, 1 downstream request, 2 downstream connection. */
  readonly span: number;
}

/** The plugin context behind a call. Implemented by plugin-context.ts. */
export interface ForeignPlugin {
  readonly services: PluginServices;
  readonly options: FilterOptions;
  /** Made by the first `declare_property`. */
  declared: Map<string, DeclaredProperty> | null;
  readonly handOver: HandOver;
}

/** The stream behind a call. Implemented by chain/stream-context.ts. */
export interface ForeignStream {
  /** The header callback that runs holds its headers until the body has been seen. */
  holdNext: boolean;
  /** `plugin@version`. */
  readonly author: string;
  /** Made on first use. */
  readonly notes: StreamNotes;
  readonly connectionState: ConnectionState;
  /** Chosen by the route or by a filter; "" when there is none. */
  readonly clusterName: string;
  /** The request has left the filters: routing is over. */
  readonly routed: boolean;
  resumeLater(ms: number): void;
  clearRouteCache(): void;
  /** Shared counters to be taken back when the stream ends, however it ends: name -> what was added. */
  readonly inFlight: Map<string, bigint>;
}

export interface ForeignContext {
  readonly plugin: ForeignPlugin;
  /** Null outside any stream. */
  readonly stream: ForeignStream | null;
  /** Why the newest refused call of the VM was refused. */
  readonly refusal: string;
  /** Somebody looks at this VM: it is traced, or the log level is debug or lower. */
  readonly debugging: boolean;
}

export type Foreign = (context: ForeignContext, args: Buffer) => ForeignResult;
export type ForeignTable = Readonly<Record<string, Foreign>>;

const NOTHING = Buffer.alloc(0);
export const DONE: ForeignResult = { status: status.OK, bytes: NOTHING };

export const answer = (bytes: Uint8Array): ForeignResult => ({ status: status.OK, bytes });

/** @param reason a constant; `{}` stands for `subject`, or for the function's name without one */
export function refused(code: Status, reason: string, subject?: string | number): ForeignResult {
  return { status: code, bytes: NOTHING, reason, ...(subject === undefined ? {} : { subject }) };
}

export const badArgument = (reason: string, subject?: string | number): ForeignResult =>
  refused(status.BAD_ARGUMENT, reason, subject);

export const NO_STREAM = "{} needs a stream, and none is in effect here";

/** The decision of a stream, to be written to. */
export function decisionOf(notes: StreamNotes): RouteDecision {
  return (notes.decision ??= { by: {} });
}
