// The last look at a binary before it leaves the build: what it imports, what it exports, and that its top-level code
// starts under the rules of stock hosts (abi.md 3.1), which refuse every host call but `proxy_log` there.
import { HOST_FUNCTIONS, MARKER } from "./host-functions.ts";

export interface Shape {
  /** Exported callbacks, sorted. */
  readonly callbacks: readonly string[];
  /** Imported host functions, sorted. */
  readonly hostCalls: readonly string[];
  /** Empty when the module may be used. */
  readonly problems: readonly ShapeProblem[];
}

export interface ShapeProblem {
  readonly message: string;
  /** The function whose import is the mistake; null when it is something else. */
  readonly name: string | null;
}

/** Compiles, looks, and starts `wasm` once. */
export function inspect(wasm: Uint8Array): Shape {
  const module = new WebAssembly.Module(wasm);
  const imports = WebAssembly.Module.imports(module);
  const exports = WebAssembly.Module.exports(module).map((one) => one.name);
  const problems = imports.flatMap((one) => importProblem(one.module, one.name));
  if (!exports.includes(MARKER)) problems.push(other(`the version marker ${MARKER} is not exported`));
  if (problems.length === 0) problems.push(...startProblems(module, imports).map(other));
  return {
    callbacks: exports.filter((name) => /^(proxy|sluice)_on_/.test(name)).sort(),
    hostCalls: imports.map((one) => one.name).sort(),
    problems,
  };
}

const other = (message: string): ShapeProblem => ({ message, name: null });

function importProblem(module: string, name: string): ShapeProblem[] {
  if (module === "env" && HOST_FUNCTIONS.has(name)) return [];
  if (module.startsWith("wasi")) {
    const message = `imports ${module}.${name}: Date, console, process and crypto need WASI; use nowNanos(), log and random()`;
    return [other(message)];
  }
  // A declared function becomes an import of a module named like its file (asc), which explains most of these.
  const near = HOST_FUNCTIONS.has(name)
    ? "declared in a file env.ts it would be one; the SDK's functions do that for you"
    : "`declare function` makes an import that the host must have: give it a body, or import it from @sluice/sdk";
  return [{ message: `imports ${module}.${name}, which is no proxy-wasm host function: ${near}`, name }];
}

function startProblems(module: WebAssembly.Module, imports: readonly WebAssembly.ImportDescriptor[]): string[] {
  let refused = "";
  const env: Record<string, () => number> = {};
  for (const { name } of imports) {
    env[name] = () => {
      if (name === "proxy_log") return 0;
      refused ||= name;
      throw new Error("refused");
    };
  }
  try {
    const { _initialize } = new WebAssembly.Instance(module, { env }).exports;
    if (typeof _initialize === "function") _initialize();
    return [];
  } catch (error) {
    if (refused !== "") return [`top-level code calls ${refused}: hosts allow only proxy_log before proxy_on_vm_start`];
    return [`top-level code traps: ${error instanceof Error ? error.message : String(error)}`];
  }
}
