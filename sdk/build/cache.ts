// The build cache on disk, content-addressed. A small manifest per (entry, mode) lists the files that were read, with
// their hashes; if all still match, the stored result is the build. No compiler is loaded for that.
//
//   manifest-<sha of entry, mode>.json  ->  { key, files: { path: sha }, result: <sha> }
//   <sha>.wasm  <sha>.map  <sha>.json
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildResult } from "./build-filter.ts";
import { ABSENT, type Files, hashOf } from "./files.ts";
import type { Diagnostic, FilterInfo, Mode } from "./types.ts";
import { versions } from "./versions.ts";

interface Manifest {
  /** SDK, asc and tool that built it. */
  readonly key: string;
  readonly files: Files;
  readonly result: string;
}
/** A result that may be stored: one without errors. */
export interface Built extends BuildResult {
  readonly wasm: Uint8Array;
  readonly info: FilterInfo;
}

const idOf = (...parts: string[]): string => hashOf(parts.join("\0"));
const hashOfFile = (path: string): Promise<string> => readFile(path).then(hashOf, () => ABSENT);
const toolKey = (): string => Object.values(versions()).join(" ");

/** One folder; several processes may share it, since every write is a rename. */
export class BuildCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }
  /** The build of `entry`, if nothing it depends on has changed. Anything unreadable is a miss. */
  async find(entry: string, mode: Mode): Promise<Built | null> {
    try {
      const manifest = JSON.parse(await readFile(this.#manifest(entry, mode), "utf8")) as Manifest;
      if (manifest.key !== toolKey()) return null;
      const files = Object.entries(manifest.files);
      const same = await Promise.all(files.map(async ([path, sha]) => (await hashOfFile(path)) === sha));
      return same.every(Boolean) ? await this.#load(manifest.result, manifest.files) : null;
    } catch {
      return null;
    }
  }
  /** Keeps a build. */
  async keep(entry: string, mode: Mode, built: Built): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const rest = JSON.stringify({ info: built.info, diagnostics: built.diagnostics });
    const result = idOf(hashOf(built.wasm), hashOf(built.map ?? ""), rest);
    await this.#write(`${result}.wasm`, built.wasm);
    if (built.map !== null) await this.#write(`${result}.map`, built.map);
    await this.#write(`${result}.json`, rest);
    const manifest: Manifest = { key: toolKey(), files: built.files, result };
    await this.#write(this.#manifestName(entry, mode), JSON.stringify(manifest));
  }

  #manifestName(entry: string, mode: Mode): string {
    return `manifest-${idOf(entry, mode).slice(0, 32)}.json`;
  }
  #manifest(entry: string, mode: Mode): string {
    return join(this.#folder, this.#manifestName(entry, mode));
  }
  async #load(result: string, files: Files): Promise<Built> {
    const path = (ending: string): string => join(this.#folder, `${result}.${ending}`);
    const rest = JSON.parse(await readFile(path("json"), "utf8")) as { info: FilterInfo; diagnostics: Diagnostic[] };
    const wasm = await readFile(path("wasm"));
    const map = await readFile(path("map")).catch(() => null);
    return { wasm, map, files, ...rest };
  }
  async #write(name: string, content: string | Uint8Array): Promise<void> {
    const temporary = join(this.#folder, `.${name}.${randomUUID()}`);
    await writeFile(temporary, content);
    await rename(temporary, join(this.#folder, name));
  }
}
