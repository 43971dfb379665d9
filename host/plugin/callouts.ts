// The HTTP call-outs of one plugin context: their ids, their limits, and the answer that is being read. They belong to
// the plugin context and are cancelled with it, not with the stream that started them (abi.md 5.5).
import * as buffers from "../../sdk/assembly/abi/buffer.ts";
import * as maps from "../../sdk/assembly/abi/map.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import type { HeaderList } from "../abi/headers.ts";
import { MAX_CALLOUT_BYTES } from "../abi/limits.ts";
import type { GuestHttpCall } from "../vm/ports.ts";
import type { Vm } from "../vm/vm.ts";
import type { CalloutPort, CalloutResult } from "./callout-port.ts";
import type { FilterLimits } from "./options.ts";

/** `proxy_get_status` code of a failed call, as in Envoy (absl UNAVAILABLE is 14; Envoy answers 11 here). */
const FAILED_CALL = 11;

interface Pending {
  readonly streamId: number;
  cancel: () => void;
}

export interface CalloutOptions {
  readonly port: CalloutPort;
  /** Ids that no other call-out of the VM has. */
  readonly nextId: () => number;
  /** Clusters the filter may call; null = all. */
  readonly allowed: readonly string[] | null;
  readonly limits: Pick<FilterLimits, "callouts" | "calloutsPerStream">;
  /** Notes why a call is refused and gives the status back; counts limits and missing rights. */
  readonly vm: Pick<Vm, "refuse" | "overLimit" | "deny">;
  /** Runs proxy_on_http_call_response; {@link Callouts.answer} is readable while it runs. */
  readonly deliver: (id: number, headers: number, bodySize: number, trailers: number) => void;
}

export class Callouts {
  readonly #options: CalloutOptions;
  readonly #pending = new Map<number, Pending>();
  /** What the running proxy_on_http_call_response may read. */
  #answer: CalloutResult | null = null;

  constructor(options: CalloutOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  /** The call's id, or a negated status. */
  start(call: GuestHttpCall, streamId: number): number {
    const { port, allowed, vm, limits } = this.#options;
    if (allowed !== null && !allowed.includes(call.upstream))
      return -vm.deny("upstream", status.BAD_ARGUMENT, "{} is not in the filter's allowedUpstreams", call.upstream);
    if (!port.hasCluster(call.upstream))
      return -vm.refuse(status.BAD_ARGUMENT, "unknown upstream: there is no cluster {}", call.upstream);
    if (this.#pending.size >= limits.callouts || this.#ofStream(streamId) >= limits.calloutsPerStream)
      return -vm.overLimit("callouts", status.INTERNAL_FAILURE, "{} calls are under way: too many", this.#pending.size);
    const id = this.#options.nextId();
    const pending: Pending = { streamId, cancel: () => {} };
    this.#pending.set(id, pending);
    const { upstream: cluster, headers, body, trailers, timeoutMs } = call;
    const request = { cluster, headers, body, trailers, timeoutMs, maxBodyBytes: MAX_CALLOUT_BYTES };
    const handle = port.send(request, (result) => this.#arrived(id, result));
    pending.cancel = () => handle.cancel();
    return id;
  }

  #ofStream(streamId: number): number {
    let count = 0;
    for (const pending of this.#pending.values()) if (pending.streamId === streamId) count++;
    return count;
  }

  #arrived(id: number, result: CalloutResult): void {
    if (!this.#pending.delete(id)) return;
    this.#answer = result;
    try {
      // 0 headers tell the guest that the call failed (abi.md 3.5).
      if (result.ok)
        this.#options.deliver(id, result.headers.length / 2, result.body.length, result.trailers.length / 2);
      else this.#options.deliver(id, 0, 0, 0);
    } finally {
      this.#answer = null;
    }
  }

  cancelAll(): void {
    for (const pending of this.#pending.values()) pending.cancel();
    this.#pending.clear();
  }

  headers(map: number): HeaderList | null {
    if (map === maps.HTTP_CALL_RESPONSE_HEADERS)
      return this.#answer === null ? null : this.#answer.ok ? this.#answer.headers : [];
    if (map === maps.HTTP_CALL_RESPONSE_TRAILERS)
      return this.#answer === null ? null : this.#answer.ok ? this.#answer.trailers : [];
    return null;
  }

  body(buffer: number): Buffer | null {
    return buffer === buffers.HTTP_CALL_RESPONSE_BODY && this.#answer?.ok === true ? this.#answer.body : null;
  }

  status(): { readonly code: number; readonly message: string } {
    return this.#answer?.ok === false ? { code: FAILED_CALL, message: this.#answer.failure } : { code: 0, message: "" };
  }
}
