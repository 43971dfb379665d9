// State that a version hands to the one that takes its place (abi.md 3.6): `sluice_on_snapshot` of the old plugin context
// writes it with `sluice.snapshot_write`, `sluice_on_restore` of the new one reads it in buffer 8. Bytes are the filter's own;
// the host says who wrote them (`sluice.snapshot_version`). Driven by generation.ts, between the last stream of the old and
// the first of the new. Nothing of it can keep a version from going live.
import { MAX_SNAPSHOT_BYTES } from "../abi/limits.ts";
import type { Hostcalls } from "../vm/ports.ts";
import { FAULTED, type Vm } from "../vm/vm.ts";

/** What became of it, for a counter. `empty`: nothing was written, or the new version takes none. */
export type HandOverResult = "restored" | "empty" | "refused" | "failed";

export interface WrittenState {
  readonly bytes: Buffer;
  /** sluice.plugin_version of who wrote it. */
  readonly version: string;
}

/** One plugin context's part. */
export class HandOver {
  /** What is given to this context, while `sluice_on_restore` runs. */
  given: WrittenState | null = null;
  #written: Buffer | null = null;
  #open = false;

  /** `sluice.snapshot_write`: the newest write counts. The reason when it is refused; null = done. */
  write(bytes: Buffer): string | null {
    if (!this.#open) return "{} belongs into sluice_on_snapshot";
    if (bytes.length > MAX_SNAPSHOT_BYTES) return "a snapshot has at most 1 MiB";
    this.#written = Buffer.from(bytes);
    return null;
  }

  /** What `ask` made the context write. */
  collect(ask: () => void): Buffer | null {
    this.#open = true;
    ask();
    this.#open = false;
    const written = this.#written;
    this.#written = null;
    return written;
  }
}

/** The plugin context as this needs it. */
export interface HandOverContext extends Hostcalls {
  readonly vm: Vm;
  readonly handOver: HandOver;
}

/** Asks an old plugin context. Null: it has nothing to hand over, or died over it. */
export function takeState(context: HandOverContext): Buffer | null {
  const { vm, handOver } = context;
  const { onSnapshot } = vm.callbacks;
  if (onSnapshot === null || vm.running) return null;
  const written = handOver.collect(() => void vm.callWith(onSnapshot, context, "trap", []));
  vm.settle();
  return vm.fault === null ? written : null;
}

/** Gives it to a new plugin context, which has served nothing yet. */
export function giveState(context: HandOverContext, state: WrittenState): HandOverResult {
  const { vm, handOver } = context;
  const { onRestore } = vm.callbacks;
  if (onRestore === null || vm.running) return "empty";
  handOver.given = state;
  const taken = vm.callWith(onRestore, context, "trap", [state.bytes.length]);
  handOver.given = null;
  vm.settle();
  return taken === FAULTED ? "failed" : taken === 0 ? "refused" : "restored";
}
