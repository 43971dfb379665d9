// What ends an instance. A fault is a value: it never travels through the data plane as an exception.
import { MAX_STACK_FRAMES } from "../abi/limits.ts";

export type FaultReason = "trap" | "stack" | "fuel" | "oom" | "restricted_callback" | "proc_exit" | "host_error";

/** Causes a failure policy can speak about (decisions.md 2). */
export type FaultCause = "start" | "config" | "trap" | "fuel" | "oom" | "tick";

export interface GuestFault {
  readonly reason: FaultReason;
  readonly cause: FaultCause;
  /** Export that was running. */
  readonly callback: string;
  readonly contextId: number;
  readonly message: string;
  /** Id of the request on whose behalf it ran; "" for a plugin context. */
  readonly requestId: string;
  /** Points the callback had used; null without a budget. */
  readonly fuel: number | null;
  /** The newest host calls, oldest first, in words. */
  readonly hostCalls: readonly string[];
  /** The guest's frames, `name@offset`, innermost first. */
  readonly frames: readonly GuestFrame[];
}

export interface GuestFrame {
  /** From the name section, or `wasm-function[n]`. */
  readonly name: string;
  /** Byte offset in the module as it runs. */
  readonly offset: number;
}

/** Thrown by host functions to end the guest; the reason is recorded before, so a guest's catch_all changes nothing. */
export class GuestAbort extends Error {
  readonly reason: FaultReason;

  constructor(reason: FaultReason, message: string) {
    super(message);
    this.name = "GuestAbort";
    this.reason = reason;
  }
}

// "at filter/Tag#onRequestHeaders (wasm://wasm/3f0c4e12:wasm-function[16]:0xe13)"
const FRAME = /at (?:(.+?) \()?wasm:\/\/[^:]*:(wasm-function\[\d+\]):(0x[0-9a-f]+)\)?/;

/**
 * The guest's part of a V8 stack.
 * @param entered the host's own entry function, which has no name, may stand at its outer end: left out
 */
export function guestFrames(stack: string, entered: boolean): readonly GuestFrame[] {
  const frames: GuestFrame[] = [];
  for (const line of stack.split("\n")) {
    const found = FRAME.exec(line);
    if (found !== null) frames.push({ name: found[1] ?? found[2] ?? "", offset: Number(found[3]) });
    if (frames.length === MAX_STACK_FRAMES) return frames;
  }
  if (entered && frames.at(-1)?.name.startsWith("wasm-function[") === true) frames.pop();
  return frames;
}

/** Which kind of end an exception out of a guest call means. */
export function reasonOf(error: unknown): FaultReason {
  if (error instanceof GuestAbort) return error.reason;
  // An exception of the guest's own that it does not catch is its fault as well.
  if (error instanceof WebAssembly.RuntimeError || error instanceof WebAssembly.Exception) return "trap";
  // V8's stack overflow; the instance could be called again, but the guest's shadow stack is not unwound.
  return error instanceof RangeError && /call stack/i.test(error.message) ? "stack" : "host_error";
}

export function throwIf(error: Error | null): void {
  if (error !== null) throw error;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
