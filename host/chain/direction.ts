// One direction of one stream: takes headers, body and trailers through the filters in order, stops where a filter
// pauses, and goes on from there (flow rules: abi.md 9). Request filters run first to last, response filters last to first.
// Every callback's result is applied before the effects it asked for run (`settle`), so a filter may pause and resume in
// one breath.
import * as action from "../../sdk/assembly/abi/action.ts";
import { findHeader, removeHeader, replaceHeader, type HeaderList } from "../abi/headers.ts";
import type { GuestCallback, SideCallbacks } from "../vm/callbacks.ts";
import type { Flow, FlowState, Side } from "./flow.ts";
import type { StreamContext } from "./stream-context.ts";

/** What a direction needs of its stream. */
export interface DirectionOwner {
  readonly filterCount: number;
  /** The filter's context on this stream, created if `side` is request; null = not part of this stream. */
  contextAt(index: number, side: Side): StreamContext | null;
  /** Everything has passed: towards the peer. */
  forwardHeaders(side: Side, headers: HeaderList, end: boolean): void;
  forwardBody(side: Side, chunk: Buffer, end: boolean): void;
  forwardTrailers(side: Side, trailers: HeaderList): void;
  hold(side: Side, hold: boolean): void;
  /** A filter's buffer is over its limit. */
  overflow(side: Side): void;
  pauseTimedOut(): void;
}

/** Out-of-range results: treated as the strictest stop (abi.md 4). Envoy maps headers value 2 to Continue; so do we. */
const continues = (result: number): boolean => result === action.CONTINUE;

export class Direction {
  readonly side: Side;
  headers: HeaderList | null = null;
  trailers: HeaderList | null = null;
  /** The headers have left the chain. */
  forwarded = false;
  readonly #owner: DirectionOwner;
  readonly #first: number;
  readonly #last: number;
  readonly #step: 1 | -1;
  #stopped = false;
  #holding = 0;
  /** Some filter has a flow in this direction. */
  #flowed = false;
  /** Counts restarts: a walk that was under way when one happened ends quietly. */
  #walk = 0;

  constructor(owner: DirectionOwner, side: Side) {
    this.#owner = owner;
    this.side = side;
    const count = owner.filterCount;
    this.#step = side === "request" ? 1 : -1;
    this.#first = side === "request" ? 0 : count - 1;
    this.#last = side === "request" ? count : -1;
  }

  onHeaders(headers: HeaderList, end: boolean): void {
    this.headers = headers;
    this.#runHeaders(this.#first, end);
  }

  onBody(chunk: Buffer, end: boolean): void {
    if (!this.#stopped) this.#runBody(this.#first, chunk, end);
  }

  onTrailers(trailers: HeaderList): void {
    this.trailers = trailers;
    if (!this.#stopped) this.#runTrailers(this.#first, trailers);
  }

  /** No filter looks at the body or holds any of it: it may go past the chain. */
  get bodyPasses(): boolean {
    if (!this.forwarded || this.#flowed || this.#stopped) return false;
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
    this.trailers = null;
  }

  #clearFlows(): void {
    for (let index = 0; this.#flowed && index < this.#owner.filterCount; index++)
      this.#owner.contextAt(index, "response")?.flowIfAny(this.side)?.clear();
    if (this.#holding > 0) this.#owner.hold(this.side, false);
    this.#holding = 0;
  }

  /** The filter at `index` asked to go on. Nothing happens when it is not paused. */
  resume(index: number): void {
    const flow = this.#owner.contextAt(index, "response")?.flowIfAny(this.side) ?? null;
    if (flow === null || !flow.paused || this.#stopped) return;
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
    if (trailers !== null && !this.#stopped) this.#runTrailers(state === "trailers" ? next : index, trailers);
  }

  /** Headers that waited for the body leave before it; their length is made true (abi.md 9.11). */
  #releaseHeaders(next: number, body: Buffer, end: boolean): void {
    const headers = this.headers;
    if (headers !== null && findHeader(headers, "content-length") >= 0) {
      if (end) replaceHeader(headers, "content-length", String(body.length));
      else removeHeader(headers, "content-length");
    }
    this.#runHeaders(next, false);
  }

  #runHeaders(from: number, end: boolean): void {
    const headers = this.headers;
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
      if (!this.#passes(context, continues(result) || result === 2)) {
        this.#flowOf(context).headersEnd = end;
        this.#pause(context, context.holdNext && !end ? "held" : "headers");
        context.vm.settle();
        return;
      }
      context.vm.settle();
      if (this.#over(walk)) return;
    }
    this.forwarded = true;
    this.#owner.forwardHeaders(this.side, headers, end);
  }

  #runBody(from: number, chunk: Buffer, end: boolean): void {
    const walk = this.#walk;
    let data = chunk;
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
    flow.append(input.data);
    flow.view = flow.take();
    const result = context.run(callback, flow.view.length, input.end ? 1 : 0);
    if (this.#over(walk)) return null;
    const data = flow.view ?? input.data;
    flow.view = null;
    if (this.#passes(context, continues(result))) {
      const { state } = flow;
      this.#release(flow);
      if (state === "held") this.#releaseHeaders(index + this.#step, data, input.end);
      context.vm.settle();
      return data;
    }
    if (result !== action.BODY_STOP_NO_BUFFER) flow.append(data);
    flow.bodyEnd = input.end;
    this.#pause(context, flow.state === "held" ? "held" : "body");
    this.#watch(context, flow, result === action.BODY_STOP_AND_WATERMARK);
    context.vm.settle();
    return null;
  }

  #queue(context: StreamContext, flow: Flow, data: Buffer, end: boolean): void {
    flow.append(data);
    flow.bodyEnd = end;
    this.#watch(context, flow, true);
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
      if (flow?.paused === true) this.#flushBeforeTrailers(index, flow);
      context.vm.settle();
      if (this.#over(walk)) return;
    }
    this.#owner.forwardTrailers(this.side, trailers);
  }

  #flushBeforeTrailers(index: number, flow: Flow): void {
    const { state } = flow;
    this.#release(flow);
    this.#flush(index, flow, state);
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

  /** Bounds what a paused filter collects: stop reading at the limit, or refuse what goes over it (abi.md 9.3, 9.4). */
  #watch(context: StreamContext, flow: Flow, backPressure: boolean): void {
    const limit = context.bufferLimit;
    if (!backPressure && flow.bytes > limit) {
      this.#owner.overflow(this.side);
      return;
    }
    if (flow.holding || flow.bytes < limit) return;
    flow.holding = true;
    if (this.#holding++ === 0) this.#owner.hold(this.side, true);
  }

  #release(flow: Flow): void {
    flow.open();
    if (!flow.holding) return;
    flow.holding = false;
    if (--this.#holding === 0) this.#owner.hold(this.side, false);
  }
}
