// What a running guest needs from the floors above: a context to act on and services to use. Declared here, provided by
// plugin and chain (house.md: needed-from-below, provided-from-above). Values only: no pointer leaves this room.
import type { HeaderList } from "../abi/headers.ts";
import type { Status } from "../abi/status.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";

/** An answer a guest wants sent (`proxy_send_local_response`). */
export interface GuestReply {
  readonly status: number;
  readonly details: string;
  readonly body: Buffer;
  readonly headers: HeaderList;
  /** 0..16, or -1. */
  readonly grpcStatus: number;
}

/** `proxy_http_call`. */
export interface GuestHttpCall {
  readonly upstream: string;
  readonly headers: HeaderList;
  readonly body: Buffer;
  readonly trailers: HeaderList;
  readonly timeoutMs: number;
}

/** `proxy_grpc_call` and `proxy_grpc_stream`. */
export interface GuestGrpcCall {
  /** A cluster's name or a serialised GrpcService, latin1. */
  readonly upstream: string;
  readonly service: string;
  readonly method: string;
  readonly metadata: HeaderList;
  /** The one message of a unary call; null = a stream. */
  readonly message: Buffer | null;
  /** 0 = the default of a call, none for a stream. */
  readonly timeoutMs: number;
}

/** The gRPC call-outs of a plugin context (abi.md 5.5). Ids carry their kind in the low two bits. */
export interface GrpcHostcalls {
  /** The call's id, or a negated status. `contextId`: who asks. */
  start(call: GuestGrpcCall, contextId: number): number;
  send(id: number, message: Buffer, endStream: boolean): Status;
  cancel(id: number): Status;
  /** Half-closes a stream, cancels a call. */
  close(id: number): Status;
}

export interface ForeignResult {
  readonly status: Status;
  readonly bytes: Uint8Array;
  /** Why the status is not OK; `{}` stands for `subject`, or for the function's name without one. */
  readonly reason?: string;
  readonly subject?: string | number;
}

/** One context (plugin or stream) as its guest may act on it. Every method answers now; effects may come later. */
export interface Hostcalls {
  readonly id: number;
  /** The map if it can be read now. The list is live: do not keep it. */
  headers(map: number): HeaderList | null;
  /** The map if it can be written now. */
  writableHeaders(map: number): HeaderList | null;
  /** A header map changed through writableHeaders. */
  replaceHeaders(map: number, list: HeaderList): Status;
  /** The status for a map that cannot be read: BAD_ARGUMENT, in on_log NOT_FOUND. */
  readonly absentMap: Status;
  buffer(id: number): Buffer | null;
  replaceBuffer(id: number, start: number, size: number, data: Buffer): Status;
  property(path: readonly string[]): Uint8Array | null;
  setProperty(path: readonly string[], value: Buffer): Status;
  sendLocalReply(reply: GuestReply): Status;
  continueStream(type: number): Status;
  closeStream(type: number): Status;
  /** The call's id, or a negated status. */
  httpCall(call: GuestHttpCall): number;
  readonly grpc: GrpcHostcalls;
  /** A token, or a negated status. */
  resolveDns(name: string): number;
  /** `proxy_get_status`. */
  callStatus(): { readonly code: number; readonly message: string };
  setTickPeriod(ms: number): Status;
  done(): Status;
  /** Queue id, or 0. */
  registerQueue(name: string): number;
  foreign(name: string, args: Buffer): ForeignResult;
  /** For reports: the request this is about. Absent = none. */
  readonly requestId?: string;
  /** The plugin context it belongs to, itself or another: its configuration, as text. */
  readonly plugin?: { readonly configuration: string };
  /** Keeps its instance past the drain deadline: a connection that a reload must not break. */
  readonly longLived?: boolean;
  /** Hears of every value the guest records in a metric on this context's behalf; absent: nobody asks. */
  measured?(id: number, value: number): void;
  /** The instance died or was taken away: the context must not call into it any more. */
  abandoned(): void;
}

/** Shared data as the ABI sees it (abi.md 5.6). Implemented by plugin/shared-data.ts. */
export interface SharedStore {
  get(namespace: string, key: string): { readonly value: Buffer; readonly cas: number } | undefined;
  set(namespace: string, key: string, value: Uint8Array, cas: number): Status;
}

/** Shared queues as the ABI sees them. */
export interface QueueStore {
  resolve(namespace: string, name: string): number;
  enqueue(id: number, value: Uint8Array): Status;
  dequeue(id: number): Buffer | Status;
}

/** Metrics as the ABI sees them (abi.md 5.7). Implemented by plugin/shared-metrics.ts. */
export interface MetricStore {
  /** @param most names of the scope; default 1000. The id, or -1 (refused: BAD_ARGUMENT) or -2 (too many: INTERNAL_FAILURE). */
  define(scope: string, type: number, name: string, most?: number): number;
  record(id: number, value: bigint): Status;
  increment(id: number, delta: bigint): Status;
  /** The value, or a status (a plain number) when there is none. */
  get(id: number): bigint | Status;
  /** As it was given to {@link define}; null for an id that is not known. */
  nameOf?(id: number): string | null;
}

/** What all contexts of one VM share. */
export interface VmServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly shared: SharedStore;
  readonly queues: QueueStore;
  readonly metrics: MetricStore;
  /** Namespace of shared data and queues. */
  readonly vmId: string;
  /** What the guest knows that namespace as; absent: the same. */
  readonly vmName?: string;
  /** `filter@version`: the scope of metrics. */
  readonly scope: string;
  /** Lowest level that is written, 0..5. */
  logLevel(): number;
  log(level: number, contextId: number, message: string): void;
}
