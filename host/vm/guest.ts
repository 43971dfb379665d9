// A running guest as its host functions see it: what they act on, and how they end it. Vm implements this; the env-*.ts
// files know nothing else of it.
import type { HeaderCaps } from "../abi/limits.ts";
import type { Status } from "../abi/status.ts";
import type { CallRing } from "./call-ring.ts";
import type { FuelMeter } from "./fuel-meter.ts";
import type { FaultReason, GuestFault } from "./faults.ts";
import type { HostFunction } from "./host-function.ts";
import type { GuestMemory } from "./memory.ts";
import type { OutputLines } from "./output-lines.ts";
import type { Hostcalls, VmServices } from "./ports.ts";
import type { ProfileName } from "./profile-name.ts";
import type { Refusal } from "./refusal.ts";
import type { VmTrace } from "./trace.ts";

/** What of the host a guest may use beyond its host functions; null = all (abi.md 11.3). */
export interface GuestRights {
  /** First segments of property paths, with dots: `request`, `request.headers`. */
  readonly properties: readonly string[] | null;
  readonly foreignFunctions: readonly string[] | null;
  /** Namespaces whose queues it may resolve. */
  readonly namespaces: readonly string[] | null;
}

/** Limits that host functions keep, and who hears when one is met or a right is missing. */
export interface GuestLimits {
  readonly headers: HeaderCaps;
  /** Metric names. */
  readonly metrics: number;
  /** @param limit a name of limit-table.ts */
  overLimit(limit: string): void;
  /** @param right `proxy_http_call`, `property`, `foreign_function`, `upstream`, `namespace` */
  denied(right: string): void;
}

export interface VmOptions {
  readonly services: VmServices;
  /** Host functions and callbacks allowed; null = all (abi.md 11.3). */
  readonly allowedCapabilities: readonly string[] | null;
  readonly rights: GuestRights;
  readonly limits: GuestLimits;
  readonly environment: Readonly<Record<string, string>>;
  /** Points per outermost callback; null when the module is not instrumented. */
  readonly fuel: number | null;
  /** Most points for one step of the start-up, if it is less than the general limit. */
  readonly startFuel?: number | undefined;
  /** Cap of the linear memory, for telling `oom` from any other trap. */
  readonly memoryBytes: number;
  /** Listens to every call in both directions; absent on a serving proxy. */
  readonly trace?: VmTrace | undefined;
  /** Which host to be; absent on a serving proxy. */
  readonly profile?: ProfileName | undefined;
  /** Stands in for host functions in tests; absent on a serving proxy. */
  readonly injector?: Injector | undefined;
  /** Once, when the instance dies. */
  readonly onFault: (fault: GuestFault) => void;
}

/** For tests: host functions and the guest's allocator fail when a script says so. Asked once per function and instance. */
export interface Injector {
  hostFunction(vm: Guest, name: string, run: HostFunction): HostFunction;
  /** Null: the allocator is left alone, and the guest's scratch memory is used as ever. */
  readonly allocator: ((run: (size: number) => number) => (size: number) => number) | null;
}

export interface Guest {
  readonly memory: GuestMemory;
  /** The newest host calls, and what they cost. */
  readonly hostCalls: CallRing;
  /** Why the newest refused call was refused. */
  readonly refusal: Refusal;
  readonly options: VmOptions;
  /** What host calls act on now: the effective context. */
  readonly context: Hostcalls;
  readonly services: VmServices;
  /** Where WASI's outputs go. */
  readonly output: OutputLines;
  /** For log lines: the effective context, also while its memory is allocated; 0 outside of callbacks. */
  readonly contextId: number;
  /** The guest's allocator runs: nearly everything is refused (abi.md 3.1). */
  readonly allocating: boolean;
  /** ABI 0.1.0: a header that is not there reads as empty (abi.md 2). */
  readonly missingHeaderIsEmpty: boolean;
  /** Wall clock, frozen for the length of one callback. */
  nowNanos(): bigint;
  /** Its counter, or those of its parts. */
  readonly fuel: FuelMeter;
  readonly fuelLeft: number | null;
  /** Linear memory, all of it. */
  readonly memoryBytes: number;
  /** Ends the guest; the reason stands even if the guest catches the exception. */
  abort(reason: FaultReason, message: string): never;
  setEffectiveContext(id: number): Status;
  /** Takes points off the guest's fuel for work that its number of host calls does not show. */
  charge(points: number): void;
  /** A limit is met: counted, and as {@link refuse}. */
  overLimit(limit: string, answer: Status, reason: string, subject?: string | number): Status;
  /** A right is missing: counted, and as {@link refuse}. */
  deny(right: string, answer: Status, reason: string, subject?: string | number): Status;
  /** Notes why a call is refused and gives the status back; arguments as of {@link Refusal.note}. */
  refuse(answer: Status, reason: string, subject?: string | number): Status;
}
