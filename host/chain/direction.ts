// One direction of one stream: takes headers, body and trailers through the filters in order, stops where a filter
// pauses, and goes on from there (flow rules: abi.md 9). Request filters run first to last, response filters last to first.
// Every callback's result is applied before the effects it asked for run (`settle`), so a filter may pause and resume in
// one breath.
import type { HeaderList } from "../abi/headers.ts";
import type { GuestCallback, SideCallbacks } from "../vm/callbacks.ts";
import { Brake } from "./brake.ts";
import { fitLength } from "./content-length.ts";
import type { DirectionOwner } from "./direction-owner.ts";
import type { Flow, FlowState, Side } from "./flow.ts";
import { Message } from "./message.ts";
import { bounds, continues, headersContinue, keepsChunk, stopsReading } from "./results.ts";
import type { StreamContext } from "./stream-context.ts";

export class Direction {
  readonly side: Side;
  readonly message = new Message();
  readonly #owner: DirectionOwner;
  readonly #first: number;
  readonly #last: number;
  readonly #step: 1 | -1;
  #brake: Brake | null = null;
  #stopped = false;
  /** Some filter has a flow in this direction. */
  #flowed = false;
  /** Counts restarts: a walk that was under way when one happened ends quietly. */
  #walk = 0;

  constructor(owner: DirectionOwner, side: Side) {
    this.#owner = owner;
    this.side = side;
    this.#step = side === "request" ? 1 : -1;
    this.#first = side === "request" ? 0 : owner.filterCount - 1;
    this.#last = side === "request" ? owner.filterCount : -1;
  }

  onHeaders(headers: HeaderList, end: boolean): void {
    this.message.headers = headers;
    this.#runHeaders(this.#first, end);
  }

