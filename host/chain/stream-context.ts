// One filter on one stream: what its guest may see and do there. Implements the host-call port; everything with an effect
// on the stream is deferred until the running callback has returned (abi.md 9.7).
import * as buffers from "../../sdk/assembly/abi/buffer.ts";
import * as maps from "../../sdk/assembly/abi/map.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import * as streams from "../../sdk/assembly/abi/stream.ts";
import type { HeaderList } from "../abi/headers.ts";
import type { Status } from "../abi/status.ts";
import type { Timer } from "../base/clock.ts";
import type { ForeignContext, ForeignStream } from "../plugin/foreign/context.ts";
import { stateFor } from "../plugin/foreign/filter-state.ts";
import { callForeign } from "../plugin/foreign/table.ts";
import type { PluginContext } from "../plugin/plugin-context.ts";
import { isHostProperty } from "../plugin/properties.ts";
import { type ConnectionState, setFilterState, StreamNotes } from "../plugin/stream-notes.ts";
import { NO_CALLBACKS, type GuestCallback, type GuestCallbacks, type SideCallbacks } from "../vm/callbacks.ts";
import type { ForeignResult, GrpcHostcalls, GuestHttpCall, GuestReply, Hostcalls } from "../vm/ports.ts";
import { FAULTED, type Vm } from "../vm/vm.ts";
import type { ContextOwner } from "./context-owner.ts";
import { Flow, type Side } from "./flow.ts";
import { isAttribute, stateKey } from "./properties.ts";
import { type Arm, countFault } from "./slot.ts";

export class StreamContext implements Hostcalls, ForeignContext, ForeignStream {
  readonly id: number;
  readonly index: number;
  readonly vm: Vm;
  readonly plugin: PluginContext;
  readonly arm: Arm;
  /** A local reply of this filter is on its way. */
  replying = false;
  /** The filter takes no further part in this stream. */
  skipped = false;
  /** sluice.hold_headers was called in the running header callback. */
  holdNext = false;
  /** on_log runs: maps are readable, nothing is writable. */
  logging = false;
  requestCallbacks: SideCallbacks;
  responseCallbacks: SideCallbacks;
  readonly #owner: ContextOwner;
  #inFlight: Map<string, bigint> | null = null;
  // Made when a filter pauses or reads a body: most never do either.
  #request: Flow | null = null;
  #response: Flow | null = null;

  constructor(owner: ContextOwner, index: number, plugin: PluginContext, arm: Arm) {
    this.#owner = owner;
    this.index = index;
    this.plugin = plugin;
    this.arm = arm;
    this.vm = plugin.vm;
    this.id = this.vm.contexts.nextId();
    this.requestCallbacks = this.vm.requestCallbacks;
    this.responseCallbacks = this.vm.responseCallbacks;
    this.vm.contexts.add(this);
  }

