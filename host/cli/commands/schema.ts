// `sluice schema`: the JSON Schema of the config, or with --filter that of a filter's pluginConfig.
import { readFile } from "node:fs/promises";
import { ProblemError, problemError } from "../../base/problem.ts";
import type { Command, Context } from "../command.ts";
import { compileEntry, withCompiler } from "../compile.ts";
import { EXIT } from "../exit.ts";
import { findSources } from "../filter-sources.ts";

const FILE = new URL("../../../schema/sluice.schema.json", import.meta.url);

async function ofFilter(name: string, context: Context): Promise<object> {
  const [source] = await findSources(context, [name]);
  if (source === undefined) throw problemError("compile", "no_filter", `there is no filter "${name}"`);
  const { cwd } = context;
  const outcome = await withCompiler(cwd, (compiler) => compileEntry(compiler, source.entry, { mode: "debug", cwd }));
  if (outcome.compiled === null) throw new ProblemError(outcome.problems);
  if (outcome.compiled.schema !== null) return outcome.compiled.schema;
  throw problemError("compile", "no_schema", `filter ${name} declares no configuration`, {
    hint: "mark its config class with @config",
  });
}

async function run(context: Context): Promise<number> {
  const filter = context.args.text("filter");
  if (filter === undefined) context.terminal.data(await readFile(FILE, "utf8"));
  else context.terminal.object(await ofFilter(filter, context));
  return EXIT.ok;
}

export const schema: Command = {
  name: "schema",
  summary: "Print the JSON Schema of the config, or of a filter's",
  args: { filter: { type: "string", description: "Of this filter's pluginConfig", valueHint: "name" } },
  run,
};
