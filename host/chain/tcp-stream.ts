// One TCP connection on its way through the filters: owns the contexts, the two directions, and the end of them. The
// directions are those of HTTP (direction.ts): a new connection waits where headers would, data where a body would.
// Implements the seam to `net/tcp` (tcp-ports.ts); knows no socket.
import type { HeaderList } from "../abi/headers.ts";
import type { GuestCallback, GuestCallbacks } from "../vm/callbacks.ts";
import { Direction } from "./direction.ts";
import type { DirectionOwner } from "./direction-owner.ts";
import type { Side } from "./flow.ts";
import { readOwn } from "./attributes/own.ts";
import type { StreamFacts } from "./ports.ts";
import { readAttribute, readSet } from "./properties.ts";
import { chooseArm, countFault, settleExposures, type ChainSlot } from "./slot.ts";
import { TcpContext, type TcpContextOwner } from "./tcp-context.ts";
import type { TcpPort, TcpStream } from "./tcp-ports.ts";

/** A connection has no headers; nobody writes to this list. */
const NO_HEADERS: HeaderList = [];

export class TcpFilterStream implements TcpStream, DirectionOwner, TcpContextOwner {
  readonly #slots: readonly ChainSlot[];
  readonly #port: TcpPort;
  readonly #released: () => void;
  /** undefined = not reached yet; null = takes no part. */
  readonly #contexts: (TcpContext | null | undefined)[] = [];
  readonly #downstream: Direction;
  readonly #upstream: Direction;
  /** Walks under way: a close waits for the outermost, so that what the callback let pass has passed. */
  #depth = 0;
  /** Why a filter wants the connection closed; "" = none does. */
  #closeDetails = "";
  /** Closed or reset: no filter sees data any more. */
  #over = false;
  #ended = false;
  #complete = false;

  /** @param released called once, after the last callback */
  constructor(slots: readonly ChainSlot[], port: TcpPort, released: () => void) {
    this.#slots = slots;
    this.#port = port;
    this.#released = released;
    this.#downstream = new Direction(this, "request");
    this.#upstream = new Direction(this, "response");
  }

  get facts(): StreamFacts {
    return this.#port.facts;
  }

  /** A connection has no route decision; its cluster is filter state `envoy.tcp_proxy.cluster`. */
  get routed(): boolean {
    return true;
  }

  get filterCount(): number {
    return this.#slots.length;
  }

  newConnection(): void {
    this.#depth++;
    this.#downstream.onHeaders(NO_HEADERS, false);
    this.#leave();
  }

  downstreamData(chunk: Buffer, end: boolean): void {
    this.#depth++;
    this.#downstream.onBody(chunk, end);
    this.#leave();
  }

  upstreamData(chunk: Buffer, end: boolean): void {
    this.#depth++;
    this.#upstream.onBody(chunk, end);
    this.#leave();
  }

