// Loads a configuration into the running proxy: parse, build every filter it changes, commit once, then keep it. Whatever
// fails before the commit leaves the old configuration serving.
import { ProblemError, problemError, toProblems, type Problem } from "../base/problem.ts";
import { diffConfig } from "../config/diff.ts";
import { parseConfig } from "../config/load.ts";
import type { ProxyConfig } from "../config/options.ts";
import type { FilterOptions } from "../plugin/options.ts";
import { declaredExperiments } from "./declared.ts";
import type { ExperimentState } from "./experiment-state.ts";
import { commitWish, firstMode, type Runtime } from "./runtime.ts";
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

/** A configuration with what was built for it. */
interface Loaded {
  readonly config: ProxyConfig;
  readonly live: ReadonlyMap<string, Version>;
  readonly experiments: ReadonlyMap<string, ExperimentState>;
}

export class ConfigDesk {
  readonly #runtime: Runtime;
  readonly #source: ConfigSource;
  readonly #kept: (config: ProxyConfig) => void;

  /** @param kept is told of every configuration that was loaded */
  constructor(runtime: Runtime, source: ConfigSource, kept: (config: ProxyConfig) => void = () => {}) {
    this.#runtime = runtime;
    this.#source = source;
    this.#kept = kept;
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
      if (dryRun) return { changed: false, changes, warnings };
      const pinned = needsRestart(runtime.config, config);
      changes.push(...(await runtime.serial.run(() => this.#apply(text, config))));
      if (changes.length === 0) return { changed: false, changes, warnings };
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

  /**
   * Certificate files have changed: the configuration that runs is read again, with what they hold now. Nothing else of it
   * is touched. Never rejects: what is wrong is said in an event, and what was read before keeps serving.
   */
  async refreshCertificates(): Promise<void> {
    const runtime = this.#runtime;
    await runtime.serial.run(async () => {
      try {
        const { config } = await readConfig(runtime.configText, this.#source);
        const fresh = { ...runtime.config, listeners: config.listeners, clusters: config.clusters };
        const changes = diffConfig(runtime.config, fresh);
        if (changes.length === 0) return;
        await commitWish(runtime, { config: fresh });
        runtime.config = fresh;
        const text = `config  certificates read again: ${changes.join("; ")}`;
        runtime.events.emit({ type: "config", text, data: { changes } });
      } catch (error) {
        const text = "config  changed certificates refused, the old ones keep serving";
        runtime.events.emit({ type: "config-refused", text, problems: toProblems(error) });
      }
    });
  }

  /** @returns what changed besides the text: sources that are not what they were */
  async #apply(text: string, config: ProxyConfig): Promise<readonly string[]> {
    const runtime = this.#runtime;
    const live = new Map<string, Version>();
    const problems: Problem[] = [];
    const changes: string[] = [];
    for (const options of config.filters) {
      const known = runtime.book.records.get(options.name);
      const built = await this.#build(options).catch((error: unknown) => void problems.push(...toProblems(error)));
      if (built === undefined || built === null) continue;
      const sameOptions = known !== undefined && JSON.stringify(known.options) === JSON.stringify(options);
      // A version that was uploaded or swapped in stays live while source and options are what they were.
      if (sameOptions && known.fromSource === built.label) continue;
      if (sameOptions) changes.push(`filter ${options.name} changed: source`);
      live.set(options.name, built);
    }
    if (problems.length > 0) throw new ProblemError(problems);
    const experiments = await declaredExperiments(runtime, config);
    await commitWish(runtime, { config, live, experiments });
    this.#keep(text, { config, live, experiments });
    return changes;
  }

  /** Null for a filter that only uploads will fill. */
  async #build(options: FilterOptions): Promise<Version | null> {
    if (options.source === "") return null;
    return (await this.#runtime.book.build({ options, mode: firstMode(this.#runtime, options) })).version;
  }

  #keep(text: string, { config, live, experiments }: Loaded): void {
    const runtime = this.#runtime;
    runtime.experiments.clear();
    for (const [name, experiment] of experiments) runtime.experiments.set(name, experiment);
    if (config.logLevel !== runtime.config.logLevel) runtime.threads.setLogLevel(config.logLevel);
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
      if (record.live !== null && record.live.label !== version.label)
        runtime.ears.swapped(options.name, version.label);
      record.add(version);
      record.setLive(version);
      record.fromSource = version.label;
      record.problems = [];
    }
    const named = new Set(config.filters.map((options) => options.name));
    for (const name of runtime.book.records.keys()) if (!named.has(name)) runtime.book.records.delete(name);
    this.#kept(config);
    runtime.keeper.soon();
    runtime.ears.changed();
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
