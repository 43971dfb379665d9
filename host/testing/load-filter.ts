// A filter made ready for the harness: the defaults of its options, its module prepared once however many harnesses use it.
import { START_FUEL_FACTOR } from "../abi/limits.ts";
import { sha256Hex } from "../base/hash.ts";
import { prepareComponent } from "../module/component/prepare-component.ts";
import { filterModule } from "../module/component/wrapped.ts";
import type { Transpiled } from "../module/component/transpiled.ts";
import { prepareModule, type PreparedFilter, type PrepareOptions } from "../module/prepare.ts";
import { semverOf } from "../module/semver.ts";
import { FILTER_DEFAULTS } from "../plugin/defaults.ts";
import { Generation } from "../plugin/generation.ts";
import type { FilterLimits, FilterOptions } from "../plugin/options.ts";
import type { PluginServices } from "../plugin/services.ts";

export interface FilterUnderTest {
  readonly name: string;
  readonly wasm: Uint8Array;
  /** Of a component: what jco made of it. */
  readonly transpiled?: Transpiled;
  /** pluginConfig: an object, or the text itself. Absent = no configuration. */
  readonly config?: unknown;
  readonly options?: Partial<Omit<FilterOptions, "limits">> & { readonly limits?: Partial<FilterLimits> };
  /** Source map of `wasm`, and the entry it was made from: faults then name the author's line. */
  readonly map?: Uint8Array | null;
  readonly entry?: string;
}

/** Points per callback, where a test does not say otherwise. */
export const DEFAULT_FUEL = 10_000_000;

/** Modules prepared before, by their bytes: suites run one module hundreds of times. */
const prepared = new WeakMap<Uint8Array, Map<string, PreparedFilter>>();

function prepareOnce({ wasm, transpiled }: FilterUnderTest, options: PrepareOptions): PreparedFilter {
  const known = prepared.get(wasm) ?? new Map<string, PreparedFilter>();
  prepared.set(wasm, known);
  const limits = `${options.memoryBytes}/${options.tableEntries}/${options.fuel}`;
  const prepare = (): PreparedFilter =>
    transpiled === undefined ? prepareModule(filterModule(wasm), options) : prepareComponent(wasm, transpiled, options);
  const ready = known.get(limits) ?? prepare();
  known.set(limits, ready);
  return ready;
}

/** What a filter's entry would say. */
export function optionsOf({ name, config, options, entry }: FilterUnderTest): FilterOptions {
  const pluginConfig = config === undefined ? "" : typeof config === "string" ? config : JSON.stringify(config);
  const limits = { ...FILTER_DEFAULTS.limits, ...options?.limits };
  return { ...FILTER_DEFAULTS, name, vmId: name, pluginConfig, source: entry ?? "", ...options, limits };
}

/** The module as it will run, with what leads its offsets back to the original. @throws ProblemError */
export function prepareFilter(filter: FilterUnderTest): PreparedFilter {
  const { name, limits } = optionsOf(filter);
  const { fuel, memoryBytes, tableEntries } = limits;
  const initial = fuel === null ? null : fuel * START_FUEL_FACTOR;
  return prepareOnce(filter, { name, memoryBytes, tableEntries, fuel: initial });
}

/** @throws ProblemError when the filter does not load or refuses its configuration */
export function loadFilter(filter: FilterUnderTest, services: PluginServices): Generation {
  const options = optionsOf(filter);
  const { module, info } = prepareFilter(filter);
  const spec = {
    options,
    version: "test",
    configs: [options.pluginConfig],
    key: `${filter.name}@test`,
    sha256: sha256Hex(filter.wasm),
    semver: semverOf(info),
    overrides: {},
  };
  return new Generation(spec, module, services);
}
