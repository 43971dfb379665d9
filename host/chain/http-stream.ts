// One HTTP exchange on its way through the filters: owns the contexts, the two directions, and the end of them. Implements
// the seam to `net` (ports.ts); knows no socket.
import type { HeaderList } from "../abi/headers.ts";
import { ERRORS, type ErrorCode } from "../base/errors.ts";
import type { GuestReply } from "../vm/ports.ts";
import { Direction } from "./direction.ts";
import type { DirectionOwner } from "./direction-owner.ts";
import type { Side } from "./flow.ts";
import { buildReply, detailsWord } from "./local-reply.ts";
import { isOpen, listOf, opens } from "./message.ts";
import type { ExchangePort, HttpStream, LocalReply, StreamFacts } from "./ports.ts";
import { readAttribute, readSet } from "./properties.ts";
import { readOwn } from "./attributes/own.ts";
import type { PluginContext } from "../plugin/plugin-context.ts";
import { MeasuredContext } from "./measured-context.ts";
import { chooseArm, countFault, countResponse, exposureOf, settleExposures, type Arm, type ChainSlot } from "./slot.ts";
import type { ContextOwner } from "./context-owner.ts";
import { StreamContext } from "./stream-context.ts";

const NO_HEADERS: HeaderList = [];

export class HttpFilterStream implements HttpStream, DirectionOwner, ContextOwner {
  readonly #slots: readonly ChainSlot[];
  readonly #port: ExchangePort;
  readonly #released: () => void;
  /** undefined = not reached yet; null = takes no part. */
  readonly #contexts: (StreamContext | null | undefined)[] = [];
  readonly #request: Direction;
  readonly #response: Direction;
  #replied = false;
  #ended = false;
  #complete = false;

  /** @param released called once, after the last callback */
  constructor(slots: readonly ChainSlot[], port: ExchangePort, released: () => void) {
    this.#slots = slots;
    this.#port = port;
    this.#released = released;
    this.#request = new Direction(this, "request");
    this.#response = new Direction(this, "response");
  }

  get facts(): StreamFacts {
    return this.#port.facts;
  }

  get routed(): boolean {
    return this.#request.message.forwarded || this.#replied;
  }

  get filterCount(): number {
    return this.#slots.length;
  }

  requestHeaders(headers: HeaderList, endStream: boolean): void {
    this.#request.onHeaders(headers, endStream);
  }

  requestBody(chunk: Buffer, endStream: boolean): void {
    this.#request.onBody(chunk, endStream);
  }

  requestTrailers(trailers: HeaderList): void {
    this.#request.onTrailers(trailers);
  }

