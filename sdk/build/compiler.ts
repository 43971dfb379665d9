// The compiler as its callers see it: a queue in front of one warm child process, and a cache in front of the queue.
// Debug builds overtake waiting release builds: the one is what a person waits for, the other runs in the background.
import { diagnosticOf } from "./diagnostics.ts";
import { BuildCache, type Built } from "./cache.ts";
import type { BuildJob, BuildResult } from "./build-filter.ts";
import { presentFiles } from "./files.ts";
import { BuildError, type Compiled, type CompileOptions, type CompilerOptions, type Mode } from "./types.ts";
import { versions } from "./versions.ts";
import { CompilerCrash, Worker } from "./worker.ts";

const IDLE_MS = 300_000;

interface Queued {
  readonly job: BuildJob | null;
  readonly resolve: (result: BuildResult | null) => void;
  readonly reject: (error: unknown) => void;
}

/** Owns its child process: `close()` it. */
export class Compiler {
  readonly #worker: Worker;
  readonly #cache: BuildCache | null;
  readonly #queue: Queued[] = [];
  #busy = false;
  #closed = false;

  constructor(options: CompilerOptions = {}) {
    this.#worker = new Worker(options.idleMs ?? IDLE_MS);
    this.#cache = options.cacheDir === undefined ? null : new BuildCache(options.cacheDir);
  }
  /** Process id of the compiler process; null when none runs. */
  get pid(): number | null {
    return this.#worker.pid;
  }
  /** Starts the child and loads asc (about a second), so that the first compile is fast. */
  async warm(): Promise<void> {
    await this.#enqueue(null);
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
    const { sdk, asc } = versions();
    const built = await this.#enqueue({ entry, mode, sdk, asc }, options.signal);
    if (!isBuilt(built)) throw new BuildError(built?.diagnostics ?? [], presentFiles(built?.files ?? {}));
    await this.#cache?.keep(entry, mode, built);
    return finished(built, { mode, cached: false, started });
  }
  /** Whether a build is in the cache: `compile` would answer without the child. */
  async has(entry: string, mode: Mode): Promise<boolean> {
    return ((await this.#cache?.find(entry, mode)) ?? null) !== null;
  }
  /** Ends the child; what waits is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const one of this.#queue.splice(0)) one.reject(new Error("the compiler was closed"));
    this.#worker.stop();
    await Promise.resolve();
  }

  #enqueue(job: BuildJob | null, signal?: AbortSignal): Promise<BuildResult | null> {
    if (this.#closed) return Promise.reject(new Error("the compiler was closed"));
    return new Promise((resolve, reject) => {
      const queued: Queued = { job, resolve, reject };
      const first = this.#queue.findIndex((one) => one.job?.mode === "release");
      if (job?.mode === "release" || first < 0) this.#queue.push(queued);
      else this.#queue.splice(first, 0, queued);
      // A running job cannot be stopped; its result is simply not awaited any more.
      signal?.addEventListener("abort", () => this.#giveUp(queued, signal.reason), { once: true });
      void this.#work();
    });
  }
  #giveUp(queued: Queued, reason: unknown): void {
    const place = this.#queue.indexOf(queued);
    if (place >= 0) this.#queue.splice(place, 1);
    queued.reject(reason);
  }
  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      try {
        next.resolve(await this.#worker.run(next.job));
      } catch (error) {
        next.reject(error instanceof CompilerCrash ? crashed(next.job, error) : error);
      }
    }
    this.#busy = false;
  }
}

function crashed(job: BuildJob | null, crash: CompilerCrash): BuildError {
  const entry = job?.entry ?? "start-up";
  const output = crash.message === "" ? "" : `\n${crash.message}`;
  return new BuildError([diagnosticOf(entry, `compiler crashed on ${entry}${output}`)]);
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
