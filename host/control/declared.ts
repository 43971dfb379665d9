// Experiments that the configuration declares, beside those that the API started. A declared one starts once and goes on
// with the state it had over restarts and reloads; changed weights move it; another change starts it anew; one that leaves
// the configuration is aborted.
import type { ProxyConfig } from "../config/options.ts";
import type { ExperimentOptions, VariantOptions } from "../experiment/options.ts";
import { withSpaces } from "./arm-spaces.ts";
import { isOpen, moveWeights, noted, startExperiment, type ExperimentState } from "./experiment-state.ts";
import { assertAllowed, inherited } from "./refused-versions.ts";
import type { FilterRecord } from "./filter-record.ts";
import type { Runtime } from "./runtime.ts";
import type { Version } from "./version.ts";

/** All experiments as they are to be under `config`. @throws ProblemError; nothing has changed then */
export async function declaredExperiments(
  runtime: Runtime,
  config: ProxyConfig,
): Promise<ReadonlyMap<string, ExperimentState>> {
  const wanted = new Map(runtime.experiments);
  const before = new Map(runtime.config.experiments.map((one) => [one.name, one]));
  for (const options of config.experiments) {
    const known = wanted.get(options.name);
    const was = before.get(options.name);
    if (known === undefined || was === undefined) {
      if (known === undefined) wanted.set(options.name, await startDeclared(runtime, config, options));
    } else if (JSON.stringify(was) !== JSON.stringify(options)) {
      wanted.set(options.name, await changeDeclared(runtime, { config, known, was, options }));
    }
    before.delete(options.name);
  }
  for (const name of before.keys()) {
    const gone = wanted.get(name);
    if (gone !== undefined && isOpen(gone)) wanted.set(name, { ...gone, state: "aborted", hold: null });
  }
  return wanted;
}

interface Change {
  readonly config: ProxyConfig;
  readonly known: ExperimentState;
  readonly was: ExperimentOptions;
  readonly options: ExperimentOptions;
}

const withoutWeights = (options: ExperimentOptions): string =>
  JSON.stringify({ ...options, variants: options.variants.map((variant) => ({ ...variant, weight: 0 })) });

async function changeDeclared(runtime: Runtime, { config, known, was, options }: Change): Promise<ExperimentState> {
  if (!isOpen(known) || withoutWeights(was) !== withoutWeights(options)) return startDeclared(runtime, config, options);
  return moveWeights(known, Object.fromEntries(options.variants.map(({ name, weight }) => [name, weight])));
}

async function startDeclared(
  runtime: Runtime,
  config: ProxyConfig,
  wanted: ExperimentOptions,
): Promise<ExperimentState> {
  const { name, filter, salt, unit, variants: _variants, ...rules } = wanted;
  const record = runtime.book.get(filter);
  const arms: { name: string; version: string; weight: number }[] = [];
  for (const variant of wanted.variants) {
    arms.push({ name: variant.name, version: await variantVersion(runtime, record, variant), weight: variant.weight });
  }
  const candidates = { name, filter, versions: arms.map(({ version }) => version), force: false };
  assertAllowed(runtime, candidates);
  const refused = inherited(runtime, candidates);
  const at = new Date(runtime.clock.nowMs()).toISOString();
  const spaced = withSpaces(runtime, { name, filter, arms, rules, config });
  const started = startExperiment({
    name,
    filter,
    salt,
    unit,
    arms: spaced,
    rules,
    run: runtime.trials.newRun(),
    refused,
  });
  return noted(started, { at, by: "config", what: "started" });
}

/** A variant with a source or a configuration of its own is a further version of the filter. */
export async function variantVersion(runtime: Runtime, record: FilterRecord, variant: VariantOptions): Promise<string> {
  const { source, pluginConfig, version } = variant;
  if (source === "" && pluginConfig === null) return version === "current" ? "current" : record.find(version).label;
  const options = {
    ...record.options,
    source: source === "" ? record.options.source : source,
    sha256: "",
    pluginConfig: pluginConfig ?? record.options.pluginConfig,
  };
  if (source === "" && version !== "") return otherConfig(runtime, record, record.find(version), options.pluginConfig);
  const built = (await runtime.book.build({ options, mode: "release" })).version;
  record.add(built);
  return built.label;
}

/** The module of a version with another configuration: an A/B test of the configuration alone. */
async function otherConfig(
  runtime: Runtime,
  record: FilterRecord,
  { wasm }: Version,
  pluginConfig: string,
): Promise<string> {
  const version = await runtime.book.upload({ ...record.options, pluginConfig }, wasm);
  record.add(version);
  return version.label;
}
