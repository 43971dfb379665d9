// One running instance of a module: its memory, the context its host calls act on, and its end. Built by plugin/, driven
// by chain/. The host never calls a callback while another of the same VM runs: what a guest asks for that could lead to
// a callback is deferred with `defer` and run by `settle` once the caller has applied the callback's result (abi.md 9.7).
import * as status from "../../sdk/assembly/abi/status.ts";
import type { Status } from "../abi/status.ts";
import { CallIds, type CallKind } from "./call-ids.ts";
import { downstreamSide, lookUpCallbacks, NO_CALLBACKS, requestSide, responseSide, upstreamSide } from "./callbacks.ts";
import type { GuestCallback, GuestCallbacks } from "./callbacks.ts";
import { CallRing } from "./call-ring.ts";
import { GuestAbort, guestFrames, messageOf, reasonOf, throwIf } from "./faults.ts";
import type { FaultCause, FaultReason, GuestFault } from "./faults.ts";
import { FuelMeter } from "./fuel-meter.ts";
import { ContextTable } from "./context-table.ts";
import type { Guest, VmOptions } from "./guest.ts";
import { isFirstVersion } from "./imports.ts";
import { GuestMemory } from "./memory.ts";
import { OutputLines } from "./output-lines.ts";
import type { Hostcalls, VmServices } from "./ports.ts";
import { type Profile, profiled, profileOf } from "./profile.ts";
import { isComponent, type Program } from "../module/component/program.ts";
import { Refusal } from "./refusal.ts";
import { RESTRICTED, takeRefusal } from "./restricted.ts";
import { type Running, startProgram } from "./start-program.ts";
import { startUp } from "./start-up.ts";
import { traceCallbacks } from "./trace.ts";

/** What {@link Vm.call} answers when the instance is dead. */
export const FAULTED = -1;
/** What it answers when the guest itself said -1, a result that means nothing in any callback. */
const NO_KNOWN_RESULT = 0x7fff_ffff;

export class Vm implements Guest {
  readonly refusal = new Refusal();
  readonly hostCalls = new CallRing((points) => this.charge(points));
  readonly memory = new GuestMemory(this.refusal, (points) => this.charge(points));
  readonly options: VmOptions;
  readonly output: OutputLines;
  /** What host calls act on now: the effective context. Restricted while starting up and allocating. */
  context: Hostcalls = RESTRICTED["start-up"].context;
  services: VmServices = RESTRICTED["start-up"].services;
  /** Live contexts by id. */
  readonly contexts = new ContextTable();
  callbacks: GuestCallbacks = lookUpCallbacks({}, null);
  /** Those of `callbacks` that streams use, one object per VM instead of two per stream. */
  requestCallbacks = NO_CALLBACKS;
  responseCallbacks = NO_CALLBACKS;
  downstreamCallbacks = NO_CALLBACKS;
  upstreamCallbacks = NO_CALLBACKS;
  fault: GuestFault | null = null;
  /** The guest makes a stream at its first callback by itself (`sluice_lazy_streams` in sdk/proxy.ts). */
  lazyStreams = false;
  readonly missingHeaderIsEmpty: boolean;
  #allocator: ((size: number) => number) | null = null;
  readonly fuel: FuelMeter;
  #memories: readonly WebAssembly.Memory[] = [];
  #ended: { readonly reason: FaultReason; readonly message: string } | null = null;
  #deferred: (() => void)[] = [];
  #running = false;
  /** The context on whose behalf the allocator runs. */
  #suspended: Hostcalls | null = null;
  #frozenNanos = 0n;
  readonly #callIds = new CallIds();

  constructor(program: Program, options: VmOptions) {
    this.options = options;
    this.fuel = new FuelMeter(options.fuel, options.startFuel);
    this.output = new OutputLines((level, text) => options.services.log(level, 0, text));
    this.missingHeaderIsEmpty = !isComponent(program) && isFirstVersion(program);
    this.#guard("start", "_initialize", 0, () => {
      const profile = profileOf(this.options.profile, this);
      const running = startProgram(program, this, profile);
      this.#attach(running, profile);
      startUp(running.exports, () => void (this.#ended = null));
      throwIf(takeRefusal());
      return 0;
    });
    this.fuel.startStepEnded();
    this.output.flush();
    this.services = options.services;
  }

