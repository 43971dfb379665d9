// From what a test names (a filter folder, an entry, a .wasm, bytes) to a module with its source map. Builds are cached by
// content, and in memory for the length of a test file: a filter compiles once per change.
import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type FilterUnderTest, filterModule, Jco, kindOf, type Transpiled } from "../../host/testing.ts";
import { type Compiled, Compiler, type Mode } from "../build/index.ts";

/** Builds are kept beside the dependencies: a second run of an unchanged suite compiles nothing. */
const CACHE = join("node_modules", ".cache", "sluice");

export interface FilterInput {
  /** Filter folder, entry `.ts`, `.wasm` file, or the module itself. */
  readonly source: string | Uint8Array;
  /** Default: the folder's name. */
  readonly name?: string;
  readonly config?: unknown;
  /** Overrides of what a `filters:` entry of the config can say. */
  readonly options?: FilterUnderTest["options"];
}

/** Loads one. */
export async function loadInput(input: FilterInput, mode: Mode): Promise<FilterUnderTest> {
  const { source, config, options } = input;
  const name = input.name ?? (typeof source === "string" ? nameOf(source) : "filter");
  const module = typeof source === "string" ? await moduleOf(source, mode) : { wasm: source };
  const transpiled =
    kindOf(filterModule(module.wasm)) === "component" ? await takenApart(module.wasm, name) : undefined;
  return { name, ...module, config, ...(transpiled && { transpiled }), ...(options === undefined ? {} : { options }) };
}

/** What jco makes of a component; its process ends with the call. */
async function takenApart(wasm: Uint8Array, name: string): Promise<Transpiled> {
  const jco = new Jco({ cacheDir: CACHE });
  try {
    return await jco.transpile(wasm, `filter ${name}`);
  } finally {
    jco.close();
  }
}

function nameOf(source: string): string {
  if (!source.endsWith(".ts")) return basename(source, ".wasm");
  const folder = dirname(resolve(source));
  return basename(folder) === "assembly" ? basename(dirname(folder)) : basename(folder);
}

type Module = Pick<FilterUnderTest, "wasm" | "map" | "entry">;

async function moduleOf(source: string, mode: Mode): Promise<Module> {
  if (!source.endsWith(".wasm")) {
    const { wasm, map } = await build(source, mode);
    return { wasm, map, entry: entryOf(source) };
  }
  const map = await readFile(`${source}.map`).catch(() => null);
  return { wasm: await readFile(source), map, entry: source };
}

const entryOf = (source: string): string =>
  resolve(source.endsWith(".ts") ? source : join(source, "assembly", "index.ts"));

/** The module of an entry. The compiler's process ends with the call, unless the build came from the cache. */
export async function compile(entry: string, mode: Mode = "debug"): Promise<Uint8Array> {
  return (await build(entry, mode)).wasm;
}

/** As `compile`, with the schema and what else the build knows. `source`: a filter folder or an entry. */
export async function build(source: string, mode: Mode = "debug"): Promise<Compiled> {
  const compiler = new Compiler({ cacheDir: CACHE });
  try {
    return await compiler.compile(entryOf(source), { mode });
  } finally {
    await compiler.close();
  }
}
