// From a taken-apart component to a program the data threads can instantiate: its world judged, its names checked, its core
// modules capped and given fuel like any filter's. Runs on the control side.
import { type Problem, ProblemError, problemError } from "../../base/problem.ts";
import { inspectModule, type ModuleInfo } from "../inspect.ts";
import { prepareCoreModule, type PrepareOptions } from "../prepare.ts";
import type { ComponentProgram, CoreModule } from "./program.ts";
import type { Transpiled } from "./transpiled.ts";
import { judgeWorld, readWorld } from "./world.ts";

export interface PreparedComponent {
  readonly info: ModuleInfo;
  readonly module: ComponentProgram;
  /** Positions inside a component's core modules lead to no source. */
  readonly offsets: null;
}

/** Core modules of one component: each has a fuel counter of its own (components-and-isolation.md 1.4). */
const MAX_CORES = 32;
/** Each may grow to the cap of the filter; the sum is looked at after each callback (vm/start-program.ts). */
const MAX_MEMORIES = 4;
/** Characters of the glue: a component with thousands of functions is not a filter. */
const MAX_GLUE = 4 * 1024 * 1024;

/** Throws a ProblemError (kind `abi`) with everything that keeps the component from being this filter. */
export function prepareComponent(
  bytes: Uint8Array,
  transpiled: Transpiled,
  options: PrepareOptions,
): PreparedComponent {
  const info = describeComponent(bytes, transpiled);
  try {
    fail([...info.problems, ...judgeParts(transpiled)]);
    return { info, module: prepareParts(transpiled, options), offsets: null };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    throw new ProblemError(
      error.problems.map((problem) => ({ ...problem, message: `filter ${options.name}: ${problem.message}` })),
      { cause: error },
    );
  }
}

/** The parts of any component with names that are safe to run, whatever its world. @throws ProblemError */
export function prepareAnyComponent(transpiled: Transpiled, limits: CoreLimits): ComponentProgram {
  fail(judgeParts(transpiled));
  return prepareParts(transpiled, limits);
}

type CoreLimits = Pick<PrepareOptions, "memoryBytes" | "fuel">;

const prepareParts = (transpiled: Transpiled, limits: CoreLimits): ComponentProgram => ({
  glue: scriptOf(transpiled.glue),
  cores: transpiled.cores.map((core) => prepareCore(core, limits)),
});

/** As `inspectModule`, with what only taking it apart can tell. */
export function describeComponent(bytes: Uint8Array, transpiled: Transpiled): ModuleInfo {
  const world = readWorld(transpiled.wit);
  return {
    ...inspectModule(bytes),
    imports: world.imports.map(({ name }) => ({ module: "component", name, kind: "func" })),
    exports: world.exports.map(({ name }) => ({ name, kind: "func" })),
    problems: judgeWorld(transpiled),
  };
}

function fail(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ProblemError(problems);
}

function judgeParts({ cores, glue }: Transpiled): Problem[] {
  const problems: Problem[] = [];
  const say = (code: string, message: string): void => void problems.push({ kind: "abi", code, message });
  if (cores.length > MAX_CORES) say("too_many_cores", `${cores.length} core modules; at most ${MAX_CORES} are allowed`);
  if (glue.length > MAX_GLUE)
    say("too_large", `its glue is ${glue.length} characters; at most ${MAX_GLUE} are allowed`);
  let memories = 0;
  for (const [, bytes] of cores) {
    const info = inspectModule(bytes);
    if (ownsMemory(info)) memories++;
    for (const name of namesOf(info)) {
      if (!SAFE_NAME.test(name))
        say("bad_name", `a core module uses the name ${JSON.stringify(name.slice(0, 80))}, which no tool writes`);
    }
  }
  if (memories > MAX_MEMORIES)
    say("multi_memory", `${memories} core modules have a memory; at most ${MAX_MEMORIES} are allowed`);
  return problems;
}

/**
 * Names of core modules stand in the glue between quotation marks, as they are: a quote in one would end the text and begin
 * code of the component's choice (jco-transpile 0.15.0). Tools write these characters only.
 */
const SAFE_NAME = /^[\w $.:/@#\-[\]()|<>+=,*]*$/;

function* namesOf(info: ModuleInfo): Iterable<string> {
  for (const { module, name } of info.imports) yield* [module, name];
  for (const { name } of info.exports) yield name;
}

const ownsMemory = (info: ModuleInfo): boolean =>
  info.memory !== null && !info.imports.some(({ kind }) => kind === "memory");

function prepareCore([name, bytes]: readonly [string, Uint8Array], { memoryBytes, fuel }: CoreLimits): CoreModule {
  const info = inspectModule(bytes);
  if (info.problems.some(({ code }) => code === "shared_memory" || code === "memory64"))
    throw problemError("abi", "shared_memory", `core module ${name} has a memory that cannot be capped`);
  return { name, module: prepareCoreModule(bytes, { memoryBytes, fuel }), ownsMemory: ownsMemory(info) };
}

/** The generated ES module as a script: an ES module is never collected, and every reload would leave one behind. */
export function scriptOf(glue: string): string {
  const exported = /export\s*\{[^}]*?([\w$]+)\s+as\s+instantiate\b/.exec(glue)?.[1] ?? "instantiate";
  const body = glue
    .replaceAll(/\bexport\s*\{[^}]*\};?/g, "")
    .replaceAll(/(^|[;}\s])export\s*((?:async\s+)?(?:function|const|let|class)\b)/g, "$1$2");
  return `${body}\nreturn ${exported};`;
}