  responseHeaders(headers: HeaderList, endStream: boolean): void {
    if (!this.#replied) this.#response.onHeaders(headers, endStream);
  }

  responseBody(chunk: Buffer, endStream: boolean): void {
    if (!this.#replied) this.#response.onBody(chunk, endStream);
  }

  get responseBodyPasses(): boolean {
    return !this.#replied && this.#response.bodyPasses;
  }

  get parsedRequest(): HeaderList | null {
    return this.#request.message.parsed;
  }

  get parsedResponse(): HeaderList | null {
    return this.#response.message.parsed;
  }

  responseTrailers(trailers: HeaderList): void {
    if (!this.#replied) this.#response.onTrailers(trailers);
  }

  /** The first reply wins; one that comes after the response has left is ignored (abi.md 5.4, 9.7). */
  localReply(reply: LocalReply): void {
    if (this.#replied || this.#ended || this.#response.message.forwarded) return;
    this.#replied = true;
    this.#request.stop();
    this.#response.restart();
    this.#port.stopRequest(reply.details, reply);
    const { headers, body } = buildReply(reply, this.#request.message.headers);
    this.#response.onHeaders(headers, body.length === 0);
    if (body.length > 0) this.#response.onBody(body, true);
  }

  /** on_log, on_done, on_delete for every filter that met this stream, or wants to log it (abi.md 9.8, 9.10). */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#complete = true;
    this.#request.stop();
    this.#response.stop();
    for (let index = 0; index < this.#slots.length; index++) {
      const known = this.#contexts[index];
      if (known === undefined) this.#logUnreached(index);
      else if (known !== null) countResponse(known.arm, this.#port.facts.responseCode);
      const context = this.#contexts[index];
      if (context !== undefined && context !== null) this.#finish(context);
    }
    const { facts } = this.#port;
    if (facts.exposure) settleExposures(facts, facts.responseCode >= 500 || facts.responseCode === 0);
    this.#released();
  }

  /** A filter that was not reached takes part in the end if it logs, so that early replies are logged (abi.md 9.10). */
  #logUnreached(index: number): void {
    const { headers } = this.#request.message;
    const slot = this.#slots[index];
    const { facts } = this.#port;
    const arm = headers === null ? null : (slot?.choose(headers, facts.requestId, facts) ?? null);
    const plugin = arm?.generation.context(arm.config) ?? null;
    if (arm !== null && plugin !== null && plugin.vm.callbacks.onLog !== null) this.#enter(index, plugin, arm);
  }

  #finish(context: StreamContext): void {
    const { onLog, onDone, onDelete } = context.callbacks;
    if (!context.skipped) {
      context.logging = true;
      if (onLog !== null) context.vm.call(onLog, context);
      if (onDone !== null) context.vm.call(onDone, context);
      if (onDelete !== null) context.vm.call(onDelete, context);
      context.skip();
    }
    context.ended();
    context.vm.contexts.delete(context.id);
    context.vm.settle();
  }

  contextAt(index: number, side: Side): StreamContext | null {
    const known = this.#contexts[index];
    if (known !== undefined) return known;
    return side === "response" ? null : this.#create(index);
  }

  #create(index: number): StreamContext | null {
    const slot = this.#slots[index] as ChainSlot;
    const { facts } = this.#port;
    const arm = chooseArm(slot, this.#request.message.headers ?? NO_HEADERS, facts.requestId, facts);
    if (arm === null) {
      this.#contexts[index] = null;
      this.#rescue("wasm_fail_stream");
      return null;
    }
    const plugin = arm.generation.context(arm.config);
    if (plugin === null) {
      this.#contexts[index] = null;
      countFault(arm, facts);
      this.#applyPolicy(arm.generation.policy);
      return null;
    }
    return this.#enter(index, plugin, arm);
  }

  #enter(index: number, plugin: PluginContext, arm: Arm): StreamContext {
    const context = this.newContext(index, plugin, arm);
    this.#contexts[index] = context;
    const created = plugin.streamCreated === null ? null : context.callbacks.onContextCreate;
    if (created !== null) context.run(created, plugin.id);
    return context;
  }

  /** A tapped stream makes its own kind. */
  protected newContext(index: number, plugin: PluginContext, arm: Arm): StreamContext {
    const exposure = arm.tally === null ? null : exposureOf(arm, this.#port.facts);
    if (exposure !== null) return new MeasuredContext(this, { index, plugin, arm, exposure });
    return new StreamContext(this, index, plugin, arm);
  }

  failed(context: StreamContext): void {
    if (this.#ended) return;
    const { policy } = context.arm.generation;
    this.#applyPolicy(policy);
    if (policy !== "FAIL_OPEN") return;
    // The stream may be waiting for the dead filter, in either direction.
    this.#request.resume(context.index);
    this.#response.resume(context.index);
  }

  #applyPolicy(policy: string): void {
    if (policy !== "FAIL_OPEN") this.#rescue("wasm_fail_stream");
  }

  /** Answers by itself, or resets when it is too late for an answer. */
  #rescue(code: ErrorCode): void {
    if (this.#ended) return;
    if (this.#response.message.forwarded) {
      this.reset(code);
      return;
    }
    this.#replied = false;
    this.localReply({ status: ERRORS[code].status, details: code, body: "", headers: [], grpcStatus: -1 });
  }

  reply(reply: GuestReply): void {
    const details = detailsWord(reply.details);
    const accepted = !this.#replied && !this.#response.message.forwarded;
    for (const context of this.#contexts) {
      if (context?.replying !== true) continue;
      // The callback that asked has returned: its response callbacks count again.
      context.replied(accepted);
      // A filter that answers what it sees may see its own answer: it has had its turn, the answer goes on.
      if (!accepted && !this.#response.message.forwarded) this.#response.resume(context.index);
    }
    this.localReply({ ...reply, details });
  }

  resume(index: number, side: Side): void {
    if (!this.#ended) (side === "request" ? this.#request : this.#response).resume(index);
  }

  reset(details: string): void {
    if (this.#ended) return;
    this.#request.stop();
    this.#response.stop();
    this.#port.reset(details);
  }

  clearRouteCache(): void {
    this.#port.clearRouteCache();
  }

  pauseTimedOut(): void {
    this.#rescue("wasm_pause_timeout");
  }

  overflow(side: Side): void {
    this.#rescue(side === "request" ? "request_payload_too_large" : "response_payload_too_large");
  }

  hold(side: Side, hold: boolean): void {
    if (side === "request") this.#port.holdRequest(hold);
    else this.#port.holdResponse(hold);
  }

  forwardHeaders(side: Side, headers: HeaderList, end: boolean): void {
    if (side === "request") this.#port.forwardRequestHeaders(headers, end);
    else this.#port.forwardResponseHeaders(headers, end);
  }

  forwardBody(side: Side, chunk: Buffer, end: boolean): void {
    if (side === "request") this.#port.forwardRequestBody(chunk, end);
    else this.#port.forwardResponseBody(chunk, end);
  }

  forwardTrailers(side: Side, trailers: HeaderList): void {
    if (side === "request") this.#port.forwardRequestTrailers(trailers);
    else this.#port.forwardResponseTrailers(trailers);
  }

  map(map: number): HeaderList | null {
    return listOf(this.#request.message, this.#response.message, map);
  }

  mapWritable(map: number, isLook = false): boolean {
    return (isLook ? isOpen : opens)(this.#request.message, this.#response.message, map);
  }

  replaceMap(map: number, list: HeaderList): void {
    const target = this.map(map);
    if (target !== null) target.splice(0, target.length, ...list);
  }

  /** Built-in first, then what filters have set (abi.md 10.1). */
  property(path: readonly string[], context: StreamContext): Uint8Array | null {
    const { plugin, arm } = context;
    if (path[0] === "sluice") {
      const own = readOwn(path, arm, this.#port.facts, this.#replied);
      if (own !== null) return own;
    }
    const known = this.#port.attribute?.(path) ?? null;
    if (known !== null) return known;
    const source = {
      facts: this.#port.facts,
      request: this.#request.message.headers,
      response: this.#response.message.headers,
      responseTrailers: this.#response.message.trailers,
      complete: this.#complete,
      services: plugin.services,
    };
    return readAttribute(source, path) ?? plugin.property(path) ?? readSet(source, path);
  }
}
