// Puts the lines of a recording together again: one step per callback with the host calls made in it. Instances are told
// apart by their number; inside one, callbacks never nest (abi.md 9.7).
import type { BeginLine, CallLine, EndLine, InLine, LostLine, OutLine, RecordLine, VmLine } from "./events.ts";

/** One callback. */
export interface CallbackStep {
  readonly kind: "callback";
  readonly vm: string;
  readonly in: InLine;
  readonly calls: CallLine[];
  /** Null: the recording ends in it, or it is a start-up, which has none. */
  out: OutLine | null;
  /** Number of its first line, for people. */
  readonly line: number;
}

export type Step =
  | CallbackStep
  | { readonly kind: "vm"; readonly vm: string; readonly line: number; readonly begins: VmLine }
  | { readonly kind: "begin"; readonly vm: string; readonly line: number; readonly begins: BeginLine }
  | { readonly kind: "end"; readonly vm: string; readonly line: number; readonly ends: EndLine }
  | { readonly kind: "lost"; readonly vm: string; readonly line: number; readonly lost: LostLine };

export class Steps {
  readonly #running = new Map<string, CallbackStep>();
  #line: number;

  /** @param line number of the first line that comes */
  constructor(line = 1) {
    this.#line = line;
  }

  /** The step that begins with this line, or null when it belongs to one that has begun. */
  add(line: RecordLine): Step | null {
    const at = this.#line++;
    const { vm } = line;
    switch (line.t) {
      case "vm":
        return { kind: "vm", vm, line: at, begins: line };
      case "begin":
        return { kind: "begin", vm, line: at, begins: line };
      case "end":
        return { kind: "end", vm, line: at, ends: line };
      case "lost":
        return { kind: "lost", vm, line: at, lost: line };
      case "in": {
        const step: CallbackStep = { kind: "callback", vm, in: line, calls: [], out: null, line: at };
        this.#running.set(vm, step);
        return step;
      }
      case "call":
        this.#running.get(vm)?.calls.push(line);
        return null;
      case "out": {
        const step = this.#running.get(vm);
        if (step !== undefined) step.out = line;
        return null;
      }
    }
  }
}
