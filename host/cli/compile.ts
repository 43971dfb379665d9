// Compiling for the command line: one compiler per command, its diagnostics as the problems everything else shows.
import { join, relative } from "node:path";
import type { Problem } from "../base/problem.ts";
import { type Compiled, type Diagnostic, type FilterCompiler, loadCompiler } from "./parts.ts";

/** A compiler's message as a problem; paths as one would type them. */
export function toProblem(diagnostic: Diagnostic, cwd: string): Problem {
  const { message, code, file, line, column, endColumn, frame } = diagnostic;
  const name = code === 0 ? "build" : `${code < 1000 ? "AS" : "TS"}${code}`;
  const place = line > 0 ? { line, column, endColumn } : {};
  return {
    kind: "compile",
    code: name,
    message,
    file: relative(cwd, file) || file,
    ...place,
    ...(frame === "" ? {} : { frame }),
  };
}

/** The diagnostics an error of the build tool carries, or null for any other error. */
function diagnosticsOf(error: unknown): readonly Diagnostic[] | null {
  const found: unknown = error instanceof Error && "diagnostics" in error ? error.diagnostics : null;
  return Array.isArray(found) ? (found as readonly Diagnostic[]) : null;
}

export type CompileOutcome =
  | { readonly compiled: Compiled; readonly warnings: readonly Problem[] }
  | { readonly compiled: null; readonly problems: readonly Problem[] };

/** Compiles one entry; a filter that does not compile is an outcome, not an error. */
export async function compileEntry(
  compiler: FilterCompiler,
  entry: string,
  options: { readonly mode: "debug" | "release"; readonly cwd: string },
): Promise<CompileOutcome> {
  try {
    const compiled = await compiler.compile(entry, { mode: options.mode });
    return { compiled, warnings: compiled.diagnostics.map((one) => toProblem(one, options.cwd)) };
  } catch (error) {
    const diagnostics = diagnosticsOf(error);
    if (diagnostics === null) throw error;
    return { compiled: null, problems: diagnostics.map((one) => toProblem(one, options.cwd)) };
  }
}

/** Runs `use` with a compiler and ends its child process afterwards. */
export async function withCompiler<T>(cwd: string, use: (compiler: FilterCompiler) => Promise<T>): Promise<T> {
  const compiler = await loadCompiler(join(cwd, ".sluice/cache"));
  try {
    return await use(compiler);
  } finally {
    await compiler.close?.();
  }
}
