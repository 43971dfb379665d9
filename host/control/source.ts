// Where a filter's module comes from: compiled from a `.ts` entry, read from a `.wasm`, fetched by https. Bytes with a
// stated digest are checked before anything parses them.
import { MAX_MODULE_BYTES } from "../abi/limits.ts";
import { readFile } from "node:fs/promises";
import { sha256Hex } from "../base/hash.ts";
import { ProblemError, problemError, type Problem } from "../base/problem.ts";
import type { FilterOptions } from "../plugin/options.ts";
import { BuildError, codeName, type Compiled, type Compiler } from "../../sdk/build/index.ts";
import type { VersionInfo } from "./types.ts";

export interface LoadedSource {
  readonly wasm: Uint8Array;
  readonly map: Uint8Array | null;
  readonly build: VersionInfo["build"];
  /** Files whose change means a reload. */
  readonly watched: readonly string[];
  /** ms spent compiling; 0 from the cache. */
  readonly millis: number;
}

const FETCH_TIMEOUT_MS = 30_000;

export const isCompiled = (source: string): boolean => source.endsWith(".ts");

/** @throws ProblemError with what the compiler, the file system or the digest check said */
export async function loadSource(
  options: FilterOptions,
  compiler: Compiler,
  mode: "debug" | "release",
): Promise<LoadedSource> {
  const { source } = options;
  if (isCompiled(source)) return compileSource(source, compiler, mode);
  const wasm = source.startsWith("https://") ? await fetchModule(source) : await readModule(options.name, source);
  checkDigest(options, wasm);
  return { wasm, map: null, build: "wasm", watched: source.startsWith("https://") ? [] : [source], millis: 0 };
}

async function compileSource(source: string, compiler: Compiler, mode: "debug" | "release"): Promise<LoadedSource> {
  try {
    return fromCompiled(await compiler.compile(source, { mode }));
  } catch (error) {
    if (error instanceof BuildError) throw new ProblemError(error.diagnostics.map(toProblem), { cause: error });
    throw error;
  }
}

function fromCompiled({ wasm, map, mode, sources, millis }: Compiled): LoadedSource {
  return { wasm, map, build: mode === "debug" ? "debug" : "optimised", watched: sources, millis };
}

function toProblem(diagnostic: BuildError["diagnostics"][number]): Problem {
  const { message, code, file, line, column, endColumn, frame } = diagnostic;
  return {
    kind: "compile",
    code: code === 0 ? "build" : codeName(code),
    message,
    file,
    line,
    column,
    endColumn,
    frame,
  };
}

async function readModule(name: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw problemError("config", "source_unreadable", `filter ${name}: cannot read ${path}: ${reason}`, { file: path });
  }
}

async function fetchModule(url: string): Promise<Uint8Array> {
  const answer = await fetch(url, { redirect: "follow", signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) }).catch(
    (error: unknown) => {
      throw problemError("config", "source_unreachable", `cannot fetch ${url}: ${String(error)}`);
    },
  );
  if (!answer.ok) throw problemError("config", "source_unreachable", `${url} answered ${answer.status}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (bytes.length > MAX_MODULE_BYTES)
    throw problemError(
      "config",
      "module_too_large",
      `${url} is ${bytes.length} bytes; the limit is ${MAX_MODULE_BYTES}`,
    );
  return bytes;
}

function checkDigest({ name, source, sha256 }: FilterOptions, wasm: Uint8Array): void {
  const found = sha256Hex(wasm);
  if (sha256 === "" || found === sha256) return;
  const message = `filter ${name}: ${source} has sha256 ${found}, the config says ${sha256}`;
  throw problemError("config", "wrong_sha256", message, {
    hint: "update sha256 if the change is wanted; otherwise somebody changed the file",
  });
}
