// `sluice build`: filters to build/<name>.wasm with map and schema, and a manifest of what was built.
import { createHash } from "node:crypto";
import { watch } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Command, Context } from "../command.ts";
import { compileEntry, withCompiler } from "../compile.ts";
import { EXIT, UsageError } from "../exit.ts";
import { findSources, type FilterSource } from "../filter-sources.ts";
import type { Compiled, FilterCompiler } from "../parts.ts";

interface Built {
  readonly name: string;
  readonly version: string;
  readonly mode: "debug" | "release";
  readonly size: number;
  readonly sha256: string;
  readonly millis: number;
}

/** Whole or not at all: a watcher elsewhere must never read half a module. */
async function write(path: string, content: Uint8Array | string): Promise<void> {
  await writeFile(`${path}.part`, content);
  await rename(`${path}.part`, path);
}

async function save(name: string, compiled: Compiled, folder: string): Promise<void> {
  await write(join(folder, `${name}.wasm`), compiled.wasm);
  if (compiled.map !== null) await write(join(folder, `${name}.wasm.map`), compiled.map);
  if (compiled.schema !== null) {
    await write(join(folder, `${name}.schema.json`), `${JSON.stringify(compiled.schema, null, 2)}\n`);
  }
}

async function buildOne(source: FilterSource, compiler: FilterCompiler, context: Context): Promise<Built | null> {
  const { terminal, cwd } = context;
  const mode = context.args.flag("debug") ? "debug" : "release";
  const outcome = await compileEntry(compiler, source.entry, { mode, cwd });
  if (outcome.compiled === null) {
    terminal.problems(outcome.problems);
    return null;
  }
  for (const warning of outcome.warnings) terminal.warning(warning);
  const { compiled } = outcome;
  await save(source.name, compiled, join(cwd, "build"));
  const sha256 = createHash("sha256").update(compiled.wasm).digest("hex");
  const { version } = compiled.info;
  return { name: source.name, version, mode, size: compiled.wasm.byteLength, sha256, millis: compiled.millis };
}

async function buildAll(sources: readonly FilterSource[], compiler: FilterCompiler, context: Context): Promise<number> {
  const folder = join(context.cwd, "build");
  await mkdir(folder, { recursive: true });
  const built: Built[] = [];
  for (const source of sources) {
    const one = await buildOne(source, compiler, context);
    if (one !== null) built.push(one);
  }
  // Times differ from run to run; the manifest is reproducible without them.
  const filters = built.map(({ millis: _millis, ...rest }) => rest);
  await write(join(folder, "manifest.json"), `${JSON.stringify({ filters }, null, 2)}\n`);
  if (context.terminal.json) context.terminal.object({ filters: built });
  else for (const one of built) context.terminal.data(line(one));
  return built.length === sources.length ? EXIT.ok : EXIT.filter;
}

function line(one: Built): string {
  const size = `${one.size} bytes`.padStart(14);
  return (
    `build/${one.name}.wasm`.padEnd(36) +
    `${size}  ${one.mode}  ${one.sha256.slice(0, 12)}  ${Math.round(one.millis)} ms`
  );
}

/** Builds again on every change under the filters' folders, until interrupted. */
function watchAll(sources: readonly FilterSource[], again: () => Promise<unknown>): Promise<number> {
  let wanted = false;
  let isBusy = false;
  const rebuild = async (): Promise<void> => {
    wanted = true;
    if (isBusy) return;
    isBusy = true;
    while (wanted) {
      wanted = false;
      await again();
    }
    isBusy = false;
  };
  const folders = new Set(sources.map((source) => dirname(source.entry)));
  const watchers = [...folders].map((folder) => watch(folder, { recursive: true }, () => void rebuild()));
  return new Promise((resolve) => {
    process.once("SIGINT", () => {
      for (const watcher of watchers) watcher.close();
      resolve(EXIT.interrupted);
    });
  });
}

async function run(context: Context): Promise<number> {
  const { args, cwd } = context;
  if (args.flag("release") && args.flag("debug")) throw new UsageError("--release and --debug exclude each other");
  const sources = await findSources(context, args.rest);
  return withCompiler(cwd, async (compiler) => {
    const code = await buildAll(sources, compiler, context);
    return args.flag("watch") ? watchAll(sources, () => buildAll(sources, compiler, context)) : code;
  });
}

export const build: Command = {
  name: "build",
  summary: "Compile filters to build/",
  rest: "filter",
  args: {
    release: { type: "boolean", description: "Optimised (the default)" },
    debug: { type: "boolean", description: "Exact positions, no optimisation" },
    watch: { type: "boolean", alias: "w", description: "Again on every save until interrupted" },
  },
  run,
};
