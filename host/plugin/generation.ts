// One version of a filter on one data thread, for as long as anything runs on it. The snapshots that contain it hold it;
// when the newest committed snapshot does not, it drains: its instance is closed and dropped when the last snapshot with
// running streams lets go, or at the drain deadline; TCP connections keep it past the deadline, for as long as they last.
//
//   live --drain()--> draining --last unhold() / deadline--> retired
//
// A dead instance is renewed under every failure policy: the first time at once, then after a jittered back-off of 1 s
// doubling to 60 s; the policy only says what a stream meets meanwhile (decisions.md 1).
import type { Timer } from "../base/clock.ts";
import type { FaultCause, GuestFault } from "../vm/faults.ts";
import { addUse, type FuelUse } from "../vm/fuel-meter.ts";
import type { Program } from "../module/component/program.ts";
import { WARN } from "../../sdk/assembly/abi/log-level.ts";
import { policyFor } from "./failure-policy.ts";
import { giveState, type HandOverResult, takeState, type WrittenState } from "./hand-over.ts";
import { FilterInstance, type InstanceSpec } from "./instance.ts";
import type { FailurePolicy } from "./options.ts";
import type { PluginContext } from "./plugin-context.ts";
import type { PluginServices } from "./services.ts";
import { versionId } from "./version-id.ts";

const FIRST_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 60_000;
/** Failures further apart than this start the back-off anew. */
const FAILURE_MEMORY_MS = 60_000;

export interface GenerationSpec extends InstanceSpec {
  /** Identity over module, configuration and everything else that shapes an instance. */
  readonly key: string;
  readonly sha256: string;
  /** What the module says of itself; "" = nothing. */
  readonly semver: string;
  /** `listener/route` -> the configuration merged for that route; each is one of `configs`. */
  readonly overrides: Readonly<Record<string, string>>;
}

export class Generation {
  readonly spec: GenerationSpec;
  readonly #module: Program;
  readonly #services: PluginServices;
  #instance: FilterInstance | null;
  #holders = 0;
  #state: "live" | "draining" | "retired" = "live";
  #onRetired: () => void = () => {};
  #deadline: Timer | null = null;
  #deadlineMs = 0;
  /** Fuel used by instances that are gone. */
  readonly #past = new Map<string, FuelUse>();
  #failures = 0;
  #lastFailureMs = -Infinity;
  #hasFaulted = false;
  #renewAtMs = 0;
  #handingOver = false;
  /** Why no instance lives, or did not the last time. */
  #cause: FaultCause = "trap";

  /** @throws ProblemError when the filter does not start or refuses its configuration */
  constructor(spec: GenerationSpec, module: Program, services: PluginServices) {
    this.spec = spec;
    this.#module = module;
    this.#services = services;
    this.#instance = this.#create();
  }

