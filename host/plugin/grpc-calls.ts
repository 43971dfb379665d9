// The gRPC calls and streams of one plugin context: their ids, their limits, and what the running callback may read. They
// belong to the plugin context and are cancelled with it, not with the stream that started them (abi.md 5.5).
import * as buffers from "../../sdk/assembly/abi/buffer.ts";
import * as maps from "../../sdk/assembly/abi/map.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import { checkedMetadata, grpcPath } from "../abi/grpc-metadata.ts";
import { clusterOfGrpcService } from "../abi/grpc-service.ts";
import type { HeaderList } from "../abi/headers.ts";
import { MAX_GRPC_MESSAGE_BYTES } from "../abi/limits.ts";
import type { Status } from "../abi/status.ts";
import type { GuestCallback } from "../vm/callbacks.ts";
import type { GrpcHostcalls, GuestGrpcCall } from "../vm/ports.ts";
import type { Vm } from "../vm/vm.ts";
import { GrpcDelivery, UnaryDelivery, type GrpcReading, type GrpcTarget } from "./grpc-delivery.ts";
import type { GrpcCall, GrpcPort, GrpcRequest } from "./grpc-port.ts";
import type { FilterLimits } from "./options.ts";

/** Of a unary call whose guest names none, as for HTTP call-outs. */
const DEFAULT_TIMEOUT_MS = 15_000;

export interface GrpcCallsOptions {
  readonly port: GrpcPort;
  /** Clusters the filter may call; null = all. */
  readonly allowed: readonly string[] | null;
  readonly limits: Pick<FilterLimits, "callouts" | "calloutsPerStream">;
  readonly vm: Vm;
  /** Runs one callback of the guest; what {@link GrpcCalls.headers} and the others give is readable while it runs. */
  readonly run: (callback: GuestCallback, id: number, value: number) => void;
}

interface Pending {
  readonly contextId: number;
  call: GrpcCall;
  halfClosed: boolean;
}

const UNKNOWN_UPSTREAM = "unknown upstream: there is no cluster {}, or the filter's allowedUpstreams does not name it";

const UNSTARTED: GrpcCall = { send: () => false, close: () => {}, cancel: () => {} };

export class GrpcCalls implements GrpcHostcalls, GrpcTarget {
  readonly #options: GrpcCallsOptions;
  readonly #pending = new Map<number, Pending>();
  #reading: GrpcReading | null = null;
  #ended = false;

  constructor(options: GrpcCallsOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  // A forbidden upstream answers as an unknown one, so that a filter cannot tell which clusters exist.
  start(call: GuestGrpcCall, contextId: number): number {
    const { vm, limits } = this.#options;
    if (this.#ended) return -vm.refuse(status.INTERNAL_FAILURE, "the filter's version is ending");
    const cluster = this.#cluster(call.upstream);
    if (cluster === null) return -vm.refuse(status.PARSE_FAILURE, UNKNOWN_UPSTREAM, call.upstream);
    const path = grpcPath(call.service, call.method);
    const metadata = checkedMetadata(call.metadata);
    const fits = call.message === null || call.message.length <= MAX_GRPC_MESSAGE_BYTES;
    if (path === null || metadata === null || !fits)
      return -vm.refuse(status.BAD_ARGUMENT, "service, method or metadata are not valid, or the message is over 1 MiB");
    if (this.#pending.size >= limits.callouts || this.#ofContext(contextId) >= limits.calloutsPerStream)
      return -vm.overLimit("callouts", status.INTERNAL_FAILURE, "{} calls are under way: too many", this.#pending.size);
    const timeoutMs = call.message === null ? 0 : call.timeoutMs || DEFAULT_TIMEOUT_MS;
    return this.#open({ cluster, path, metadata, timeoutMs }, call.message, contextId);
  }

  #open(request: GrpcRequest, message: Buffer | null, contextId: number): number {
    const id = this.#options.vm.nextCallId(message === null ? 2 : 1);
    const pending: Pending = { contextId, call: UNSTARTED, halfClosed: message !== null };
    this.#pending.set(id, pending);
    const events = message === null ? new GrpcDelivery(id, this) : new UnaryDelivery(id, this);
    pending.call = this.#options.port.start(request, events);
    if (message !== null) {
      pending.call.send(message);
      pending.call.close();
    }
    return id;
  }

  #cluster(upstream: string): string | null {
    const { port } = this.#options;
    if (port.hasCluster(upstream)) return this.#permitted(upstream) ? upstream : null;
    const named = clusterOfGrpcService(Buffer.from(upstream, "latin1"));
    return named !== null && port.hasCluster(named) && this.#permitted(named) ? named : null;
  }

  #permitted(cluster: string): boolean {
    const { allowed } = this.#options;
    return allowed === null || allowed.includes(cluster);
  }

  #ofContext(contextId: number): number {
    let count = 0;
    for (const pending of this.#pending.values()) if (pending.contextId === contextId) count++;
    return count;
  }

  #unknown(id: number): Status {
    return this.#options.vm.refuse(status.NOT_FOUND, "there is no gRPC call {}, or it has ended", id);
  }

