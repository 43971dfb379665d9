// `sluice validate`: config and filters, checked without starting anything.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Problem, ProblemError } from "../../base/problem.ts";
import { type ParsedConfig, parseConfig } from "../../config/load.ts";
import type { FilterOptions } from "../../plugin/options.ts";
import type { Command, Context } from "../command.ts";
import { compileEntry, withCompiler } from "../compile.ts";
import { readConfigFile } from "../config-file.ts";
import { EXIT, exitCodeOfProblems } from "../exit.ts";
import { inspectAny } from "../take-apart.ts";
import { type FilterCompiler, loadConfigure } from "../parts.ts";

/** What is wrong with a filter, and what will not work as its author may think. */
interface FilterVerdict {
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}
const FINE: FilterVerdict = { problems: [], warnings: [] };
const wrong = (problems: readonly Problem[]): FilterVerdict => ({ problems, warnings: [] });

type Checked = { readonly parsed: ParsedConfig | null; readonly problems: readonly Problem[] };

async function checkConfig(context: Context): Promise<Checked> {
  const { path, text } = await readConfigFile(context);
  try {
    const options = { path: resolve(context.cwd, path), env: context.env, strict: context.args.flag("strict") };
    return { parsed: await parseConfig(text, options), problems: [] };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    // Problems name the file as it was given; only sources need the absolute path.
    return { parsed: null, problems: error.problems.map((problem) => ({ ...problem, file: path })) };
  }
}

async function checkWasm(filter: FilterOptions, cwd: string): Promise<FilterVerdict> {
  const wasm = await readFile(filter.source);
  const inspected = await inspectAny(wasm, filter.source, cwd).catch(toVerdict);
  const { problems = [], warnings = [] } = inspected;
  // A component (layer 1) is started by the canary only: taking it apart is not worth it here.
  if (problems.length === 0 && wasm[6] === 0) {
    const { problems: refused } = await checkConfiguration(wasm, filter);
    return { problems: refused, warnings: warnings.map((warning) => `filter ${filter.name}: ${warning}`) };
  }
  return {
    problems: problems.map(({ message, hint }) => ({
      kind: "abi",
      code: "bad_module",
      message: `filter ${filter.name}: ${message}`,
      file: filter.source,
      ...(hint === undefined ? {} : { hint }),
    })),
    warnings: warnings.map((warning) => `filter ${filter.name}: ${warning}`),
  };
}

/** A component that cannot even be taken apart. */
function toVerdict(error: unknown): FilterVerdict {
  if (error instanceof ProblemError) return wrong(error.problems);
  throw error;
}

async function checkFilter(filter: FilterOptions, compiler: FilterCompiler, cwd: string): Promise<FilterVerdict> {
  if (filter.source === "" || filter.source.startsWith("https://")) return FINE;
  if (!existsSync(filter.source)) {
    const message = `filter ${filter.name}: there is no ${filter.source}`;
    return wrong([{ kind: "config", code: "no_source", message, hint: "paths are relative to the config file" }]);
  }
  if (filter.source.endsWith(".wasm")) return checkWasm(filter, cwd);
  const outcome = await compileEntry(compiler, filter.source, { mode: "debug", cwd });
  return outcome.compiled === null ? wrong(outcome.problems) : checkConfiguration(outcome.compiled.wasm, filter);
}

/** The filter itself reads its configuration: what it says is what it would say when the proxy starts. */
async function checkConfiguration(wasm: Uint8Array, filter: FilterOptions): Promise<FilterVerdict> {
  const configure = await loadConfigure();
  return wrong(configure(wasm, filter));
}

async function checkFilters(filters: readonly FilterOptions[], cwd: string): Promise<FilterVerdict> {
  if (filters.every((filter) => filter.source === "")) return FINE;
  return withCompiler(cwd, async (compiler) => {
    const found: FilterVerdict[] = [];
    for (const filter of filters) found.push(await checkFilter(filter, compiler, cwd));
    return { problems: found.flatMap(({ problems }) => problems), warnings: found.flatMap(({ warnings }) => warnings) };
  });
}

async function run(context: Context): Promise<number> {
  const { terminal, cwd } = context;
  const { parsed, problems } = await checkConfig(context);
  const checked = parsed === null ? wrong(problems) : await checkFilters(parsed.config.filters, cwd);
  const all = checked.problems;
  const warnings: readonly Problem[] = [
    ...(parsed?.warnings ?? []),
    ...checked.warnings.map((message): Problem => ({ kind: "abi", code: "module_warning", message })),
  ];
  if (terminal.json) terminal.object({ ok: all.length === 0, problems: all, warnings });
  else {
    for (const warning of warnings) terminal.warning(warning);
    if (all.length > 0) terminal.problems(all);
    else if (parsed !== null) terminal.data(`ok: ${summary(parsed)}`);
  }
  return all.length === 0 ? EXIT.ok : exitCodeOfProblems(all);
}

function summary({ config }: ParsedConfig): string {
  const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;
  const routes = config.listeners.reduce((sum, listener) => sum + listener.routes.length, 0);
  return [
    counted(config.listeners.length, "listener"),
    counted(routes, "route"),
    counted(config.clusters.length, "cluster"),
    counted(config.filters.length, "filter"),
    counted(config.experiments.length, "experiment"),
  ].join(", ");
}

export const validate: Command = {
  name: "validate",
  summary: "Check a config and its filters, start nothing",
  args: { strict: { type: "boolean", description: "Unused clusters and unreachable routes are errors" } },
  run,
};