  /** Another generation of the same version, with services of its own. @throws as the constructor */
  twin(services: PluginServices): Generation {
    return new Generation(this.spec, this.#module, services);
  }

  #create(): FilterInstance {
    return new FilterInstance(this.#module, this.spec, this.#services, (fault) => this.#faulted(fault));
  }

  get state(): "live" | "draining" | "retired" {
    return this.#state;
  }

  /** Streams with a context in the living instance. */
  get streams(): number {
    return this.#instance?.streams ?? 0;
  }

  /** Linear memory of the living instance; 0 without one. */
  get memoryBytes(): number {
    return this.#instance?.vm.memoryBytes ?? 0;
  }

  /** The most points that a step of the start-up used. */
  get startUse(): number {
    return this.#instance?.vm.fuel.startUse ?? 0;
  }

  /** What each callback has used, over all instances there were. */
  get fuelUses(): ReadonlyMap<string, FuelUse> {
    const all = new Map(this.#past);
    for (const [callback, use] of this.#instance?.vm.fuel.uses ?? []) addUse(all, callback, use);
    return all;
  }

  /** Fuel the living instance's last callback left over; null without a budget. */
  get fuelLeft(): number | null {
    return this.#instance?.vm.fuelLeft ?? null;
  }

  /** What a stream meets that this filter cannot serve now. */
  get policy(): FailurePolicy {
    return policyFor(this.spec.options, this.#cause);
  }

  /** The plugin context for `config`, from the living instance or a renewed one; null = policy decides. */
  context(config: string): PluginContext | null {
    const instance = this.#instance ?? this.#renew();
    return instance?.context(config) ?? null;
  }

  /**
   * Each plugin context hands its state to the one that takes its place: that of the filter's own configuration, and those
   * of routes. A trap on either side costs its instance, and nothing else: it is no fault of a stream, and never counts
   * towards a quarantine.
   */
  handOverTo(next: Generation): void {
    const { options, overrides } = this.spec;
    const taken = new Map<string, Buffer | null>();
    const given = new Set<string>();
    const pass = (from: string, to: string): void => {
      if (given.has(to)) return;
      given.add(to);
      if (!taken.has(from)) taken.set(from, this.#takeState(from));
      const bytes = taken.get(from) ?? null;
      const state = bytes === null ? null : { bytes, version: versionId(this.spec) };
      this.#services.handedOver?.(options.name, state === null ? "empty" : next.#giveState(to, state));
    };
    pass(options.pluginConfig, next.spec.options.pluginConfig);
    for (const [place, config] of Object.entries(next.spec.overrides))
      pass(overrides[place] ?? options.pluginConfig, config);
  }

  #takeState(config: string): Buffer | null {
    const context = this.#instance?.context(config);
    if (context === undefined) return null;
    this.#handingOver = true;
    const written = takeState(context);
    this.#handingOver = false;
    return written;
  }

  /** After a trap a fresh instance serves, without state. */
  #giveState(config: string, state: WrittenState): HandOverResult {
    const context = this.#instance?.context(config);
    if (context === undefined) return "failed";
    this.#handingOver = true;
    const result = giveState(context, state);
    this.#handingOver = false;
    if (this.#instance === null) this.#renew();
    return result;
  }

  hold(): void {
    this.#holders++;
  }

  unhold(): void {
    this.#holders--;
    if (this.#holders === 0) this.#finish();
  }

  /** No new streams: finishes with the last holder, or after `deadlineMs`. `done` is called once. */
  drain(deadlineMs: number, done: () => void): void {
    if (this.#state !== "live") return;
    this.#state = "draining";
    this.#onRetired = done;
    this.#deadlineMs = deadlineMs;
    if (this.#holders === 0) this.#finish();
    else this.#deadline = this.#services.clock.after(deadlineMs, () => this.#expire());
  }

  /** A reload must not break connections: those stay, and the last holder retires the generation. */
  #expire(): void {
    if (this.#instance?.longLived === true) this.#instance.abandonStreams(false);
    else this.#finish();
  }

  #finish(): void {
    if (this.#state === "retired") return;
    this.#state = "retired";
    this.#deadline?.cancel();
    const instance = this.#instance;
    this.#instance = null;
    instance?.abandonStreams(true);
    instance?.close(this.#deadlineMs);
    this.#onRetired();
  }

  #faulted(fault: GuestFault): void {
    if (this.#handingOver) return this.#lost(fault);
    this.#hasFaulted = true;
    const renewInMs = this.#backOff(fault.cause);
    const instance = this.#instance;
    this.#instance = null;
    for (const [callback, use] of instance?.vm.fuel.uses ?? []) addUse(this.#past, callback, use);
    const { options, version } = this.spec;
    this.#services.faulted({ filter: options.name, version, fault, renewInMs });
    instance?.abandon();
  }

  #lost(fault: GuestFault): void {
    const instance = this.#instance;
    this.#instance = null;
    const { options, version } = this.spec;
    const message = `${fault.callback} ended with ${fault.reason}: ${fault.message}; no state is handed over`;
    this.#services.log({ level: WARN, filter: options.name, version, contextId: 0, message }, options.limits.logLines);
    instance?.abandon();
  }

  /** One failure more: when the next instance may be tried, in ms from now. */
  #backOff(cause: FaultCause): number {
    const { clock, random } = this.#services;
    const now = clock.monotonicMs();
    this.#failures = now - this.#lastFailureMs > FAILURE_MEMORY_MS ? 1 : this.#failures + 1;
    this.#lastFailureMs = now;
    this.#cause = cause;
    const backoff = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.#failures - 2));
    const inMs = this.#failures === 1 ? 0 : backoff * (0.5 + random.fraction() / 2);
    this.#renewAtMs = now + inMs;
    return inMs;
  }

  #renew(): FilterInstance | null {
    if (this.#state === "retired" || this.#services.clock.monotonicMs() < this.#renewAtMs) return null;
    this.#hasFaulted = false;
    try {
      this.#instance = this.#create();
    } catch {
      // A fault has been reported and has set the back-off; a configuration refused this time is a failure as well.
      if (!this.#hasFaulted) this.#backOff("config");
    }
    return this.#instance;
  }
}
