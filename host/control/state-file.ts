// What survives a restart: every filter's versions (modules by digest), which one was live, and the experiments. Written
// atomically (temporary file, rename), so a crash or a full disk leaves the last good state.
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Jco } from "../module/component/jco.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { ExperimentState } from "./experiment-state.ts";
import type { FilterRecord } from "./filter-record.ts";
import { moduleKeyOf, prepareKnown } from "./prepare-filter.ts";
import type { Version } from "./version.ts";

interface StoredVersion extends Pick<
  Version,
  "label" | "sha256" | "configSha256" | "debugSha256" | "semver" | "build" | "createdAt"
> {
  readonly pluginConfig: string;
}

interface StoredFilter {
  readonly live: string;
  readonly versions: readonly StoredVersion[];
  /** Digests in quarantine; absent in files of earlier releases. */
  readonly blocked?: readonly string[];
}

export interface StoredState {
  readonly v: 1;
  readonly filters: Readonly<Record<string, StoredFilter>>;
  readonly experiments: readonly ExperimentState[];
}

export class StateFile {
  readonly #directory: string;
  readonly #jco: Jco;
  #saved = new Set<string>();

  constructor(directory: string, jco: Jco) {
    this.#directory = directory;
    this.#jco = jco;
  }

  get #path(): string {
    return join(this.#directory, "state.json");
  }

  #modulePath(sha256: string): string {
    return join(this.#directory, "versions", `${sha256}.wasm`);
  }

  /** Null when there is none, or none that can be read (a damaged file is like no file: sources still load). */
  async load(): Promise<StoredState | null> {
    const text = await readFile(this.#path, "utf8").catch(() => null);
    if (text === null) return null;
    try {
      const state = JSON.parse(text) as StoredState;
      return state.v === 1 ? state : null;
    } catch {
      return null;
    }
  }

  async save(records: ReadonlyMap<string, FilterRecord>, experiments: readonly ExperimentState[]): Promise<void> {
    await mkdir(join(this.#directory, "versions"), { recursive: true });
    const filters: Record<string, StoredFilter> = {};
    const named = new Set<string>();
    for (const [name, record] of records) {
      const { live, versions, blocked } = record;
      filters[name] = { live: live?.label ?? "", versions: versions.map(toStored), blocked };
      for (const version of versions) await this.#saveModule(version);
      for (const { sha256 } of versions) named.add(sha256);
    }
    const state: StoredState = { v: 1, filters, experiments };
    await writeAtomically(this.#path, JSON.stringify(state, null, 1));
    await this.#forgetOthers(named);
  }

  /** Modules that no file names any longer: a filter that is reloaded all day would else fill the disk. */
  async #forgetOthers(named: ReadonlySet<string>): Promise<void> {
    for (const sha256 of this.#saved) {
      if (named.has(sha256)) continue;
      this.#saved.delete(sha256);
      // One that cannot be removed costs its room, and nothing else.
      await rm(this.#modulePath(sha256), { force: true }).catch(() => {});
    }
  }

  async #saveModule(version: Version): Promise<void> {
    if (this.#saved.has(version.sha256)) return;
    await writeAtomically(this.#modulePath(version.sha256), version.wasm);
    this.#saved.add(version.sha256);
  }

  /** Brings the versions of a filter back; their modules are read and compiled when first used. */
  restore(record: FilterRecord, stored: StoredFilter): void {
    for (const version of stored.versions) {
      this.#saved.add(version.sha256);
      record.add(this.#lazyVersion(version, { ...record.options, pluginConfig: version.pluginConfig }));
    }
    for (const digests of stored.blocked ?? []) record.block(digests);
    const live = record.versions.find((version) => version.label === stored.live);
    if (live !== undefined) record.setLive(live);
  }

  #lazyVersion(stored: StoredVersion, options: FilterOptions): Version {
    const { pluginConfig: _kept, ...names } = stored;
    const wasm = once(() => readFileSync(this.#modulePath(stored.sha256)));
    const prepared = once(() => prepareKnown(wasm(), options, this.#jco));
    return {
      ...names,
      map: null,
      startFuel: null,
      moduleKey: moduleKeyOf(stored.sha256, options),
      options,
      get wasm() {
        return wasm();
      },
      get module() {
        return prepared().module;
      },
      get offsets() {
        return prepared().offsets;
      },
    };
  }
}

function toStored({
  label,
  sha256,
  configSha256,
  debugSha256,
  semver,
  build,
  createdAt,
  options,
}: Version): StoredVersion {
  return { label, sha256, configSha256, debugSha256, semver, build, createdAt, pluginConfig: options.pluginConfig };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

let writes = 0;

async function writeAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.${writes++}.tmp`;
  try {
    await writeFile(temporary, content);
    const file = await open(temporary, "r+");
    await file.sync().finally(() => file.close());
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