  onBody(chunk: Buffer, end: boolean): void {
    if (!this.#stopped) this.#runBody(this.#first, chunk, end);
  }

  onTrailers(trailers: HeaderList): void {
    this.message.trailers = trailers;
    if (!this.#stopped) this.#runTrailers(this.#first, trailers);
  }

  /** No filter looks at the body or holds any of it: it may go past the chain. */
  get bodyPasses(): boolean {
    if (!this.message.forwarded || this.#flowed || this.#stopped) return false;
    for (let index = this.#first; index !== this.#last; index += this.#step) {
      const context = this.#owner.contextAt(index, "response");
      if (context !== null && this.#callbacks(context).body !== null) return false;
    }
    return true;
  }

  /** Nothing more happens in this direction. */
  stop(): void {
    this.#stopped = true;
    this.#clearFlows();
  }

  /** Forgets what was under way (a local reply takes the place of a response). */
  restart(): void {
    this.#walk++;
    this.#clearFlows();
    this.message.parsed = [];
    this.message.trailers = null;
    this.message.trailersForwarded = false;
  }

  #clearFlows(): void {
    for (let index = 0; this.#flowed && index < this.#owner.filterCount; index++)
      this.#owner.contextAt(index, "response")?.flowIfAny(this.side)?.clear();
    this.#brake?.releaseAll();
  }

  /** The filter at `index` asked to go on. Nothing happens when it is not paused. */
  resume(index: number): void {
    const flow = this.#owner.contextAt(index, "response")?.flowIfAny(this.side) ?? null;
    if (flow?.paused === true && !this.#stopped) this.#goOn(index, flow);
  }

  #goOn(index: number, flow: Flow): void {
    const { state } = flow;
    this.#release(flow);
    if (state === "headers") this.#resumeHeaders(index, flow);
    else this.#flush(index, flow, state);
  }

  #resumeHeaders(index: number, flow: Flow): void {
    const { bodyEnd, trailers } = flow;
    const queued = flow.bytes > 0 || bodyEnd ? flow.take() : null;
    flow.trailers = null;
    this.#runHeaders(index + this.#step, flow.headersEnd);
    // The paused filter has not seen the body yet: it starts with this one.
    if (queued !== null && !this.#stopped) this.#runBody(index, queued, bodyEnd);
    if (trailers !== null && !this.#stopped) this.#runTrailers(index, trailers);
  }

  /** What the filter had seen and held goes to the next one; trailers it has not seen come after. */
  #flush(index: number, flow: Flow, state: FlowState): void {
    const next = index + this.#step;
    const { bodyEnd, trailers } = flow;
    const seen = flow.take();
    flow.trailers = null;
    if (state === "held") this.#releaseHeaders(next, seen, bodyEnd);
    if ((seen.length > 0 || bodyEnd) && !this.#stopped) this.#runBody(next, seen, bodyEnd);
    const seenByIt = state === "trailers" || flow.ownTrailers;
    if (trailers !== null && !this.#stopped) this.#runTrailers(seenByIt ? next : index, trailers);
  }

  /** Headers that waited for the body leave before it; their length is made true (abi.md 9.11). */
  #releaseHeaders(next: number, body: Buffer, end: boolean): void {
    if (this.message.headers !== null && this.message.openHeaders()) fitLength(this.message.headers, body.length, end);
    this.#runHeaders(next, false);
  }

  #runHeaders(from: number, end: boolean): void {
    const headers = this.message.headers;
    if (headers === null || this.#stopped) return;
    const walk = this.#walk;
    for (let index = from; index !== this.#last; index += this.#step) {
      const context = this.#owner.contextAt(index, this.side);
      if (this.#over(walk)) return;
      const callback = context === null ? null : this.#callbacks(context).headers;
      if (context === null || callback === null) continue;
      context.holdNext = false;
      const result = context.run(callback, headers.length / 2, end ? 1 : 0);
      if (this.#over(walk)) return;
      if (!this.#passes(context, headersContinue(result))) {
        const flow = this.#flowOf(context);
        flow.headersEnd = end;
        flow.bounded = bounds(result);
        this.#pause(context, context.holdNext && !end ? "held" : "headers");
        context.vm.settle();
        return;
      }
      context.vm.settle();
      if (this.#over(walk)) return;
    }
    this.message.forwarded = true;
    this.#owner.forwardHeaders(this.side, headers, end);
  }

  #runBody(from: number, chunk: Buffer, last: boolean): void {
    const walk = this.#walk;
    let data = chunk;
    let end = last;
    for (let index = from; index !== this.#last; index += this.#step) {
      const context = this.#owner.contextAt(index, "response");
      if (context === null) continue;
      const flow = context.flowIfAny(this.side);
      const callback = this.#callbacks(context).body;
      if (flow !== null && (flow.state === "headers" || (callback === null && flow.paused))) {
        this.#queue(context, flow, data, end);
        return;
      }
      if (callback === null) continue;
      const passed = this.#callBody(context, callback, index, { data, end });
      if (passed === null || this.#over(walk)) return;
      data = passed;
      if (!end || this.message.trailers === null) continue;
      // It has added trailers: for the rest of the way the body does not end by itself.
      this.#runBody(index + this.#step, data, false);
      if (!this.#over(walk)) this.#runTrailers(index + this.#step, this.message.trailers);
      return;
    }
    if (data.length > 0 || end) this.#owner.forwardBody(this.side, data, end);
  }

  /** Runs a body callback over all the filter holds plus the new chunk. Null = it stopped here. */
  #callBody(
    context: StreamContext,
    callback: GuestCallback,
    index: number,
    input: { data: Buffer; end: boolean },
  ): Buffer | null {
    const flow = this.#flowOf(context);
    const walk = this.#walk;
    const held = flow.bytes;
    flow.append(input.data);
    flow.view = flow.lend();
    this.message.ending = input.end && this.message.trailers === null;
    const result = context.run(callback, flow.view.length, input.end ? 1 : 0);
    const end = input.end && !this.message.trailersAdded();
    if (this.#over(walk)) return null;
    const data = flow.view ?? input.data;
    flow.view = null;
    if (this.#passes(context, continues(result))) {
      const { state } = flow;
      this.#release(flow);
      if (state === "held") this.#releaseHeaders(index + this.#step, data, end);
      context.vm.settle();
      return data;
    }
    flow.append(keepsChunk(result) ? data : data.subarray(0, held));
    flow.bodyEnd = end;
    flow.ownTrailers = end !== input.end;
    if (flow.ownTrailers) flow.trailers = this.message.trailers;
    this.#pause(context, flow.state === "held" ? "held" : "body");
    this.#watch(context, flow, stopsReading(result));
    context.vm.settle();
    return null;
  }

  #queue(context: StreamContext, flow: Flow, data: Buffer, end: boolean): void {
    flow.append(data);
    flow.bodyEnd = end;
    this.#watch(context, flow, flow.state !== "headers" || !flow.bounded);
  }

  #runTrailers(from: number, trailers: HeaderList): void {
    const walk = this.#walk;
    for (let index = from; index !== this.#last; index += this.#step) {
      const context = this.#owner.contextAt(index, "response");
      if (context === null) continue;
      const flow = context.flowIfAny(this.side);
      const callback = this.#callbacks(context).trailers;
      // Differs from Envoy, where trailers release a filter that is paused on the body and has no trailer callback: a
      // filter that waits for a verdict must not be passed by.
      if (flow !== null && (flow.state === "headers" || (callback === null && flow.paused))) {
        flow.trailers = trailers;
        return;
      }
      if (callback === null) continue;
      const result = context.run(callback, trailers.length / 2, 0);
      if (this.#over(walk)) return;
      if (!this.#passes(context, continues(result))) {
        this.#flowOf(context).trailers = trailers;
        this.#pause(context, "trailers");
        context.vm.settle();
        return;
      }
      if (flow?.paused === true) this.#goOn(index, flow);
      context.vm.settle();
      if (this.#over(walk)) return;
    }
    this.message.trailersForwarded = true;
    this.#owner.forwardTrailers(this.side, trailers);
  }

  /** Stopped, or started anew by a local reply while a callback ran. */
  #over(walk: number): boolean {
    return this.#stopped || walk !== this.#walk;
  }

  #flowOf(context: StreamContext): Flow {
    this.#flowed = true;
    return context.flow(this.side);
  }

  #callbacks(context: StreamContext): SideCallbacks {
    return this.side === "request" ? context.requestCallbacks : context.responseCallbacks;
  }

  /** A local reply or a fault outranks the callback's own result. */
  #passes(context: StreamContext, wanted: boolean): boolean {
    return !this.#stopped && !context.replying && (wanted || context.skipped);
  }

  #pause(context: StreamContext, state: FlowState): void {
    const flow = this.#flowOf(context);
    flow.state = state;
    flow.timer ??= context.pauseTimer(() => this.#owner.pauseTimedOut());
  }

  #watch(context: StreamContext, flow: Flow, backPressure: boolean): void {
    this.#brake ??= new Brake(this.#owner, this.side);
    if (!this.#brake.watch(flow, context.bufferLimit, backPressure)) this.#owner.overflow(this.side);
  }

  #release(flow: Flow): void {
    flow.open();
    this.#brake?.release(flow);
  }
}
