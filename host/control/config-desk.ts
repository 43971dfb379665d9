// Loads a configuration into the running proxy: parse, build every filter it changes, commit once, then keep it. Whatever
// fails before the commit leaves the old configuration serving.
import { ProblemError, problemError, toProblems, type Problem } from "../base/problem.ts";
import { diffConfig } from "../config/diff.ts";
import { parseConfig } from "../config/load.ts";
import type { ProxyConfig } from "../config/options.ts";
import type { FilterOptions } from "../plugin/options.ts";
import { commitWish, firstMode, persist, type Runtime } from "./runtime.ts";
import type { LoadResult } from "./types.ts";
import type { Version } from "./version.ts";

export interface ConfigSource {
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Command-line flags that outrank the file. */
  readonly adjust: (config: ProxyConfig) => ProxyConfig;
}

/** @throws ProblemError */
export async function readConfig(
  text: string,
  source: ConfigSource,
): Promise<{ config: ProxyConfig; warnings: readonly Problem[] }> {
  const { config, warnings } = await parseConfig(text, { path: source.path, env: source.env });
  return { config: source.adjust(config), warnings };
}

export class ConfigDesk {
  readonly #runtime: Runtime;
  readonly #source: ConfigSource;

  constructor(runtime: Runtime, source: ConfigSource) {
    this.#runtime = runtime;
    this.#source = source;
  }

  get path(): string {
    return this.#source.path;
  }

  /** @throws ProblemError with every problem; the old configuration keeps serving */
  async load(text: string, options: { path?: string; dryRun?: boolean } = {}): Promise<LoadResult> {
    const runtime = this.#runtime;
    const { path = this.#source.path, dryRun = false } = options;
    try {
      const { config, warnings } = await readConfig(text, { ...this.#source, path });
      const changes = diffConfig(runtime.config, config);
      if (dryRun || changes.length === 0) return { changed: !dryRun && changes.length > 0, changes, warnings };
      const pinned = needsRestart(runtime.config, config);
      await runtime.serial.run(() => this.#apply(text, config));
      const said = changes.length === 1 ? changes[0] : `${changes.length} changes`;
      runtime.events.emit({ type: "config", text: `config  loaded: ${said}`, data: { changes } });
      return { changed: true, changes, warnings: [...warnings, ...pinned] };
    } catch (error) {
      const problems = toProblems(error);
      if (!dryRun)
        runtime.events.emit({ type: "config-refused", text: "config  refused, the old one keeps serving", problems });
      throw error;
    }
  }

  async #apply(text: string, config: ProxyConfig): Promise<void> {
    const runtime = this.#runtime;
    const { book } = runtime;
    const live = new Map<string, Version>();
    const problems: Problem[] = [];
    for (const options of config.filters) {
      const known = book.records.get(options.name);
      if (known !== undefined && JSON.stringify(known.options) === JSON.stringify(options)) continue;
      const built = await this.#build(options).catch((error: unknown) => void problems.push(...toProblems(error)));
      if (built !== undefined && built !== null) live.set(options.name, built);
    }
    if (problems.length > 0) throw new ProblemError(problems);
    await commitWish(runtime, { config, live });
    this.#keep(text, config, live);
  }

  /** Null for a filter that only uploads will fill. */
  async #build(options: FilterOptions): Promise<Version | null> {
    if (options.source === "") return null;
    return (await this.#runtime.book.build({ options, mode: firstMode(this.#runtime, options) })).version;
  }

  #keep(text: string, config: ProxyConfig, live: ReadonlyMap<string, Version>): void {
    const runtime = this.#runtime;
    runtime.config = {
      ...config,
      admin: runtime.config.admin,
      workers: runtime.config.workers,
      stateDir: runtime.config.stateDir,
    };
    runtime.configText = text;
    for (const options of config.filters) {
      const record = runtime.book.ensure(options);
      record.options = options;
      const version = live.get(options.name);
      if (version === undefined) continue;
      record.add(version);
      record.setLive(version);
      record.problems = [];
    }
    const named = new Set(config.filters.map((options) => options.name));
    for (const name of runtime.book.records.keys()) if (!named.has(name)) runtime.book.records.delete(name);
    void runtime.serial.run(() => persist(runtime));
  }
}

/** What a running process cannot change: said, not silently ignored. */
function needsRestart(before: ProxyConfig, after: ProxyConfig): readonly Problem[] {
  const pinned: Problem[] = [];
  const differs = (what: string, a: unknown, b: unknown): void => {
    if (JSON.stringify(a) === JSON.stringify(b)) return;
    pinned.push(
      ...problemError("config", "needs_restart", `${what} changed; it takes effect at the next start`).problems,
    );
  };
  differs("admin", before.admin, after.admin);
  differs("workers", before.workers, after.workers);
  differs("stateDir", before.stateDir, after.stateDir);
  return pinned;
}
