// Which filter sources a command means: names from the config, paths, or every filters/*/assembly/index.ts here.
import { existsSync, globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { FilterOptions } from "../plugin/options.ts";
import { parseConfig } from "../config/load.ts";
import type { Context } from "./command.ts";
import { DEFAULT_CONFIG } from "./config-file.ts";
import { UsageError } from "./exit.ts";

export interface FilterSource {
  readonly name: string;
  /** Absolute path of the entry. */
  readonly entry: string;
}

/** `filters/gray/assembly/index.ts` -> `gray`, `gray.ts` -> `gray`. */
export function nameOfEntry(entry: string): string {
  const folder = dirname(entry);
  if (basename(entry) !== "index.ts") return basename(entry).replace(/\.(ts|wasm)$/, "");
  return basename(basename(folder) === "assembly" ? dirname(folder) : folder);
}

async function fromConfig(context: Context): Promise<readonly FilterOptions[]> {
  const path = resolve(context.cwd, context.args.text("config") ?? DEFAULT_CONFIG);
  if (!existsSync(path)) return [];
  return (await parseConfig(await readFile(path, "utf8"), { path, env: context.env, files: false })).config.filters;
}

function fromFolder(cwd: string): readonly FilterSource[] {
  const entries = globSync("filters/*/assembly/index.ts", { cwd }).sort();
  return entries.map((entry) => ({ name: nameOfEntry(entry), entry: join(cwd, entry) }));
}

function pick(wanted: string, known: readonly FilterSource[], cwd: string): FilterSource {
  const named = known.find((source) => source.name === wanted);
  if (named !== undefined) return named;
  const entry = resolve(cwd, wanted);
  if (wanted.endsWith(".ts") && existsSync(entry)) return { name: nameOfEntry(entry), entry };
  const inFolder = join(entry, "assembly/index.ts");
  if (existsSync(inFolder)) return { name: basename(entry), entry: inFolder };
  const names = known.map((source) => source.name).join(", ") || "none";
  throw new UsageError(`there is no filter "${wanted}"`, `known here: ${names}; a path to an entry works too`);
}

/** The `.ts` entries behind `wanted`; all known ones when it is empty. @throws UsageError, ProblemError */
export async function findSources(context: Context, wanted: readonly string[]): Promise<readonly FilterSource[]> {
  const configured = (await fromConfig(context))
    .filter((filter) => filter.source.endsWith(".ts"))
    .map((filter) => ({ name: filter.name, entry: filter.source }));
  const names = new Set(configured.map((source) => source.name));
  const known = [...configured, ...fromFolder(context.cwd).filter((source) => !names.has(source.name))];
  if (wanted.length > 0) return wanted.map((one) => pick(one, known, context.cwd));
  if (known.length > 0) return known;
  throw new UsageError(
    "there is no filter here",
    "make one with `sluice new <name>`, or name an entry: sluice build path/index.ts",
  );
}