  /** Once its exchange has changed to another protocol. */
  get longLived(): boolean {
    return Boolean(this.#owner.facts.upgrade);
  }

  /** A watched stream has its own. */
  get callbacks(): GuestCallbacks {
    return this.vm.callbacks;
  }

  /** Where this filter stands in a direction, made when absent. */
  flow(side: Side): Flow {
    return side === "request" ? (this.#request ??= new Flow()) : (this.#response ??= new Flow());
  }

  /** As {@link flow}; null = open, and never anything else so far. */
  flowIfAny(side: Side): Flow | null {
    return side === "request" ? this.#request : this.#response;
  }

  get bufferLimit(): number {
    return this.plugin.options.bufferLimitBytes;
  }

  pauseTimer(expired: () => void): Timer | null {
    const ms = this.plugin.options.pauseTimeoutMs;
    return ms === 0 ? null : this.plugin.services.clock.after(ms, expired);
  }

  /** Runs a callback and answers its result; a fault applies the failure policy and answers FAULTED. */
  run(callback: GuestCallback, a = 0, b = 0): number {
    const result = this.vm.call(callback, this, a, b);
    if (result === FAULTED && !this.skipped) this.#fail();
    return result;
  }

  #fail(): void {
    this.skip();
    countFault(this.arm, this.#owner.facts);
    this.#owner.failed(this);
  }

  /** No callback of this filter runs on this stream any more. */
  skip(): void {
    this.skipped = true;
    this.requestCallbacks = NO_CALLBACKS;
    this.responseCallbacks = NO_CALLBACKS;
  }

  // Called from inside another stream's callback when the instance they share dies, hence the detour.
  abandoned(): void {
    if (this.skipped) return;
    queueMicrotask(() => {
      if (!this.skipped) this.#fail();
    });
  }

  get absentMap(): Status {
    return this.logging ? status.NOT_FOUND : status.BAD_ARGUMENT;
  }

  headers(map: number): HeaderList | null {
    return map <= maps.HTTP_RESPONSE_TRAILERS ? this.#owner.map(map) : this.plugin.headers(map);
  }

  writableHeaders(map: number): HeaderList | null {
    if (this.logging || map > maps.HTTP_RESPONSE_TRAILERS || !this.#owner.mapWritable(map)) return null;
    return this.#owner.map(map);
  }

  replaceHeaders(map: number, list: HeaderList): Status {
    this.#owner.replaceMap(map, list);
    return status.OK;
  }

  /** The flow whose bytes this buffer is; null for buffers of another kind of stream. */
  flowOfBuffer(buffer: number): Flow | null {
    if (buffer === buffers.HTTP_REQUEST_BODY) return this.#request;
    return buffer === buffers.HTTP_RESPONSE_BODY ? this.#response : null;
  }

  buffer(id: number): Buffer | null {
    const isStream = id <= buffers.UPSTREAM_DATA;
    return isStream ? (this.flowOfBuffer(id)?.readable() ?? null) : this.plugin.buffer(id);
  }

  replaceBuffer(id: number, start: number, size: number, data: Buffer): Status {
    const flow = this.flowOfBuffer(id);
    const content = flow?.readable() ?? null;
    if (flow === null || content === null) return this.vm.refuse(status.NOT_FOUND, "there is no body in this callback");
    const from = Math.min(start, content.length);
    const to = Math.min(from + size, content.length);
    flow.rewrite(
      from === 0 && to === content.length
        ? data
        : Buffer.concat([content.subarray(0, from), data, content.subarray(to)]),
    );
    return status.OK;
  }

  property(path: readonly string[]): Uint8Array | null {
    return this.#owner.property(path, this);
  }

  /** Writes filter state `wasm.<path>`, with the life span that `declare_property` gave it (abi.md 10.3). */
  setProperty(path: readonly string[], value: Buffer): Status {
    const name = path.join("\0");
    if (isAttribute(path) || isHostProperty(path))
      return this.vm.refuse(status.BAD_ARGUMENT, "{} is the host's own and cannot be set", name);
    const declared = this.plugin.declared?.get(name);
    const entry = { value, readonly: declared?.readonly ?? false };
    const reason = setFilterState(stateFor(declared?.span ?? 0, this), stateKey(path), entry);
    return reason === null ? status.OK : this.vm.refuse(status.BAD_ARGUMENT, reason, name);
  }

  sendLocalReply(reply: GuestReply): Status {
    // A reply without effect does not stop the answer that is under way either (abi.md 5.4).
    if (this.skipped || this.logging || !this.#owner.mapWritable(maps.HTTP_RESPONSE_HEADERS))
      return this.plugin.replyIgnored("ignored: the response has left already, or the stream is over");
    this.replying = true;
    this.vm.defer(() => this.#owner.reply(reply));
    return status.OK;
  }

  /** The reply it asked for goes out, or another does. */
  replied(accepted: boolean): void {
    this.replying = false;
    if (accepted) this.arm.counts.localReplies++;
    else this.plugin.replyIgnored("ignored: another reply came first");
  }

  continueStream(type: number): Status {
    if (type === streams.HTTP_REQUEST) this.vm.defer(() => this.#owner.resume(this.index, "request"));
    if (type === streams.HTTP_RESPONSE) this.vm.defer(() => this.#owner.resume(this.index, "response"));
    return status.OK;
  }

  closeStream(_type: number): Status {
    this.replying = true;
    this.vm.defer(() => this.#owner.reset("wasm_close_stream"));
    return status.OK;
  }

  httpCall(call: GuestHttpCall): number {
    return this.plugin.callouts.start(call, this.id);
  }

  get grpc(): GrpcHostcalls {
    return this.plugin.grpc;
  }

  resolveDns(name: string): number {
    return this.plugin.resolveDns(name);
  }

  callStatus(): { readonly code: number; readonly message: string } {
    return this.plugin.callStatus();
  }

  setTickPeriod(ms: number): Status {
    return this.plugin.setTickPeriod(ms);
  }

  done(): Status {
    return this.plugin.done();
  }

  registerQueue(name: string): number {
    return this.plugin.registerQueue(name);
  }

  foreign(name: string, args: Buffer): ForeignResult {
    return callForeign(this, name, args);
  }

  get requestId(): string {
    return this.#owner.facts.requestId;
  }

  get stream(): this {
    return this;
  }

  get refusal(): string {
    return this.vm.refusal.text;
  }

  get debugging(): boolean {
    return this.plugin.debugging;
  }

  get author(): string {
    const { options, version } = this.arm.generation.spec;
    return `${options.name}@${version}`;
  }

  get notes(): StreamNotes {
    return (this.#owner.facts.notes ??= new StreamNotes());
  }

  get connectionState(): ConnectionState {
    return this.#owner.facts.connectionState;
  }

  get clusterName(): string {
    const { notes, clusterName } = this.#owner.facts;
    return notes?.decision?.cluster ?? clusterName;
  }

  get routed(): boolean {
    return this.#owner.routed;
  }

  get inFlight(): Map<string, bigint> {
    return (this.#inFlight ??= new Map());
  }

  /** The stream has ended: takes back what it counted as in flight. */
  ended(): void {
    if (this.#inFlight === null) return;
    const { services, options } = this.plugin;
    const counted = this.#inFlight;
    this.#inFlight = null;
    for (const [name, added] of counted) {
      try {
        services.shared.add(options.vmId, name, -added);
      } catch {
        // The counter was evicted and there is no room to make it anew: then there is nothing to take back either.
      }
    }
  }

  clearRouteCache(): void {
    this.#owner.clearRouteCache();
  }

  /** The direction a delay resumes: the one whose callback runs, else the request's. */
  resumeLater(ms: number): void {
    const side: Side = this.#owner.map(maps.HTTP_RESPONSE_HEADERS) === null ? "request" : "response";
    this.plugin.services.clock.after(ms, () => this.#owner.resume(this.index, side));
  }
}
