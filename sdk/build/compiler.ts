// The compiler as its callers see it: a cache in front of one warm child process, or of two: an author at work does not
// wait for the optimised build of the last save, which runs in a process of its own that steps back for everybody else.
import { BuildCache, type Built } from "./cache.ts";
import type { BuildResult } from "./build-filter.ts";
import { diagnosticOf } from "./diagnostics.ts";
import { presentFiles } from "./files.ts";
import { Lane } from "./lane.ts";
import { BuildError, type Compiled, type CompileOptions, type CompilerOptions, type Mode } from "./types.ts";
import { ASC_VERSION, type Versions, versions } from "./versions.ts";

const IDLE_MS = 300_000;
/** The background process is only warm while somebody saves: it is as large as the other. */
const BACKGROUND_IDLE_MS = 30_000;
const BACKGROUND_NICE = 10;

/** Owns its child processes: `close()` it. */
export class Compiler {
  readonly #main: Lane;
  readonly #release: Lane;
  readonly #cache: BuildCache | null;

  constructor(options: CompilerOptions = {}) {
    const { idleMs = IDLE_MS, backgroundRelease = false, cacheDir } = options;
    this.#main = new Lane(idleMs, 0);
    this.#release = backgroundRelease ? new Lane(Math.min(idleMs, BACKGROUND_IDLE_MS), BACKGROUND_NICE) : this.#main;
    this.#cache = cacheDir === undefined ? null : new BuildCache(cacheDir);
  }
  /** Process id of the compiler process; null when none runs. */
  get pid(): number | null {
    return this.#main.pid;
  }
  /** Starts the child and loads asc (about a second), so that the first compile is fast. */
  async warm(): Promise<void> {
    await this.#main.enqueue(null);
  }
  /**
   * Builds the filter whose entry is `entry` (absolute path). Rejects with BuildError for mistakes in the source, and
   * with the signal's reason when it is given up.
   */
  async compile(entry: string, options: CompileOptions): Promise<Compiled> {
    const started = performance.now();
    options.signal?.throwIfAborted();
    const { mode } = options;
    const cached = (await this.#cache?.find(entry, mode)) ?? null;
    if (cached !== null) return finished(cached, { mode, cached: true, started });
    options.signal?.throwIfAborted();
    const { sdk, asc } = toolsFor(entry);
    const lane = mode === "release" ? this.#release : this.#main;
    const built = await lane.enqueue({ entry, mode, sdk, asc }, options.signal);
    if (!isBuilt(built)) throw new BuildError(built?.diagnostics ?? [], presentFiles(built?.files ?? {}));
    await this.#cache?.keep(entry, mode, built);
    return finished(built, { mode, cached: false, started });
  }
  /** Whether a build is in the cache: `compile` would answer without the child. */
  async has(entry: string, mode: Mode): Promise<boolean> {
    return ((await this.#cache?.find(entry, mode)) ?? null) !== null;
  }
  /** Ends the processes; what waits is rejected. */
  async close(): Promise<void> {
    this.#main.close();
    this.#release.close();
    await Promise.resolve();
  }
}

/** @throws BuildError when there is no compiler */
function toolsFor(entry: string): Pick<Versions, "sdk" | "asc"> {
  try {
    return versions();
  } catch (error) {
    const fix = `npm install --save-dev assemblyscript@${ASC_VERSION}`;
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new BuildError([diagnosticOf(entry, `the AssemblyScript compiler is not installed; run: ${fix}`)]);
  }
}

function isBuilt(result: BuildResult | null): result is Built {
  return result !== null && result.info !== null && result.wasm !== null;
}

function finished(built: Built, how: { mode: Mode; cached: boolean; started: number }): Compiled {
  return {
    wasm: built.wasm,
    map: built.map,
    schema: built.info.schema,
    info: built.info,
    diagnostics: built.diagnostics,
    sources: presentFiles(built.files),
    millis: performance.now() - how.started,
    cached: how.cached,
    mode: how.mode,
  };
}
