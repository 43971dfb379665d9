// One filter on one TCP connection: the host calls that mean something else there than on an HTTP exchange. The two
// directions are those of StreamContext: "request" is downstream data, "response" is upstream data.
import * as action from "../../sdk/assembly/abi/action.ts";
import * as buffers from "../../sdk/assembly/abi/buffer.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import * as streams from "../../sdk/assembly/abi/stream.ts";
import type { Status } from "../abi/status.ts";
import { badArgument } from "../plugin/foreign/context.ts";
import type { PluginContext } from "../plugin/plugin-context.ts";
import type { GuestCallback } from "../vm/callbacks.ts";
import type { ForeignResult } from "../vm/ports.ts";
import { FAULTED } from "../vm/vm.ts";
import type { Flow, Side } from "./flow.ts";
import type { Arm } from "./slot.ts";
import type { ContextOwner } from "./context-owner.ts";
import { StreamContext } from "./stream-context.ts";

/** What a context needs of its connection. */
export interface TcpContextOwner extends ContextOwner {
  /** After what runs now; the first one counts. */
  close(details: string): void;
  /** Writes to the client past the other filters. */
  replyDownstream(bytes: Buffer): void;
  /** Bytes that wait for the client to read. */
  readonly pendingDownstream: number;
}

const NOTHING = Buffer.alloc(0);
const answer = (code: Status): ForeignResult => ({
  status: code,
  bytes: NOTHING,
  reason: "expected u32 flags and bytes, no more than the client still has to read, before proxy_on_log",
});
/** Foreign functions of HTTP exchanges: known, and without a window here. */
const HTTP_ONLY: ReadonlySet<string> = new Set(["sluice.hold_headers", "sluice.route_set", "clear_route_cache"]);

export class TcpContext extends StreamContext {
  readonly #owner: TcpContextOwner;
  /** The direction whose callback ran last: what a delay resumes. */
  #side: Side = "request";
  /** on_new_connection runs. */
  #opening = false;
  /** Bytes of replies that wait for the end of the running callback. */
  #replyBytes = 0;

  override get longLived(): boolean {
    return true;
  }

  constructor(owner: TcpContextOwner, index: number, plugin: PluginContext, arm: Arm) {
    super(owner, index, plugin, arm);
    this.#owner = owner;
    this.requestCallbacks = this.vm.downstreamCallbacks;
    this.responseCallbacks = this.vm.upstreamCallbacks;
  }

  /** 0 continues, anything else stops (abi.md 4): the finer stops of HTTP do not exist here. */
  override run(callback: GuestCallback, a = 0, b = 0): number {
    this.#side = callback === this.responseCallbacks.body ? "response" : "request";
    this.#opening = callback === this.requestCallbacks.headers;
    const result = super.run(callback, a, b);
    this.#opening = false;
    return result === action.CONTINUE || result === FAULTED ? result : action.PAUSE;
  }

  override flowOfBuffer(buffer: number): Flow | null {
    if (buffer === buffers.DOWNSTREAM_DATA) return this.flowIfAny("request");
    return buffer === buffers.UPSTREAM_DATA ? this.flowIfAny("response") : null;
  }

  /** OK and without effect, as for every reply nobody can be given (abi.md 5.4). */
  override sendLocalReply(): Status {
    return this.plugin.replyIgnored("ignored: a TCP connection has no replies; sluice.reply_downstream writes to it");
  }

  override continueStream(type: number): Status {
    if (type === streams.DOWNSTREAM) this.vm.defer(() => this.#owner.resume(this.index, "request"));
    if (type === streams.UPSTREAM) this.vm.defer(() => this.#owner.resume(this.index, "response"));
    return status.OK;
  }

  /** Either side takes the other along, once both have what was forwarded. What the callback lets pass still counts. */
  override closeStream(type: number): Status {
    if (type === streams.DOWNSTREAM) this.#close("wasm_downstream_close");
    if (type === streams.UPSTREAM) this.#close("wasm_upstream_close");
    return status.OK;
  }

  #close(details: string): void {
    // A connection refused here must not reach the next filter, let alone the upstream, whatever the callback returns.
    if (this.#opening) this.replying = true;
    this.vm.defer(() => this.#owner.close(details));
  }

  override foreign(name: string, args: Buffer): ForeignResult {
    if (name === "sluice.reply_downstream") return answer(this.#reply(args));
    return HTTP_ONLY.has(name) ? badArgument("{} has no meaning on a TCP connection") : super.foreign(name, args);
  }

  /** u32 flags (1 = close afterwards), then bytes. A client that does not read may not make the guest fill our memory. */
  #reply(args: Buffer): Status {
    if (args.length < 4 || this.logging) return status.BAD_ARGUMENT;
    const bytes = args.subarray(4);
    const pending = this.#owner.pendingDownstream + this.#replyBytes;
    if (pending + bytes.length > this.bufferLimit) return status.INTERNAL_FAILURE;
    this.#replyBytes += bytes.length;
    this.vm.defer(() => {
      this.#replyBytes -= bytes.length;
      this.#owner.replyDownstream(bytes);
    });
    if ((args.readUInt32LE(0) & 1) !== 0) this.#close("wasm_downstream_close");
    return status.OK;
  }

  override resumeLater(ms: number): void {
    const side = this.#side;
    this.plugin.services.clock.after(ms, () => this.#owner.resume(this.index, side));
  }
}
