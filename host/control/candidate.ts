// From bytes to a version that may go live: checked, capped, compiled, and tried on the canary thread. Nothing is recorded
// here; a candidate that fails leaves no trace.
import type { Clock } from "../base/clock.ts";
import { sha256Hex } from "../base/hash.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { Jco } from "../module/component/jco.ts";
import type { Canary } from "./canary.ts";
import type { LoadedSource } from "./source.ts";
import { semverOf } from "../module/semver.ts";
import { moduleKeyOf, prepareFilter } from "./prepare-filter.ts";
import { toGeneration, type Version } from "./version.ts";

/**
 * What data threads give each step of the start-up, over what the canary used: clock, random numbers and shared data are
 * others there, but a guest that behaves for the canary alone must not stall traffic (reliability.md 2.4).
 */
const START_FACTOR = 2;
const START_SPARE = 1_000_000;

export interface CandidateSource {
  readonly options: FilterOptions;
  readonly label: string;
  readonly loaded: Pick<LoadedSource, "wasm" | "map" | "build">;
  /** Hears what of the module will not work as its author may think. */
  readonly warn: (text: string) => void;
}

/** Who helps to make one. */
export interface CandidateTools {
  readonly canary: Canary;
  readonly jco: Jco;
  readonly clock: Clock;
}

/** @throws ProblemError */
export async function makeCandidate(from: CandidateSource, { canary, jco, clock }: CandidateTools): Promise<Version> {
  const { options, label, loaded, warn } = from;
  const prepared = await prepareFilter(loaded.wasm, options, jco);
  const { sha256, warnings } = prepared.info;
  for (const warning of warnings) warn(`filter ${options.name} ${label}: ${warning}`);
  const version: Version = {
    label,
    sha256,
    configSha256: sha256Hex(options.pluginConfig),
    debugSha256: "",
    semver: semverOf(prepared.info),
    build: loaded.build,
    createdAt: new Date(clock.nowMs()).toISOString(),
    wasm: loaded.wasm,
    map: loaded.map,
    module: prepared.module,
    offsets: prepared.offsets,
    startFuel: null,
    moduleKey: moduleKeyOf(sha256, options),
    options,
  };
  const used = await canary.check(toGeneration(version, {}), version.module);
  return { ...version, startFuel: START_FACTOR * used + START_SPARE };
}