  #attach({ exports, parts, memories }: Running, profile: Profile | null): void {
    const allocator = exports["malloc"] ?? exports["proxy_on_memory_allocate"];
    this.#allocator = typeof allocator === "function" ? (allocator as (size: number) => number) : null;
    const failing = this.options.injector?.allocator ?? null;
    if (failing !== null && this.#allocator !== null) this.#allocator = failing(this.#allocator);
    const { memory, sluice_scratch: scratch } = exports;
    const own = profile === null && failing === null && scratch instanceof WebAssembly.Global;
    const address = own ? Number(scratch.value) : 0;
    if (memory instanceof WebAssembly.Memory) this.memory.attach(memory, (size) => this.#allocate(size), address);
    this.fuel.attach(exports, parts);
    this.#memories = memories;
    // Another host knows nothing of this export either, and announces every stream.
    this.lazyStreams = profile === null && exports["sluice_lazy_streams"] instanceof WebAssembly.Global;
    const found = lookUpCallbacks(exports, this.options.allowedCapabilities);
    this.callbacks = traceCallbacks(profiled(profile, found), this.options.trace, this);
    this.requestCallbacks = requestSide(this.callbacks);
    this.responseCallbacks = responseSide(this.callbacks);
    this.downstreamCallbacks = downstreamSide(this.callbacks);
    this.upstreamCallbacks = upstreamSide(this.callbacks);
  }

  get allocating(): boolean {
    return this.#suspended !== null;
  }

  /** A callback runs: no other may be called. */
  get running(): boolean {
    return this.#running;
  }

  get contextId(): number {
    if (this.#suspended !== null) return this.#running ? this.#suspended.id : 0;
    return this.#running ? this.context.id : 0;
  }

  /** Wall clock, frozen for the length of one callback so that a replay is exact (abi.md 5.1). */
  nowNanos(): bigint {
    if (this.#frozenNanos === 0n) this.#frozenNanos = this.options.services.clock.nowNanos();
    return this.#frozenNanos;
  }

  /**
   * Runs a callback on `context`. Answers its result, or FAULTED if the instance died (now or earlier).
   * The caller applies the result, then calls {@link settle}.
   */
  call(callback: GuestCallback, context: Hostcalls, a = 0, b = 0): number {
    if (this.fault !== null) return FAULTED;
    this.#enter(context);
    try {
      const result = callback.run(context.id, a, b);
      if (this.#ended === null) return result === undefined ? 0 : known(result);
      this.#die("trap", callback.name, context.id, null);
    } catch (error) {
      this.#die("trap", callback.name, context.id, error);
    } finally {
      this.#leave();
    }
    return FAULTED;
  }

  /** As {@link call}, for callbacks with more arguments and for other failure causes. */
  callWith(callback: GuestCallback, context: Hostcalls, cause: FaultCause, args: readonly number[]): number {
    if (this.fault !== null) return FAULTED;
    this.#enter(context);
    const slow = cause === "start" || cause === "config";
    if (slow) this.fuel.setStartBudget();
    const result = this.#guard(cause, callback.name, context.id, () => callback.run(context.id, ...args) ?? 0);
    if (slow) this.fuel.startStepEnded();
    this.#leave();
    return result;
  }

  nextCallId(kind: CallKind): number {
    return this.#callIds.next(kind);
  }

  #guard(cause: FaultCause, name: string, contextId: number, run: () => number): number {
    try {
      const result = run();
      if (this.#ended === null) return known(result);
      this.#die(cause, name, contextId, null);
    } catch (error) {
      this.#die(cause, name, contextId, error);
    }
    return FAULTED;
  }

  #enter(context: Hostcalls): void {
    if (this.#running) throw new Error(`a callback of this VM is running already; context ${context.id} must wait`);
    this.#running = true;
    this.context = context;
    this.refusal.clear();
    this.hostCalls.callbackBegan();
    this.memory.callbackBegan();
    this.#frozenNanos = 0n;
  }

  /** See {@link FuelMeter.left}. */
  get fuelLeft(): number | null {
    return this.fuel.left;
  }

  charge(points: number): void {
    this.fuel.charge(points);
  }

  /** Linear memory, all of it. */
  get memoryBytes(): number {
    return this.#memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
  }

  #leave(): void {
    this.#running = false;
    if (!this.output.isEmpty) this.output.flush();
    this.context = RESTRICTED["start-up"].context;
  }

  /** Runs `effect` once the current callback's result has been applied; at once when no callback runs. */
  defer(effect: () => void): void {
    if (this.#running) this.#deferred.push(effect);
    else effect();
  }

  /** Runs deferred effects in the order they were asked for. */
  settle(): void {
    while (this.#deferred.length > 0 && !this.#running) {
      const effects = this.#deferred;
      this.#deferred = [];
      for (const effect of effects) effect();
    }
  }

  /** Ends the guest from inside a host function. The reason stands even if the guest catches the exception. */
  abort(reason: FaultReason, message: string): never {
    this.#ended ??= { reason, message };
    throw new GuestAbort(reason, message);
  }

  #allocate(size: number): number {
    if (this.#allocator === null) return 0;
    const { context, services } = this;
    this.#suspended = context;
    this.context = RESTRICTED.allocation.context;
    this.services = RESTRICTED.allocation.services;
    try {
      const at = this.#allocator(size);
      throwIf(takeRefusal());
      return at;
    } catch (error) {
      // The same error object goes on: a new one could be caught by the guest (abi.md 13).
      this.#ended ??= { reason: this.fuel.isOut ? "fuel" : this.#orOom(reasonOf(error)), message: messageOf(error) };
      throw error;
    } finally {
      this.#suspended = null;
      this.context = context;
      this.services = services;
    }
  }

  #die(cause: FaultCause, callback: string, contextId: number, error: unknown): void {
    takeRefusal();
    // What it said last belongs into the report.
    this.output.flush();
    const reason = this.fuel.isOut
      ? (this.#ended?.reason ?? "fuel")
      : (this.#ended?.reason ?? this.#orOom(reasonOf(error)));
    const frames = error instanceof Error ? guestFrames(error.stack ?? "", this.fuel.isThere) : [];
    const message = this.#ended?.message ?? messageOf(error);
    const exact: FaultCause = cause === "trap" && (reason === "fuel" || reason === "oom") ? reason : cause;
    const { requestId = "" } = this.contexts.get(contextId) ?? {};
    const { words: hostCalls } = this.hostCalls;
    this.fault = {
      reason,
      cause: exact,
      callback,
      contextId,
      message,
      requestId,
      fuel: this.fuel.used,
      hostCalls,
      frames,
    };
    this.fuel.ended(callback);
    this.#deferred = [];
    this.options.onFault(this.fault);
  }

  #orOom(reason: FaultReason): FaultReason {
    const page = 65_536;
    return reason === "trap" && this.memoryBytes + page > this.options.memoryBytes ? "oom" : reason;
  }

  overLimit(limit: string, answer: Status, reason: string, subject: string | number = ""): Status {
    this.options.limits.overLimit(limit);
    return this.refuse(answer, reason, subject);
  }

  deny(right: string, answer: Status, reason: string, subject: string | number = ""): Status {
    this.options.limits.denied(right);
    return this.refuse(answer, reason, subject);
  }

  refuse(answer: Status, reason: string, subject: string | number = ""): Status {
    this.refusal.note(reason, subject);
    return answer;
  }

  /** `proxy_set_effective_context`. */
  setEffectiveContext(id: number): Status {
    const target = this.contexts.get(id);
    if (target === undefined) return this.refuse(status.BAD_ARGUMENT, "no living context of this VM has the id {}", id);
    this.context = target;
    return status.OK;
  }
}

const known = (result: number): number => ((result | 0) === FAULTED ? NO_KNOWN_RESULT : result | 0);