  // Only statuses that SDKs expect of these functions: Rust's panics on any other, and a slow peer must not cause that.
  send(id: number, message: Buffer, endStream: boolean): Status {
    const pending = this.#pending.get(id);
    if (pending === undefined) return this.#unknown(id);
    const { vm } = this.#options;
    if (pending.halfClosed) return vm.refuse(status.BAD_ARGUMENT, "the stream {} is closed for sending", id);
    if (message.length > MAX_GRPC_MESSAGE_BYTES)
      return vm.refuse(status.BAD_ARGUMENT, "a message of {} bytes is over 1 MiB", message.length);
    if (!pending.call.send(message))
      return vm.refuse(status.BAD_ARGUMENT, "the stream {} takes no more: its peer does not read, or it has ended", id);
    if (endStream) this.#halfClose(pending);
    return status.OK;
  }

  close(id: number): Status {
    const pending = this.#pending.get(id);
    if (pending === undefined) return this.#unknown(id);
    if ((id & 3) === 1) return this.cancel(id);
    if (!pending.halfClosed) this.#halfClose(pending);
    return status.OK;
  }

  #halfClose(pending: Pending): void {
    pending.halfClosed = true;
    pending.call.close();
  }

  cancel(id: number): Status {
    const pending = this.#pending.get(id);
    if (pending === undefined) return this.#unknown(id);
    this.#pending.delete(id);
    pending.call.cancel();
    return status.OK;
  }

  /** Cancels everything; nothing can be started any more. */
  end(): void {
    this.#ended = true;
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const { call } of all) call.cancel();
  }

  // Never inside the callback that caused it (abi.md 9.7): `defer` waits for the end of the running one.
  deliver(id: number, reading: GrpcReading): void {
    this.#options.vm.defer(() => this.#run(id, reading));
  }

  #run(id: number, reading: GrpcReading): void {
    if (!this.#pending.has(id)) return;
    if (reading.kind === "closed") this.#pending.delete(id);
    const { vm, run } = this.#options;
    const callback = this.#callbackOf(reading);
    if (callback === null) return;
    this.#reading = reading;
    try {
      run(callback, id, valueOf(reading));
    } finally {
      this.#reading = null;
    }
    // After the window has closed: what follows may be callbacks of streams.
    vm.settle();
  }

  #callbackOf({ kind }: GrpcReading): GuestCallback | null {
    const { onGrpcInitialMetadata, onGrpcMessage, onGrpcTrailingMetadata, onGrpcClose } = this.#options.vm.callbacks;
    switch (kind) {
      case "initial":
        return onGrpcInitialMetadata;
      case "message":
        return onGrpcMessage;
      case "trailing":
        return onGrpcTrailingMetadata;
      case "closed":
        return onGrpcClose;
    }
  }

  /** Maps 4 and 5, inside their callbacks. */
  headers(map: number): HeaderList | null {
    const reading = this.#reading;
    if (map === maps.GRPC_CALL_INITIAL_METADATA) return reading?.kind === "initial" ? reading.metadata : null;
    if (map === maps.GRPC_CALL_TRAILING_METADATA) return reading?.kind === "trailing" ? reading.metadata : null;
    return null;
  }

  /** Buffer 5, inside its callback. */
  message(buffer: number): Buffer | null {
    return buffer === buffers.GRPC_CALL_MESSAGE && this.#reading?.kind === "message" ? this.#reading.bytes : null;
  }

  /** `proxy_get_status` inside proxy_on_grpc_close; null elsewhere. */
  status(): { readonly code: number; readonly message: string } | null {
    const reading = this.#reading;
    return reading?.kind === "closed" ? { code: reading.status, message: reading.message } : null;
  }
}

/** Third argument of the callback. */
function valueOf(reading: GrpcReading): number {
  if (reading.kind === "message") return reading.bytes.length;
  return reading.kind === "closed" ? reading.status : reading.metadata.length / 2;
}
