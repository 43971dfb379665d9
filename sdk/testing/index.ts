// What a filter's test imports: compiles the filter (once per change, cached) and drives it through the host's own VM and
// chain. `harness("filters/auth", { config })` takes a filter folder, an entry file, a .wasm, or bytes.
import { readFile } from "node:fs/promises";
import {
  Harness,
  parseRecording,
  ProblemError,
  replayRecording,
  type FilterUnderTest,
  type HarnessOptions,
  type ReplayReport,
} from "../../host/testing.ts";
import type { Mode } from "../build/index.ts";
import { type FilterInput, loadInput } from "./sources.ts";
import { defaultProfile } from "./profiles.ts";

export { type Compiled } from "../build/index.ts";
export { build, compile, type FilterInput } from "./sources.ts";
export { reload } from "./reload.ts";
export {
  describeFault,
  type Failure,
  type ForeignAnswer,
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
  type TestFault,
  type TracedPhase,
} from "../../host/testing.ts";
export { describeProfiles } from "./profiles.ts";
export { optionsTable, readmeExamples, readmeOf } from "./readme.ts";
export { Harness, ProblemError };

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
  for (const input of inputs) filters.push(await loadInput(input, mode));
  return new Harness(filters, {
    profile: defaultProfile(),
    trace: true,
    inject: true,
    announceStreams: false,
    ...rest,
  });
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
  const { wasm } = await loadInput({ source }, "debug");
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
