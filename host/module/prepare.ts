// From a filter's bytes to a module the data threads can instantiate: judge, validate, cap the memory, add fuel, compile.
// Runs on the control side; the compiled module is posted to the data threads.
import { MAX_MODULE_BYTES } from "../abi/limits.ts";
import { ProblemError, problemError } from "../base/problem.ts";
import { assertValid, instrumentValid } from "./fuel.ts";
import { checkFilterModule, type ModuleInfo } from "./inspect.ts";
import { capMemory } from "./memory-cap.ts";
import type { Program } from "./component/program.ts";

export interface PrepareOptions {
  /** The filter's, for messages. */
  readonly name: string;
  /** Cap of the linear memory. */
  readonly memoryBytes: number;
  /** Cap of each table's entries. Default 100 000. */
  readonly tableEntries?: number;
  /** The counter's first value, which a start section draws on; null = no CPU limit. */
  readonly fuel: number | null;
}

/** Whatever a filter is made of, ready to be instantiated. */
export interface PreparedFilter {
  /** Of the original bytes. */
  readonly info: ModuleInfo;
  readonly module: Program;
  /** From what was compiled to the original, for `originalOffset`; null when there is no fuel counter. */
  readonly offsets: Uint32Array | null;
}

export interface PreparedModule extends PreparedFilter {
  readonly module: WebAssembly.Module;
  /** What was compiled. */
  readonly bytes: Uint8Array;
}

/** Throws a ProblemError (kind `abi`) with everything that keeps the module from being this filter. */
export function prepareModule(bytes: Uint8Array, options: PrepareOptions): PreparedModule {
  if (bytes.length > MAX_MODULE_BYTES) {
    const message = `filter ${options.name}: the module has ${bytes.length} bytes, the limit is ${MAX_MODULE_BYTES}`;
    throw problemError("abi", "module_too_large", message, { hint: "strip its debug information, or build for size" });
  }
  const info = checkFilterModule(bytes, options.name);
  try {
    assertValid(bytes, "the module");
    return { info, ...limit(bytes, options) };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    throw new ProblemError(
      error.problems.map((problem) => ({ ...problem, message: `filter ${options.name}: ${problem.message}` })),
      { cause: error },
    );
  }
}

function limit(bytes: Uint8Array, { memoryBytes, tableEntries, fuel }: PrepareOptions): Omit<PreparedModule, "info"> {
  const capped = capMemory(bytes, { memoryBytes, ...(tableEntries === undefined ? {} : { tableEntries }) });
  if (fuel === null) return { module: new WebAssembly.Module(capped.bytes), bytes: capped.bytes, offsets: null };
  const fueled = instrumentValid(capped.bytes, { initial: fuel });
  // Only code is looked up, and all code lies behind the sections the cap changed.
  const offsets = fueled.offsets.map((offset, at) => (at % 2 === 0 ? offset : Math.max(0, offset - capped.shift)));
  return { module: compiled(fueled.bytes), bytes: fueled.bytes, offsets };
}

/** Validates what the rewriting made, by compiling it. */
function compiled(bytes: Uint8Array): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    assertValid(bytes, "the module with its fuel counter");
    throw error;
  }
}

/** A core module of no particular kind, with its limits: the counter is filled once, with its first value. @throws ProblemError */
export function prepareCoreModule(
  bytes: Uint8Array,
  { memoryBytes, fuel }: Pick<PrepareOptions, "memoryBytes" | "fuel">,
): WebAssembly.Module {
  assertValid(bytes, "the module");
  const capped = capMemory(bytes, { memoryBytes }).bytes;
  return compiled(fuel === null ? capped : instrumentValid(capped, { initial: fuel, entries: false }).bytes);
}
