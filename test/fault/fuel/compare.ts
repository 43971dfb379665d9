// Runs a module as it is and with its fuel counter, side by side, and says where they differ: results, traps, memory, globals.
import { ProblemError } from "../../../host/base/problem.ts";
import { instrument } from "../../../host/module/fuel.ts";

const PLENTY = 2 ** 31 - 1;
const ARGUMENTS: readonly number[] = [0, 1, -1, 7.5, 1e9, -(2 ** 31)];

export interface Comparison {
  /** `feature`: the rewriter refuses the module, and says why. */
  readonly verdict: "equal" | "different" | "refused" | "unusable";
  readonly detail: string;
  readonly calls: number;
}

const done = (verdict: Comparison["verdict"], detail: string, calls = 0): Comparison => ({ verdict, detail, calls });

export function compare(bytes: Uint8Array): Comparison {
  if (!WebAssembly.validate(bytes)) return done("unusable", "not valid");
  let fueled: Uint8Array;
  try {
    fueled = instrument(bytes, { initial: PLENTY }).bytes;
  } catch (error) {
    if (error instanceof ProblemError) return done("refused", error.message);
    throw error;
  }
  if (!WebAssembly.validate(fueled)) return done("different", "valid before, not valid with fuel");
  const plain = instance(bytes);
  const counted = instance(fueled);
  if (typeof plain === "string" || typeof counted === "string") {
    return plain === counted
      ? done("unusable", plain as string)
      : done("different", `${said(plain)} against ${said(counted)}`);
  }
  return sameCalls(plain, counted);
}

const said = (made: WebAssembly.Exports | string): string => (typeof made === "string" ? made : "an instance");

/** Exports, or what went wrong. Imports are made up: functions answer 0, memories and tables are small. */
function instance(bytes: Uint8Array): WebAssembly.Exports | string {
  const module = new WebAssembly.Module(bytes);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: space, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind !== "function") return `imports a ${kind}`;
    (imports[space] ??= {})[name] = () => 0;
  }
  try {
    return new WebAssembly.Instance(module, imports).exports;
  } catch (error) {
    return outcome(error);
  }
}

/** A trap by its message; stack overflow depends on the size of frames, which the counter changes. */
function outcome(error: unknown): string {
  if (error instanceof RangeError) return "stack overflow";
  return error instanceof Error ? error.message : `thrown ${typeof error}`;
}

function run(exports: WebAssembly.Exports, name: string, args: readonly unknown[]): string {
  try {
    return inBits((exports[name] as (...given: unknown[]) => unknown)(...args));
  } catch (error) {
    return outcome(error);
  }
}

/** NaN, -0 and BigInt told apart. */
function inBits(value: unknown): string {
  if (Array.isArray(value)) return value.map(inBits).join(",");
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  return typeof value === "bigint" ? `${value}n` : String(value);
}

function sameCalls(plain: WebAssembly.Exports, counted: WebAssembly.Exports): Comparison {
  let calls = 0;
  for (const [name, value] of Object.entries(plain)) {
    if (typeof value !== "function") continue;
    for (const args of ARGUMENTS.flatMap((number) => shapes(value.length, number))) {
      const a = run(plain, name, args);
      const b = run(counted, name, args);
      calls++;
      if (a !== b) return done("different", `${name}(${args.map(String).join(", ")}) gave ${a}, with fuel ${b}`, calls);
    }
    if (!sameState(plain, counted)) return done("different", `memory or globals differ after ${name}`, calls);
  }
  return done("equal", "", calls);
}

/** Which parameters are i64 is not visible from outside: all numbers, all i64, and what the generator makes. */
function shapes(length: number, number: number): readonly (readonly unknown[])[] {
  if (length === 0) return [[]];
  const whole = BigInt(Math.trunc(number));
  const all = (value: unknown): unknown[] => Array.from({ length }, () => value);
  return [all(number), all(whole), ...(length === 4 ? [[number, whole, number, number]] : [])];
}

function sameState(plain: WebAssembly.Exports, counted: WebAssembly.Exports): boolean {
  return Object.entries(plain).every(([name, value]) => {
    const other = counted[name];
    if (value instanceof WebAssembly.Global && other instanceof WebAssembly.Global)
      return globalText(value) === globalText(other);
    if (value instanceof WebAssembly.Memory && other instanceof WebAssembly.Memory)
      return Buffer.compare(new Uint8Array(value.buffer), new Uint8Array(other.buffer)) === 0;
    return true;
  });
}

function globalText(value: WebAssembly.Global): string {
  try {
    return inBits(value.value);
  } catch {
    return "unreadable";
  }
}
