// Runs a core module outside of a chain: a WASI preview 1 command from `_start`, or one of its exports with numbers.
import { problemError } from "../base/problem.ts";
import type { ModuleInfo } from "../module/inspect.ts";
import { instantiateBare } from "../vm/bare.ts";
import { messageOf, reasonOf } from "../vm/faults.ts";
import { faultOf } from "./fault.ts";
import type { Grants, Outcome } from "./grants.ts";
import { preview1 } from "./wasi-preview1.ts";

export interface CoreProgram {
  readonly bytes: Uint8Array;
  readonly info: ModuleInfo;
  readonly file: string;
}

const PREVIEW1 = "wasi_snapshot_preview1";

/** @throws ProblemError when it imports what is not granted, or ends by a fault */
export async function runCore({ bytes, info, file }: CoreProgram, grants: Grants): Promise<Outcome> {
  assertImports(info, file);
  const wasi = await preview1(grants);
  return run(file, grants, () => {
    const bare = instantiateBare(bytes, { ...grants, imports: { [PREVIEW1]: wasi.imports } });
    return { tank: bare.tank, code: () => wasi.start(bare.instance) };
  });
}

export interface Invocation {
  readonly name: string;
  readonly args: readonly string[];
}

export interface InvokeOutcome extends Outcome {
  readonly results: readonly (number | bigint)[];
}

/** Calls one export; its arguments and results are numbers. @throws ProblemError */
export async function invokeCore(
  { bytes, info, file }: CoreProgram,
  { name, args }: Invocation,
  grants: Grants,
): Promise<InvokeOutcome> {
  assertImports(info, file);
  const given = argumentsFor(info, { name, args }, file);
  const wasi = await preview1(grants);
  let answer: unknown;
  const outcome = run(file, grants, () => {
    const { instance, tank } = instantiateBare(bytes, { ...grants, imports: { [PREVIEW1]: wasi.imports } });
    const code = (): number => {
      wasi.initialize(instance);
      answer = (instance.exports[name] as (...numbers: (number | bigint)[]) => unknown)(...given);
      return 0;
    };
    return { tank, code };
  });
  const results = answer === undefined ? [] : Array.isArray(answer) ? answer : [answer];
  return { ...outcome, results: results as (number | bigint)[] };
}

interface Begun {
  readonly tank: { readonly isEmpty: boolean; readonly left: number | null };
  readonly code: () => number;
}

function run(file: string, grants: Grants, begin: () => Begun): Outcome {
  let begun: Begun | null = null;
  try {
    begun = begin();
    const code = begun.code();
    const { left } = begun.tank;
    return { code, fuelUsed: grants.fuel === null || left === null ? null : grants.fuel - left };
  } catch (error) {
    if (error instanceof Error && "problems" in error) throw error;
    throw faultOf(file, begun?.tank.isEmpty === true ? "fuel" : reasonOf(error), messageOf(error));
  }
}

function assertImports({ imports }: ModuleInfo, file: string): void {
  const strange = imports.find(({ module }) => module !== PREVIEW1);
  if (strange === undefined) return;
  const message = `${file} imports ${strange.module}.${strange.name}, which this runner does not offer`;
  throw problemError("abi", "unknown_import", message, {
    hint: "a core program imports WASI preview 1 and nothing else",
  });
}

function argumentsFor(info: ModuleInfo, { name, args }: Invocation, file: string): (number | bigint)[] {
  const functions = info.exports.filter(({ kind }) => kind === "func");
  const found = functions.find((each) => each.name === name);
  if (found === undefined) {
    const names = functions.map((each) => each.name).slice(0, 12);
    throw problemError("abi", "no_export", `${file} exports no function ${name}`, {
      hint: names.length === 0 ? "it exports no functions" : `it has ${names.join(", ")}`,
    });
  }
  const params = found.type?.params ?? [];
  if (params.length !== args.length) {
    const message = `${name} takes ${params.length} arguments (${params.join(", ")}), ${args.length} were given`;
    throw problemError("abi", "bad_arguments", message);
  }
  return args.map((text, at) => numberFor(text, params[at] ?? ""));
}

function numberFor(text: string, type: string): number | bigint {
  const isWhole = /^-?(?:\d+|0x[0-9a-fA-F]+)$/.test(text);
  if (type === "i64" && isWhole) return text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
  if (type === "i32" && isWhole) return Number(text);
  if ((type === "f32" || type === "f64") && text !== "" && !Number.isNaN(Number(text))) return Number(text);
  throw problemError("abi", "bad_arguments", `"${text}" is no ${type}; exports are called with numbers`);
}
