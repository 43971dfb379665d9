// `sluice test [suite...]`: declarative suites (the format of Google's service-extensions plugin tester, as text format,
// YAML or JSON) against a module; without a suite, vitest.
import { appendFile, readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { type Problem, ProblemError, problemError, toProblems } from "../../base/problem.ts";
import type { Command, Context } from "../command.ts";
import { compileEntry, withCompiler } from "../compile.ts";
import { EXIT, exitCodeOfProblems, UsageError } from "../exit.ts";
import { loadSuites, type SuiteReport } from "../parts.ts";
import { runVitest } from "../run-vitest.ts";
import { drawSuite } from "../suite-report.ts";
import { textOrFile } from "./call.ts";
import { readModule } from "./inspect.ts";

/** Endings that say how a suite is written (host/suite/load.ts). */
const ENDINGS = [".textpb", ".textproto", ".txtpb", ".pbtxt", ".prototxt", ".yaml", ".yml", ".json"];
const DEFAULT_BENCH_MS = 500;
const MAX_BENCH_MS = 60_000;

type LoadedSuite = Awaited<ReturnType<Awaited<ReturnType<typeof loadSuites>>["loadSuite"]>>;

/** The entry a name stands for: a `.ts` file, a filter's folder, or a filter of this project; null = a module. */
function entryOf(name: string, cwd: string): string | null {
  const places = [name, join(name, "assembly/index.ts"), join("filters", name, "assembly/index.ts")];
  const found = places.map((place) => resolve(cwd, place)).find((path) => path.endsWith(".ts") && existsSync(path));
  return found ?? null;
}

/** Bytes of a module, or of an entry's debug build. @throws ProblemError */
async function toModule(context: Context, name: string): Promise<Uint8Array> {
  const { cwd } = context;
  const entry = entryOf(name, cwd);
  if (entry === null) return readModule(context, name);
  const outcome = await withCompiler(cwd, (compiler) => compileEntry(compiler, entry, { mode: "debug", cwd }));
  if (outcome.compiled === null) throw new ProblemError(outcome.problems);
  for (const warning of outcome.warnings) context.terminal.warning(warning);
  return outcome.compiled.wasm;
}

async function readConfig({ args, cwd }: Context, path: string): Promise<string> {
  const given = args.text("config");
  if (given !== undefined) return textOrFile(given, cwd);
  if (path === "") return "";
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw problemError("config", "no_config", `config_path: ${path} cannot be read (${reason})`);
  }
}

/** Where the suite wants the filter's log. Data goes to stdout alone under --json. */
async function writeLog({ logPath }: LoadedSuite, report: SuiteReport, { terminal }: Context): Promise<void> {
  if (logPath === "") return;
  const text = report.tests
    .flatMap(({ name, logs }) => [`--- ${name} ---`, ...logs])
    .map((line) => `${line}\n`)
    .join("");
  if (logPath === "/dev/stdout" && !terminal.json) terminal.data(text);
  else if (logPath.startsWith("/dev/std")) terminal.note(text.trimEnd());
  else await appendFile(logPath, text);
}

class Runs {
  readonly #context: Context;
  /** Modules by the name they were asked for: several suites share one build. */
  readonly #modules = new Map<string, Promise<Uint8Array>>();

  constructor(context: Context) {
    this.#context = context;
  }

  async run(path: string): Promise<SuiteReport> {
    const { args, cwd } = this.#context;
    const { loadSuite, runSuite } = await loadSuites();
    const suite = await loadSuite(resolve(cwd, path), cwd);
    const wasm = args.text("wasm") ?? suite.wasmPath;
    if (wasm === "")
      throw new UsageError(`${path} names no module`, "name one: --wasm build/x.wasm, or a filter's .ts");
    const report = runSuite(suite, {
      wasm: await this.#module(wasm),
      config: await readConfig(this.#context, suite.configPath),
      nowMs: () => performance.now(),
      benchMs: args.flag("bench") ? (args.integer("bench-time", 1, MAX_BENCH_MS) ?? DEFAULT_BENCH_MS) : 0,
    });
    await writeLog(suite, report, this.#context);
    return report;
  }

  #module(name: string): Promise<Uint8Array> {
    const known = this.#modules.get(name) ?? toModule(this.#context, name);
    this.#modules.set(name, known);
    return known;
  }
}

async function runSuites(context: Context, paths: readonly string[]): Promise<number> {
  const { terminal } = context;
  const suites: SuiteReport[] = [];
  const problems: Problem[] = [];
  const runs = new Runs(context);
  for (const path of paths) {
    try {
      const report = await runs.run(path);
      suites.push(report);
      if (!terminal.json) drawSuite(report, context);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      // The other suites are worth running all the same.
      problems.push(...toProblems(error));
      if (!terminal.json) terminal.problems(error.problems);
    }
  }
  const ok = problems.length === 0 && suites.every((suite) => suite.ok);
  if (terminal.json) terminal.object({ ok, suites, problems });
  if (problems.length > 0) return exitCodeOfProblems(problems);
  return ok ? EXIT.ok : EXIT.failed;
}

async function run(context: Context): Promise<number> {
  const { rest, dashed } = context.args;
  const paths = rest.slice(0, rest.length - dashed.length);
  if (paths.length === 0) return runVitest(context, dashed);
  if (dashed.length > 0) throw new UsageError("arguments after -- are for vitest, which runs when no suite is named");
  const strange = paths.find((path) => !ENDINGS.includes(extname(path).toLowerCase()));
  if (strange !== undefined) throw new UsageError(`${strange} is no suite`, `suites end in ${ENDINGS.join(", ")}`);
  return runSuites(context, paths);
}

export const test: Command = {
  name: "test",
  summary: "Run test suites against a .wasm; without one, vitest",
  rest: "suite",
  args: {
    wasm: {
      type: "string",
      description: "Module, filter folder or .ts entry; outranks the suite's",
      valueHint: "file",
    },
    bench: {
      type: "boolean",
      default: true,
      description: "Measure the tests that ask for it",
      negativeDescription: "No benchmarks",
    },
    "bench-time": { type: "string", description: "Time per benchmark, default 500", valueHint: "ms" },
  },
  run,
};
