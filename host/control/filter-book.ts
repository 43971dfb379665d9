// All filters the config names: builds their versions from their sources and keeps the record of each.
import type { Clock } from "../base/clock.ts";
import { sha256Hex } from "../base/hash.ts";
import { problemError } from "../base/problem.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { Jco } from "../module/component/jco.ts";
import type { Compiler } from "../../sdk/build/index.ts";
import type { Canary } from "./canary.ts";
import { makeCandidate } from "./candidate.ts";
import { FilterRecord } from "./filter-record.ts";
import { loadSource, type LoadedSource } from "./source.ts";
import type { Version } from "./version.ts";

export interface FilterBookOptions {
  /** What of a module that is loaded will not work as its author may think. */
  readonly warn: (text: string) => void;
  readonly compiler: Compiler;
  readonly canary: Canary;
  readonly jco: Jco;
  readonly clock: Clock;
  /** Files a filter depends on, whenever they are known anew. */
  readonly watched: (filter: string, files: readonly string[]) => void;
}

export interface BuildRequest {
  readonly options: FilterOptions;
  readonly mode: "debug" | "release";
  /** The label the version is to carry (an optimised build replaces the debug build); absent = the next one. */
  readonly label?: string;
}

export interface BuiltVersion {
  readonly version: Version;
  readonly millis: number;
}

export class FilterBook {
  readonly records = new Map<string, FilterRecord>();
  readonly #options: FilterBookOptions;

  constructor(options: FilterBookOptions) {
    this.#options = options;
  }

  /** @throws ProblemError when there is no such filter */
  get(name: string): FilterRecord {
    const record = this.records.get(name);
    if (record !== undefined) return record;
    const known = [...this.records.keys()].join(", ") || "none";
    throw problemError("state", "filter_not_found", `there is no filter "${name}"`, { hint: `filters: ${known}` });
  }

  /** The version that serves. @throws ProblemError when there is no such filter, or it never loaded */
  live(name: string): Version {
    const { live } = this.get(name);
    if (live !== null) return live;
    throw problemError("state", "filter_not_loaded", `filter ${name} has no version that serves`);
  }

  ensure(options: FilterOptions): FilterRecord {
    const record = this.records.get(options.name) ?? new FilterRecord(options);
    this.records.set(options.name, record);
    return record;
  }

  /** Loads the source and makes a version of it, or finds the equal one that is known. @throws ProblemError */
  async build(request: BuildRequest): Promise<BuiltVersion> {
    const { options, mode } = request;
    const loaded = await loadSource(options, this.#options.compiler, mode);
    this.#options.watched(options.name, loaded.watched);
    return { version: await this.#version(request, loaded), millis: loaded.millis };
  }

  /** A version of uploaded bytes. @throws ProblemError */
  async upload(options: FilterOptions, wasm: Uint8Array): Promise<Version> {
    return this.#version({ options, mode: "release" }, { wasm, map: null, build: "upload" });
  }

  async #version(request: BuildRequest, loaded: Pick<LoadedSource, "wasm" | "map" | "build">): Promise<Version> {
    const { options, label } = request;
    const record = this.ensure(options);
    const same = record.same(sha256Hex(loaded.wasm), sha256Hex(options.pluginConfig));
    if (same !== undefined && sameShape(same.options, options) && (label === undefined || same.label === label))
      return same;
    const from = { options, label: label ?? record.nextLabel(), loaded, warn: this.#options.warn };
    return makeCandidate(from, this.#options);
  }
}

/** Equal in everything but the name of the source: the same module under the same conditions. */
function sameShape(a: FilterOptions, b: FilterOptions): boolean {
  return JSON.stringify({ ...a, source: "", sha256: "" }) === JSON.stringify({ ...b, source: "", sha256: "" });
}