  downstreamClosed(by: number): void {
    for (let index = 0; index < this.#slots.length; index++) this.#closed(index, "onDownstreamClose", by);
  }

  upstreamClosed(by: number): void {
    for (let index = this.#slots.length - 1; index >= 0; index--) this.#closed(index, "onUpstreamClose", by);
  }

  #closed(index: number, name: "onDownstreamClose" | "onUpstreamClose", by: number): void {
    const context = this.#contexts[index];
    const callback = context?.vm.callbacks[name] ?? null;
    if (callback === null || context === null || context === undefined || context.skipped || this.#ended) return;
    this.#depth++;
    context.run(callback, by);
    context.vm.settle();
    this.#leave();
  }

  /** on_done, on_log, on_delete: in this order on connections (abi.md 9.8, 15.12). */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#complete = true;
    this.#stop();
    for (const context of this.#contexts) if (context !== undefined && context !== null) finish(context);
    settleExposures(this.#port.facts, false);
    this.#released();
  }

  contextAt(index: number, side: Side): TcpContext | null {
    const known = this.#contexts[index];
    if (known !== undefined) return known;
    return side === "response" ? null : this.#create(index);
  }

  #create(index: number): TcpContext | null {
    const slot = this.#slots[index] as ChainSlot;
    const { facts } = this.#port;
    const arm = chooseArm(slot, NO_HEADERS, String(facts.connectionId), facts);
    const plugin = arm?.generation.context(arm.config) ?? null;
    if (arm === null || plugin === null) {
      this.#contexts[index] = null;
      if (arm !== null) countFault(arm, facts);
      if (arm?.generation.policy !== "FAIL_OPEN") this.reset("wasm_fail_stream");
      return null;
    }
    const context = new TcpContext(this, index, plugin, arm);
    this.#contexts[index] = context;
    if (plugin.streamCreated !== null) context.run(plugin.streamCreated, plugin.id);
    return context;
  }

  failed(context: TcpContext): void {
    if (this.#ended) return;
    if (context.arm.generation.policy !== "FAIL_OPEN") {
      this.reset("wasm_fail_stream");
      return;
    }
    // The connection may be waiting for the dead filter, in either direction.
    this.resume(context.index, "request");
    this.resume(context.index, "response");
  }

  resume(index: number, side: Side): void {
    if (this.#over) return;
    this.#depth++;
    (side === "request" ? this.#downstream : this.#upstream).resume(index);
    this.#leave();
  }

  close(details: string): void {
    if (this.#closeDetails === "") this.#closeDetails = details;
    if (this.#depth === 0) this.#closeNow();
  }

  #leave(): void {
    this.#depth--;
    if (this.#depth === 0 && this.#closeDetails !== "") this.#closeNow();
  }

  #closeNow(): void {
    if (this.#over) return;
    this.#stop();
    this.#port.close(this.#closeDetails);
  }

  reset(details: string): void {
    if (this.#over) return;
    this.#stop();
    this.#port.reset(details);
  }

  #stop(): void {
    this.#over = true;
    this.#downstream.stop();
    this.#upstream.stop();
  }

  get pendingDownstream(): number {
    return this.#port.pendingDownstream;
  }

  replyDownstream(bytes: Buffer): void {
    if (!this.#over && bytes.length > 0) this.#port.replyDownstream(bytes);
  }

  pauseTimedOut(): void {
    this.reset("wasm_pause_timeout");
  }

  overflow(): void {
    this.reset("wasm_buffer_limit");
  }

  hold(side: Side, hold: boolean): void {
    this.#port.hold(side === "request" ? "downstream" : "upstream", hold);
  }

  forwardHeaders(): void {
    this.#port.connect();
  }

  forwardBody(side: Side, chunk: Buffer, end: boolean): void {
    if (side === "request") this.#port.forwardUpstream(chunk, end);
    else this.#port.forwardDownstream(chunk, end);
  }

  property(path: readonly string[], context: TcpContext): Uint8Array | null {
    const { facts } = this.#port;
    const { plugin, arm } = context;
    const own = path[0] === "sluice" ? readOwn(path, arm, facts, false) : null;
    if (own !== null) return own;
    const http = { request: null, response: null, responseTrailers: null };
    const source = { facts, ...http, complete: this.#complete, services: plugin.services };
    return readAttribute(source, path) ?? plugin.property(path) ?? readSet(source, path);
  }

  // What only HTTP has.
  forwardTrailers(): void {}
  reply(): void {}
  clearRouteCache(): void {}
  replaceMap(): void {}
  map(): HeaderList | null {
    return null;
  }
  mapWritable(): boolean {
    return false;
  }
}

const LAST: readonly (keyof GuestCallbacks)[] = ["onDone", "onLog", "onDelete"];

function finish(context: TcpContext): void {
  const { vm } = context;
  for (const name of context.skipped ? [] : LAST) {
    const callback: GuestCallback | null = vm.callbacks[name];
    context.logging = name !== "onDone";
    if (callback !== null) vm.call(callback, context);
  }
  context.skip();
  context.ended();
  vm.contexts.delete(context.id);
  vm.settle();
}
