// A running guest as its host functions see it: what they act on, and how they end it. Vm implements this; the env-*.ts
// files know nothing else of it.
import type { Status } from "../abi/status.ts";
import type { CallRing } from "./call-ring.ts";
import type { FaultReason, GuestFault } from "./faults.ts";
import type { GuestMemory } from "./memory.ts";
import type { OutputLines } from "./output-lines.ts";
import type { Hostcalls, VmServices } from "./ports.ts";
import type { ProfileName } from "./profile-name.ts";
import type { Refusal } from "./refusal.ts";
import type { VmTrace } from "./trace.ts";

export interface VmOptions {
  readonly services: VmServices;
  /** Host functions and callbacks allowed; null = all (abi.md 11.3). */
  readonly allowedCapabilities: readonly string[] | null;
  readonly environment: Readonly<Record<string, string>>;
  /** Points per outermost callback; null when the module is not instrumented. */
  readonly fuel: number | null;
  /** Cap of the linear memory, for telling `oom` from any other trap. */
  readonly memoryBytes: number;
  /** Listens to every call in both directions; absent on a serving proxy. */
  readonly trace?: VmTrace | undefined;
  /** Which host to be; absent on a serving proxy. */
  readonly profile?: ProfileName | undefined;
  /** Once, when the instance dies. */
  readonly onFault: (fault: GuestFault) => void;
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
  /** Ends the guest; the reason stands even if the guest catches the exception. */
  abort(reason: FaultReason, message: string): never;
  setEffectiveContext(id: number): Status;
  /** Notes why a call is refused and gives the status back; arguments as of {@link Refusal.note}. */
  refuse(answer: Status, reason: string, subject?: string | number): Status;
}
