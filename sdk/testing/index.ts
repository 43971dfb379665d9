// What a filter's test imports: compiles the filter (once per change, cached) and drives it through the host's own VM and
// chain. `harness("filters/auth", { config })` takes a filter folder, an entry file, a .wasm, or bytes.
import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import {
  Harness,
  Jco,
  kindOf,
  parseRecording,
  ProblemError,
  replayRecording,
  type FilterUnderTest,
  type HarnessOptions,
  type ReplayReport,
  type Transpiled,
} from "../../host/testing.ts";
import { Compiler, type Compiled, type Mode } from "../build/index.ts";
import { defaultProfile } from "./profiles.ts";

export { type Compiled } from "../build/index.ts";
export {
  type GrpcReply,
  type GrpcScript,
  type Problem,
  type ProfileName,
  type ReplayReport,
  type ScriptedGrpcAnswer,
  type ScriptedGrpcStream,
  type SeenGrpcCall,
  type TestConnection,
  type TestExchange,
} from "../../host/testing.ts";
export { describeProfiles } from "./profiles.ts";
export { optionsTable, readmeExamples, readmeOf } from "./readme.ts";
export { Harness, ProblemError };

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

export interface TestOptions extends HarnessOptions {
  readonly config?: unknown;
  readonly options?: FilterUnderTest["options"];
  /** Default debug: compiles fast, traps name their line. */
  readonly mode?: Mode;
}

/** One filter, or several as a chain in the given order. The caller closes the harness. */
export async function harness(
  source: string | Uint8Array | readonly FilterInput[],
  options: TestOptions = {},
): Promise<Harness> {
  const { config, options: filterOptions, mode = "debug", ...rest } = options;
  const inputs: readonly FilterInput[] =
    typeof source === "string" || source instanceof Uint8Array
      ? [{ source, config, ...(filterOptions === undefined ? {} : { options: filterOptions }) }]
      : source;
  const filters: FilterUnderTest[] = [];
  for (const input of inputs) filters.push(await load(input, mode));
  return new Harness(filters, { profile: defaultProfile(), ...rest });
}

/**
 * A new version of one filter of a running harness, as a reload brings it: exchanges under way finish on the old one, state
 * is handed over (`Root.onSnapshot`, `Root.onRestore`; what became of it stands in `handOvers`).
 */
export async function reload(running: Harness, input: FilterInput, mode: Mode = "debug"): Promise<void> {
  running.reload(await load(input, mode));
}

async function load(input: FilterInput, mode: Mode): Promise<FilterUnderTest> {
  const { source, config, options } = input;
  const name = input.name ?? (typeof source === "string" ? nameOf(source) : "filter");
  const wasm = typeof source === "string" ? await moduleOf(source, mode) : source;
  const transpiled = kindOf(wasm) === "component" ? await takenApart(wasm, name) : undefined;
  return { name, wasm, config, ...(transpiled && { transpiled }), ...(options === undefined ? {} : { options }) };
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

async function moduleOf(source: string, mode: Mode): Promise<Uint8Array> {
  if (source.endsWith(".wasm")) return readFile(source);
  return compile(source, mode);
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

/** What a replay is given: a module or where to build it from, and a configuration instead of the recorded one. */
export interface ReplaySource {
  readonly source: string | Uint8Array;
  readonly config?: unknown;
}

/**
 * Runs a recording (a path ending in `.jsonl`, or its text) against one version, which is compared with what was recorded, or
 * against two, which are compared with each other: `expect((await replay("rec.jsonl", "filters/tag")).differing).toBe(0)`.
 */
export async function replay(
  recording: string,
  a: string | Uint8Array | ReplaySource,
  b?: string | Uint8Array | ReplaySource,
): Promise<ReplayReport> {
  const text = recording.endsWith(".jsonl") ? await readFile(recording, "utf8") : recording;
  const inputs = [await replayInput("a", a), ...(b === undefined ? [] : [await replayInput("b", b)])];
  return replayRecording(parseRecording(text), inputs);
}

async function replayInput(name: string, given: string | Uint8Array | ReplaySource) {
  const { source, config } = typeof given === "string" || given instanceof Uint8Array ? { source: given } : given;
  const wasm = typeof source === "string" ? await moduleOf(source, "debug") : source;
  const text = config === undefined || typeof config === "string" ? config : JSON.stringify(config);
  return { name, wasm, ...(text === undefined ? {} : { config: text }) };
}

/** Why the filter refuses `config`, as an operator reads it; null when it accepts. */
export async function refusalOf(source: string | Uint8Array, config: unknown): Promise<string | null> {
  try {
    (await harness(source, { config })).close();
    return null;
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return error.message;
  }
}
