// From bytes to a version that may go live: checked, capped, compiled, and tried on the canary thread. Nothing is recorded
// here; a candidate that fails leaves no trace.
import type { Clock } from "../base/clock.ts";
import { sha256Hex } from "../base/hash.ts";
import { prepareModule } from "../module/prepare.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { Canary } from "./canary.ts";
import type { LoadedSource } from "./source.ts";
import { toGeneration, type Version } from "./version.ts";

export interface CandidateSource {
  readonly options: FilterOptions;
  readonly label: string;
  readonly loaded: Pick<LoadedSource, "wasm" | "map" | "build">;
}

/** @throws ProblemError */
export async function makeCandidate(from: CandidateSource, canary: Canary, clock: Clock): Promise<Version> {
  const { options, label, loaded } = from;
  const { memoryBytes } = options.limits;
  const prepared = prepareModule(loaded.wasm, { name: options.name, memoryBytes, fuel: null });
  const { sha256 } = prepared.info;
  const version: Version = {
    label,
    sha256,
    configSha256: sha256Hex(options.pluginConfig),
    semver: prepared.info.sluice?.version ?? "",
    build: loaded.build,
    createdAt: new Date(clock.nowMs()).toISOString(),
    wasm: loaded.wasm,
    map: loaded.map,
    module: prepared.module,
    moduleKey: `${sha256}:${memoryBytes}`,
    fuel: null,
    options,
  };
  await canary.check(toGeneration(version, {}), version.module);
  return version;
}
