// One compilation with asc, in this process and in memory. Runs in the child process only: an internal error of asc
// calls `process.exit` (asc.js), which must not end the caller.
import { readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import asc, { type DiagnosticMessage } from "assemblyscript/asc";
import { diagnosticAt, diagnosticOf, type SourceText } from "./diagnostics.ts";
import { type Files, hashOf } from "./files.ts";
import { ConfigTransform } from "./transforms/config.ts";
import { PruneExports } from "./transforms/prune.ts";
import { RecycleTransform } from "./transforms/recycle.ts";
import type { Diagnostic, Mode } from "./types.ts";

/** What to compile. */
export interface AscJob {
  /** Absolute path. */
  readonly entry: string;
  readonly mode: Mode | "check";
}

export interface AscResult {
  /** null when there are errors, and in mode `check`. */
  readonly wasm: Uint8Array | null;
  readonly map: Uint8Array | null;
  readonly diagnostics: readonly Diagnostic[];
  /** Real paths of all files read, and their hashes. */
  readonly files: Files;
  readonly pluginName: string;
  readonly kind: "http" | "tcp" | "both";
  readonly schema: object | null;
}

const ABORT = "~lib/@sluice/sdk/assembly/abort/sluiceAbort";
const FLAGS = ["--runtime", "incremental", "--exportStart", "_initialize", "--initialMemory", "2", "--use", `abort=${ABORT}`];
// Optimise level 3, shrink level 1: 11 % smaller than shrink level 0, and not slower (65 against 70 ns for a header
// callback without the host), because less is inlined where it does not pay.
const RELEASE = ["-O3", "--shrinkLevel", "1"];
const CATEGORIES = ["info", "info", "warning", "error"] as const;

/** The folder names in the binary and the map are relative to: the filter's, so that a build knows no machine. */
export function baseOf(entry: string): string {
  const folder = dirname(entry);
  return basename(folder) === "assembly" ? dirname(folder) : folder;
}

/** Compiles `job.entry`. Never throws for mistakes in the source. */
export async function runAsc(job: AscJob): Promise<AscResult> {
  const base = baseOf(job.entry);
  const reader = new FileReader(base);
  const config = new ConfigTransform();
  const prune = new PruneExports();
  const outputs = new Map<string, Uint8Array>();
  const messages: DiagnosticMessage[] = [];
  const name = `${basename(base)}.wasm`;
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main([relative(base, job.entry), "--baseDir", base, ...FLAGS, ...modeFlags(job.mode, name)], {
    stdout: asc.createMemoryStream(),
    stderr,
    // asc takes instances too; its type knows only its own base class.
    transforms: [config, new RecycleTransform(), prune] as never,
    readFile: (file, folder) => reader.read(file, folder),
    writeFile: (file, content) => void outputs.set(file, Buffer.from(content as Uint8Array)),
    listFiles: () => [],
    reportDiagnostic: (message) => void messages.push(message),
  });
  const diagnostics = [
    ...config.problems.map((one) => diagnosticAt(reader.source(one.range.source.normalizedPath), one.range, one)),
    ...messages.map((message) => toDiagnostic(message, reader, job.entry)),
  ];
  if (error !== null && !diagnostics.some((one) => one.category === "error")) {
    diagnostics.push(diagnosticOf(job.entry, error.message));
  }
  return {
    wasm: error === null ? (outputs.get(name) ?? null) : null,
    map: plainMap(outputs.get(`${name}.map`)),
    diagnostics,
    files: reader.files(),
    pluginName: config.pluginName,
    kind: prune.kinds.length === 1 && prune.kinds[0] !== undefined ? prune.kinds[0] : "both",
    schema: config.schema,
  };
}

/** The map with paths relative to the base folder: asc invents a root folder named after the output. */
function plainMap(map: Uint8Array | undefined): Uint8Array | null {
  if (map === undefined) return null;
  return Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(map).toString()) as object), sourceRoot: "" }));
}

function modeFlags(mode: AscJob["mode"], name: string): string[] {
  if (mode === "check") return ["--noEmit"];
  return ["--outFile", name, "--sourceMap", "--debug", ...(mode === "release" ? RELEASE : [])];
}

function toDiagnostic(message: DiagnosticMessage, reader: FileReader, entry: string): Diagnostic {
  const category = CATEGORIES[message.category] ?? "error";
  if (message.range === null) return { ...diagnosticOf(entry, message.message), code: message.code, category };
  const source = reader.source(message.range.source.normalizedPath);
  return diagnosticAt(source, message.range, { message: message.message, code: message.code, category });
}

/** Reads for asc, and remembers what was read under which name. */
class FileReader {
  readonly #base: string;
  readonly #read = new Map<string, SourceText>();

  constructor(base: string) {
    this.#base = base;
  }
  read(file: string, folder: string): string | null {
    // A asconfig.json above the filter would change the build behind our back.
    if (basename(file) === "asconfig.json") return null;
    const path = resolve(folder, file);
    try {
      const text = readFileSync(path, "utf8");
      this.#read.set(path, { path: realpathSync(path), text });
      return text;
    } catch {
      return null;
    }
  }
  files(): Files {
    const found = [...this.#read.values()].map((one) => [one.path, hashOf(one.text)] as const);
    return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  /** The source asc calls `name`: relative to the base, or `~lib/package/file.ts`. */
  source(name: string): SourceText {
    const own = this.#read.get(join(this.#base, name));
    if (own !== undefined) return own;
    const library = `/node_modules/${name.replace(/^~lib\//, "")}`;
    const found = [...this.#read].find(([path]) => path.replaceAll("\\", "/").endsWith(library));
    return found?.[1] ?? { path: name, text: asc.libraryFiles[name.replace(/^~lib\/|\.ts$/g, "")] ?? "" };
  }
}
