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
import { type FilterCompiler, loadInspect } from "../parts.ts";

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

async function checkWasm(filter: FilterOptions): Promise<readonly Problem[]> {
  const inspect = await loadInspect();
  const { problems = [] } = inspect(await readFile(filter.source));
  return problems.map(({ message }) => ({
    kind: "abi",
    code: "bad_module",
    message: `filter ${filter.name}: ${message}`,
    file: filter.source,
  }));
}

async function checkFilter(filter: FilterOptions, compiler: FilterCompiler, cwd: string): Promise<readonly Problem[]> {
  if (filter.source === "" || filter.source.startsWith("https://")) return [];
  if (!existsSync(filter.source)) {
    const message = `filter ${filter.name}: there is no ${filter.source}`;
    return [{ kind: "config", code: "no_source", message, hint: "paths are relative to the config file" }];
  }
  if (filter.source.endsWith(".wasm")) return checkWasm(filter);
  const outcome = await compileEntry(compiler, filter.source, { mode: "debug", cwd });
  return outcome.compiled === null ? outcome.problems : [];
}

async function checkFilters(filters: readonly FilterOptions[], cwd: string): Promise<readonly Problem[]> {
  if (filters.every((filter) => filter.source === "")) return [];
  return withCompiler(cwd, async (compiler) => {
    const found: Problem[] = [];
    for (const filter of filters) found.push(...(await checkFilter(filter, compiler, cwd)));
    return found;
  });
}

async function run(context: Context): Promise<number> {
  const { terminal, cwd } = context;
  const { parsed, problems } = await checkConfig(context);
  const all = parsed === null ? problems : await checkFilters(parsed.config.filters, cwd);
  const warnings = parsed?.warnings ?? [];
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
