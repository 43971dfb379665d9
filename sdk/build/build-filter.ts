// A whole build in the child process: compile, look at the result, add the `sluice` section.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type AscResult, baseOf, runAsc } from "./asc.ts";
import { diagnosticAt, diagnosticOf } from "./diagnostics.ts";
import { ABSENT, type Files, hashOf } from "./files.ts";
import { inspect, type ShapeProblem } from "./inspect.ts";
import { slimNames } from "./names.ts";
import type { Diagnostic, FilterInfo, Mode } from "./types.ts";
import { appendSection, literals } from "./wasm.ts";

export interface BuildJob {
  readonly entry: string;
  readonly mode: Mode;
  readonly sdk: string;
  readonly asc: string;
}

/** What the child sends back, and what the cache keeps. `info` is null exactly when there are errors. */
export interface BuildResult {
  readonly wasm: Uint8Array | null;
  readonly map: Uint8Array | null;
  readonly info: FilterInfo | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly files: Files;
}

/** Builds `job.entry`; mistakes of the author are diagnostics, not exceptions. */
export async function buildFilter(job: BuildJob): Promise<BuildResult> {
  const compiled = await runAsc(job);
  const described = readDescription(job.entry);
  const files = { ...compiled.files, ...described.files };
  const failed = (diagnostics: readonly Diagnostic[]): BuildResult => ({ wasm: null, map: null, info: null, diagnostics, files });
  if (compiled.wasm === null) return failed(compiled.diagnostics);
  const shape = inspect(compiled.wasm);
  if (shape.problems.length > 0) return failed(shape.problems.map((one) => placed(one, job.entry, compiled.files)));
  const info = infoOf(job, compiled, { ...described, ...shape, extras: literals(compiled.wasm, /^sluice\.[a-z_]+$/) });
  return {
    wasm: appendSection(slimNames(compiled.wasm), "sluice", JSON.stringify(info)),
    map: compiled.map,
    info,
    diagnostics: compiled.diagnostics,
    files,
  };
}

/** Where the author declares the function that no host has. */
function placed({ message, name }: ShapeProblem, entry: string, files: Files): Diagnostic {
  if (name === null) return diagnosticOf(entry, message);
  const declared = new RegExp(`declare\\s+function\\s+(${name.replaceAll("$", "\\$")})\\b`);
  for (const path of Object.keys(files).filter((one) => !one.includes("node_modules"))) {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    const found = declared.exec(text);
    if (found === null) continue;
    const end = found.index + found[0].length;
    return diagnosticAt({ path, text }, { start: end - name.length, end }, { message });
  }
  return diagnosticOf(entry, message);
}

interface Seen {
  readonly name: string | null;
  readonly version: string;
  readonly callbacks: readonly string[];
  readonly hostCalls: readonly string[];
  readonly extras: readonly string[];
}

function infoOf(job: BuildJob, compiled: AscResult, seen: Seen): FilterInfo {
  return {
    v: 1,
    name: seen.name ?? compiled.pluginName,
    version: seen.version,
    sdk: job.sdk,
    asc: job.asc,
    kind: compiled.kind,
    callbacks: seen.callbacks,
    hostCalls: seen.hostCalls,
    extras: seen.extras,
    schema: compiled.schema,
  };
}

interface Description {
  readonly name: string | null;
  readonly version: string;
  readonly files: Files;
}

/** Name and version from the `filter.json` beside the entry or above `assembly/`. */
function readDescription(entry: string): Description {
  const files: Record<string, string> = {};
  for (const folder of new Set([dirname(entry), baseOf(entry)])) {
    const file = join(folder, "filter.json");
    const text = existsSync(file) ? readFileSync(file, "utf8") : null;
    files[file] = text === null ? ABSENT : hashOf(text);
    if (text !== null) return { ...parseDescription(text), files };
  }
  return { name: null, version: "0.0.0", files };
}

function parseDescription(text: string): { name: string | null; version: string } {
  try {
    const { name, version } = Object(JSON.parse(text)) as { name?: unknown; version?: unknown };
    return { name: typeof name === "string" ? name : null, version: typeof version === "string" ? version : "0.0.0" };
  } catch {
    // Whoever reads the rest of it complains with the place; the build needs only these two words.
    return { name: null, version: "0.0.0" };
  }
}
