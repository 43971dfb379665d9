// From what is wanted (config, live versions, experiments) to what data threads run: a snapshot message.
import { policyFor } from "../plugin/failure-policy.ts";
import type { ProxyConfig } from "../config/options.ts";
import type { ArmMessage, GenerationMessage, SlotMessage } from "../link/messages.ts";
import type { Program } from "../module/component/program.ts";
import type { Draft } from "./committer.ts";
import { type ExperimentState, isOpen } from "./experiment-state.ts";
import { type FilterRecord, liveSpace } from "./filter-record.ts";
import { patchConfig } from "./merge-patch.ts";
import type { Trials } from "./rollout/trials.ts";
import { generationKey, toGeneration, type Version } from "./version.ts";

const ALL_BUCKETS = [[0, 10_000]] as const;

/** A change somebody wants to make: versions and experiments that differ from what is recorded. */
export interface Wish {
  readonly config: ProxyConfig;
  readonly records: ReadonlyMap<string, FilterRecord>;
  readonly experiments: ReadonlyMap<string, ExperimentState>;
  readonly trials: Trials;
  /** Versions that become live with this change. */
  readonly live?: ReadonlyMap<string, Version>;
  /** Namespaces of shared data that become their filters' with this change. */
  readonly spaces?: ReadonlyMap<string, string>;
}

export function compose(wish: Wish, epoch: number): Draft {
  const parts = { generations: new Map<string, GenerationMessage>(), modules: new Map<string, Program>() };
  const slots = wish.config.filters.flatMap(({ name }) => composeSlot(wish, name, parts) ?? []);
  const { listeners, clusters, drainTimeoutMs } = wish.config;
  const snapshot = { epoch, listeners, clusters, generations: [...parts.generations.values()], slots, drainTimeoutMs };
  return { snapshot, modules: [...parts.modules].map(([key, module]) => ({ key, module })) };
}

interface Parts {
  readonly generations: Map<string, GenerationMessage>;
  readonly modules: Map<string, Program>;
}

export function liveOf(wish: Pick<Wish, "live" | "records">, filter: string): Version | null {
  return wish.live?.get(filter) ?? wish.records.get(filter)?.live ?? null;
}

export function runningOn(
  experiments: ReadonlyMap<string, ExperimentState>,
  filter: string,
): ExperimentState | undefined {
  return [...experiments.values()].find((experiment) => experiment.filter === filter && isOpen(experiment));
}

function composeSlot(wish: Wish, filter: string, parts: Parts): SlotMessage | null {
  const live = liveOf(wish, filter);
  const experiment = runningOn(wish.experiments, filter);
  if (live === null) {
    const options = wish.records.get(filter)?.options;
    return options !== undefined && policyFor(options, "start") === "FAIL_OPEN"
      ? null
      : { filter, experiment: "", salt: "", unit: [], arms: [] };
  }
  if (experiment === undefined) {
    const generation = addGeneration(wish, live, { ...parts, space: spaceOf(wish, filter) });
    const arms = [{ name: "", generation, ranges: ALL_BUCKETS }];
    return { filter, experiment: "", salt: "", unit: [], arms };
  }
  return {
    filter,
    experiment: experiment.name,
    salt: experiment.salt,
    unit: experiment.unit,
    arms: composeArms(wish, experiment, parts),
    trial: wish.trials.of(experiment).message,
  };
}

function composeArms(wish: Wish, experiment: ExperimentState, parts: Parts): readonly ArmMessage[] {
  const [control] = experiment.arms;
  return experiment.arms.map((arm) => {
    const { version: reference, space = spaceOf(wish, experiment.filter) } =
      experiment.pre && control !== undefined ? control : arm;
    const version = armVersion(wish, experiment.filter, reference);
    return { name: arm.name, generation: addGeneration(wish, version, { ...parts, space }), ranges: arm.ranges };
  });
}

/** `current` follows the live version, also one that only becomes live with this change. */
export function armVersion(wish: Omit<Wish, "trials">, filter: string, reference: string): Version {
  const live = liveOf(wish, filter);
  if (live !== null && (reference === "current" || reference === live.label)) return live;
  const record = wish.records.get(filter);
  if (record === undefined) throw new Error(`no filter ${filter}`);
  return record.find(reference);
}

/** Undefined: the version's own vmId. */
function spaceOf({ spaces, records }: Wish, filter: string): string | undefined {
  const record = records.get(filter);
  return spaces?.get(filter) ?? (record === undefined ? undefined : liveSpace(record));
}

function addGeneration(wish: Wish, version: Version, parts: Parts & { readonly space: string | undefined }): string {
  const overrides = routeOverrides(wish.config, version);
  const key = generationKey(version, overrides, parts.space);
  parts.generations.set(key, toGeneration(version, overrides, parts.space));
  parts.modules.set(version.moduleKey, version.module);
  return key;
}

/** `listener/route` -> merged configuration, for the routes that change this filter. */
function routeOverrides(config: ProxyConfig, version: Version): Readonly<Record<string, string>> {
  const { name, pluginConfig } = version.options;
  const found: Record<string, string> = {};
  for (const listener of config.listeners) {
    for (const route of listener.routes) {
      const patch = route.filters.override[name];
      if (patch !== undefined) found[`${listener.name}/${route.name}`] = patchConfig(pluginConfig, patch);
    }
  }
  return found;
}
