// A suite file -> a suite ready to play. The ending of its name says how it is written.
import { readFile } from "node:fs/promises";
import { dirname, extname, isAbsolute, join, relative } from "node:path";
import { problemError, ProblemError } from "../base/problem.ts";
import { bindSuite } from "./bind.ts";
import type { RawMessage } from "./raw.ts";
import { Preparer, type ReadyTest } from "./ready.ts";
import type { LogLevel, SuiteEnv } from "./schema.ts";
import { Source } from "./source.ts";
import { parseTextpb } from "./textpb.ts";

export interface SuiteFile {
  /** As people name it: relative to the working directory. */
  readonly file: string;
  /** Absolute, or "" when the suite names none. */
  readonly wasmPath: string;
  readonly configPath: string;
  /** Absolute, `/dev/stdout`, `/dev/stderr`, or "". */
  readonly logPath: string;
  /** Lowest level seen, as the ABI counts them, 0..5. */
  readonly logLevel: number;
  /** Wall clock of every test, ms since the Unix epoch. */
  readonly clockMs: number;
  /** Streams that live beside a benchmark's, and how many of them move per round. */
  readonly moreStreams: number;
  readonly advanceRate: number;
  readonly tests: readonly ReadyTest[];
}

const TEXT = new Set([".textpb", ".textproto", ".txtpb", ".pbtxt", ".prototxt"]);

const LEVELS: Readonly<Record<LogLevel, number>> = {
  // Google's runner: unset means INFO.
  UNDEFINED: 2,
  TRACE: 0,
  DEBUG: 1,
  INFO: 2,
  WARN: 3,
  ERROR: 4,
  CRITICAL: 5,
};
const DEFAULT_ADVANCE_RATE = 3;

async function parse(source: Source, ending: string): Promise<RawMessage> {
  if (TEXT.has(ending)) return parseTextpb(source);
  return (await import("./yaml.ts")).parseYaml(source);
}

async function readText(path: string, shown: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw problemError("config", "no_suite", `${shown} cannot be read (${reason})`);
  }
}

/** @param path absolute @throws ProblemError with everything that is wrong, each with its place */
export async function loadSuite(path: string, cwd: string): Promise<SuiteFile> {
  const shown = relative(cwd, path);
  const source = new Source(shown, await readText(path, shown));
  const suite = bindSuite(await parse(source, extname(path).toLowerCase()), source);
  const preparer = new Preparer(source, dirname(path));
  const tests = suite.test.map((test) => preparer.test(test));
  if (preparer.problems.length > 0) throw new ProblemError(preparer.problems);
  return { file: shown, ...readEnv(suite.env, dirname(path)), tests };
}

function readEnv(env: SuiteEnv | undefined, folder: string): Omit<SuiteFile, "file" | "tests"> {
  const absolute = (path = ""): string => (path === "" || isAbsolute(path) ? path : join(folder, path));
  return {
    wasmPath: absolute(env?.wasm_path),
    configPath: absolute(env?.config_path),
    logPath: absolute(env?.log_path),
    logLevel: LEVELS[env?.log_level ?? "UNDEFINED"],
    clockMs: (env?.time_secs ?? 0) * 1000,
    moreStreams: env?.num_additional_streams ?? 0,
    advanceRate: env?.additional_stream_advance_rate || DEFAULT_ADVANCE_RATE,
  };
}
