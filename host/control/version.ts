// A version of a filter: an immutable pair of module and configuration, with the label people use for it. An optimised
// build of the same sources takes the place of the debug build under the same label (surface.md 2.4).
import { sha256Hex } from "../base/hash.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { GenerationMessage } from "../link/messages.ts";
import type { Program } from "../module/component/program.ts";
import type { VersionInfo } from "./types.ts";

export interface Version {
  readonly label: string;
  readonly sha256: string;
  readonly configSha256: string;
  /** The debug build this optimised one took the place of: the same sources, so saving them again changes nothing. */
  readonly debugSha256: string;
  readonly semver: string;
  readonly build: VersionInfo["build"];
  readonly createdAt: string;
  /** The module as built or uploaded. */
  readonly wasm: Uint8Array;
  /** Source map of `wasm`, if there is one. */
  readonly map: Uint8Array | null;
  /** The module as it runs (capped, instrumented). */
  readonly module: Program;
  readonly moduleKey: string;
  /** Most points a step of its start-up may use on a data thread; null = the general limit, no canary has seen it. */
  readonly startFuel: number | null;
  /** Offsets of `module` to those of `wasm`; null when they are the same. */
  readonly offsets: Uint32Array | null;
  /** Filter options as they were when the version was made; pluginConfig is this version's. */
  readonly options: FilterOptions;
}

/** Identity over everything that shapes an instance, each part with its length (abi.md 8.1). */
export function generationKey(
  version: Version,
  overrides: Readonly<Record<string, string>>,
  vmId: string = version.options.vmId,
): string {
  const { options, label, moduleKey } = version;
  const { vmConfig, environment, allowedCapabilities, allowedUpstreams, limits, rootId } = options;
  const { allowedProperties, allowedForeignFunctions, allowedNamespaces } = options;
  const shape = [
    label,
    moduleKey,
    options.pluginConfig,
    overrides,
    vmId,
    vmConfig,
    environment,
    allowedCapabilities,
    allowedUpstreams,
    allowedProperties,
    allowedForeignFunctions,
    allowedNamespaces,
    limits,
  ];
  const rest = [
    rootId,
    options.failurePolicy,
    options.failurePolicies,
    options.pauseTimeoutMs,
    options.bufferLimitBytes,
  ];
  return `${options.name}@${label}:${sha256Hex(JSON.stringify([...shape, ...rest])).slice(0, 16)}`;
}

/** @param space its namespace of shared data and queues, if not its own: that of an experiment's arm (arm-spaces.ts) */
export function toGeneration(
  version: Version,
  overrides: Readonly<Record<string, string>>,
  space: string = version.options.vmId,
): GenerationMessage {
  const { options } = version;
  return {
    key: generationKey(version, overrides, space),
    version: version.label,
    sha256: version.sha256,
    semver: version.semver,
    moduleKey: version.moduleKey,
    options: space === options.vmId ? options : { ...options, vmId: space, vmName: options.vmId },
    ...(version.startFuel === null ? {} : { startFuel: version.startFuel }),
    overrides,
  };
}

export function versionInfo(version: Version, state: VersionInfo["state"], inFlight: number): VersionInfo {
  const { label, sha256, configSha256, semver, build, createdAt, wasm } = version;
  return { version: label, sha256, configSha256, semver, build, size: wasm.length, createdAt, state, inFlight };
}
