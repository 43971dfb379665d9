// A filter made ready for the harness: the defaults of its options, its module prepared once however many harnesses use it.
import { START_FUEL_FACTOR } from "../abi/limits.ts";
import { sha256Hex } from "../base/hash.ts";
import { prepareComponent } from "../module/component/prepare-component.ts";
import type { Transpiled } from "../module/component/transpiled.ts";
import { prepareModule, type PreparedFilter, type PrepareOptions } from "../module/prepare.ts";
import { semverOf } from "../module/semver.ts";
import { FILTER_DEFAULTS } from "../plugin/defaults.ts";
import { Generation } from "../plugin/generation.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { PluginServices } from "../plugin/services.ts";

export interface FilterUnderTest {
  readonly name: string;
  readonly wasm: Uint8Array;
  /** Of a component: what jco made of it. */
  readonly transpiled?: Transpiled;
  /** pluginConfig: an object, or the text itself. Absent = no configuration. */
  readonly config?: unknown;
  readonly options?: Partial<FilterOptions>;
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
    transpiled === undefined ? prepareModule(wasm, options) : prepareComponent(wasm, transpiled, options);
  const ready = known.get(limits) ?? prepare();
  known.set(limits, ready);
  return ready;
}

export function optionsOf({ name, config, options }: FilterUnderTest): FilterOptions {
  const pluginConfig = config === undefined ? "" : typeof config === "string" ? config : JSON.stringify(config);
  return { ...FILTER_DEFAULTS, name, vmId: name, pluginConfig, ...options };
}

/** @throws ProblemError when the filter does not load or refuses its configuration */
export function loadFilter(under: FilterUnderTest, services: PluginServices): Generation {
  const { name, wasm } = under;
  const filter = optionsOf(under);
  const { fuel, memoryBytes, tableEntries } = filter.limits;
  const initial = fuel === null ? null : fuel * START_FUEL_FACTOR;
  const { module, info } = prepareOnce(under, { name, memoryBytes, tableEntries, fuel: initial });
  const spec = {
    options: filter,
    version: "test",
    configs: [filter.pluginConfig],
    key: `${name}@test`,
    sha256: sha256Hex(wasm),
    semver: semverOf(info),
    overrides: {},
  };
  return new Generation(spec, module, services);
}
