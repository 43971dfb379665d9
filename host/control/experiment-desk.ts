// Experiments on filter versions: start, move weights, hold, promote, abort, roll back. Each is a change of arms and ranges,
// committed like any other; no weight change reloads a filter. When and why rollouts move by themselves: rollout/.
import { problemError } from "../base/problem.ts";
import { readDefinition } from "../config/read-definition.ts";
import type { ExperimentOptions } from "../experiment/options.ts";
import { DEFAULT_RULES } from "../experiment/rules.ts";
import { dropSpaces, withSpaces } from "./arm-spaces.ts";
import { armVersion, runningOn } from "./composer.ts";
import { variantVersion } from "./declared.ts";
import { type ExperimentState, isOpen, moveWeights, noted, parseUnit, startExperiment } from "./experiment-state.ts";
import { liveSpace } from "./filter-record.ts";
import { assertAllowed, candidatesOf, inherited } from "./refused-versions.ts";
import { commitWish, type Runtime } from "./runtime.ts";
import type { ExperimentRequest } from "./types.ts";

/** Who changes something, and the sentence for log and events. */
export interface Told {
  readonly by: "admin" | "config" | "rollout";
  readonly what: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export class ExperimentDesk {
  readonly #runtime: Runtime;
  readonly #path: string;

  /** @param path of the config file: sources of variants are relative to its folder */
  constructor(runtime: Runtime, path = "sluice.yaml") {
    this.#runtime = runtime;
    this.#path = path;
  }

  get(name: string): ExperimentState {
    const { experiments } = this.#runtime;
    const found = experiments.get(name);
    if (found !== undefined) return found;
    const known = [...experiments.keys()].join(", ") || "none";
    throw problemError("state", "experiment_not_found", `there is no experiment "${name}"`, {
      hint: `experiments: ${known}`,
    });
  }

  /** @throws ProblemError with pointers into the request */
  async create(request: ExperimentRequest): Promise<ExperimentState> {
    const { serial, trials } = this.#runtime;
    return serial.run(async () => {
      const { name, filter, salt = name } = request;
      this.#assertFree(request);
      const unit = request.unit.map(parseUnit);
      const record = this.#runtime.book.get(filter);
      const found = request.variants.map(({ name: arm, version, weight }) => ({
        name: arm,
        version: version === "current" ? "current" : record.find(version).label,
        weight,
      }));
      // First what the arms have in common with every experiment, whose refusals name the experiment.
      startExperiment({ name, filter, salt, unit, arms: found, rules: DEFAULT_RULES, run: "" });
      const rules = await this.#rulesOf(request);
      const arms = await this.#configured(found, request);
      const versions = arms.map(({ version }) => version);
      const candidates = { name, filter, versions, force: request.force ?? false };
      assertAllowed(this.#runtime, candidates);
      const refused = inherited(this.#runtime, candidates);
      const run = trials.newRun();
      const { config } = this.#runtime;
      const spaced = withSpaces(this.#runtime, { name, filter, arms, rules: rules ?? DEFAULT_RULES, config });
      const state = startExperiment({
        name,
        filter,
        salt,
        unit: rules?.unit ?? unit,
        arms: spaced,
        rules: rules ?? DEFAULT_RULES,
        run,
        refused,
      });
      return this.#apply(state, { by: "admin", what: `started: ${split(state)}` });
    });
  }

  #assertFree({ filter, name }: ExperimentRequest): void {
    this.#runtime.book.get(filter);
    const other = runningOn(this.#runtime.experiments, filter);
    if (other === undefined) return;
    const message = `filter ${filter} has a running experiment, ${other.name}`;
    throw problemError("state", "experiment_running", message, {
      hint: other.name === name ? "abort it first" : `promote or abort ${other.name} first`,
    });
  }

  /** An arm with a configuration of its own is a version of its own. @throws ProblemError when the filter refuses it */
  async #configured<T extends { readonly version: string }>(
    arms: readonly T[],
    request: ExperimentRequest,
  ): Promise<T[]> {
    const record = this.#runtime.book.get(request.filter);
    const made: T[] = [];
    for (const [at, arm] of arms.entries()) {
      const { pluginConfig } = request.variants[at] ?? {};
      if (pluginConfig === undefined) {
        made.push(arm);
        continue;
      }
      const text = typeof pluginConfig === "string" ? pluginConfig : JSON.stringify(pluginConfig);
      const options = { name: "", version: arm.version, source: "", pluginConfig: text, weight: 0 };
      made.push({ ...arm, version: await variantVersion(this.#runtime, record, options) });
    }
    return made;
  }

  /** Null when the request has no rules of its own. */
  async #rulesOf({ rules, force: _force, ...basic }: ExperimentRequest): Promise<ExperimentOptions | null> {
    if (rules === undefined || Object.keys(rules).length === 0) return null;
    const options = await readDefinition({ ...basic, ...rules }, { path: this.#path, env: {} });
    const { layer } = options;
    const other = [...this.#runtime.experiments.values()].find(
      (one) =>
        layer !== null &&
        isOpen(one) &&
        one.rules.layer?.name === layer.name &&
        one.rules.layer.from < layer.to &&
        layer.from < one.rules.layer.to,
    );
    if (other === undefined) return options;
    throw problemError("config", "layer_overlap", `experiment ${other.name} has users of layer "${layer?.name}" too`, {
      pointer: "/layer",
      hint: "give each its part: { name, range: [0, 0.5] }",
    });
  }

  async setWeights(name: string, weights: Readonly<Record<string, number>>): Promise<ExperimentState> {
    const running = this.#running(name);
    if (running.rules.mode === "shadow")
      throw problemError("state", "mode_shadow", `experiment ${name} is a shadow: its candidate serves nobody`, {
        hint: "promote it, or abort and start another one with mode: canary",
      });
    return this.evolve(running, (state) => {
      const moved = moveWeights(state, weights);
      const held = state.rules.steps.length === 0 ? moved : this.#held(moved);
      return [held, { by: "admin", what: `weights set: ${split(moved)}` }];
    });
  }

  #held(state: ExperimentState): ExperimentState {
    return { ...state, state: "held", hold: { cause: "weights", reason: "weights were set by hand" } };
  }

  /**
   * Changes an open experiment, unless it has ended or begun anew meanwhile: then nothing happens. Commits when arms or
   * phase have changed. @throws ProblemError
   */
  async evolve(
    { name, run }: Pick<ExperimentState, "name" | "run">,
    change: (state: ExperimentState) => readonly [ExperimentState, Told],
  ): Promise<ExperimentState> {
    return this.#runtime.serial.run(async () => {
      const state = this.get(name);
      if (state.run !== run || !isOpen(state)) return state;
      const [next, told] = change(state);
      return next.phase === state.phase && next.pre === state.pre ? this.#keep(next, told) : this.#apply(next, told);
    });
  }

  /** `arm` (default: the last variant) becomes the filter's live version and the experiment ends. */
  async promote(name: string, arm?: string, by: Told["by"] = "admin"): Promise<ExperimentState> {
    const runtime = this.#runtime;
    return runtime.serial.run(async () => {
      const experiment = this.#running(name);
      const winner = arm === undefined ? experiment.arms.at(-1) : experiment.arms.find((other) => other.name === arm);
      if (winner === undefined)
        throw problemError("state", "arm_not_found", `experiment ${name} has no variant "${arm}"`);
      const { config, book, experiments } = runtime;
      const version = armVersion({ config, records: book.records, experiments }, experiment.filter, winner.version);
      const ended: ExperimentState = { ...this.#frozen(experiment), state: "promoted", hold: null };
      const record = book.get(experiment.filter);
      const space = winner.space ?? liveSpace(record);
      await commitWish(runtime, {
        experiments: new Map(experiments).set(name, ended),
        live: new Map([[experiment.filter, version]]),
        spaces: new Map([[experiment.filter, space]]),
      });
      record.setLive(version);
      record.space = space;
      dropSpaces(runtime, experiment.arms, space);
      return this.#keep(ended, { by, what: `${winner.name} (${version.label}) promoted` });
    });
  }

  /** Everybody gets the live version again, at once: the book is closed before anything else happens. */
  async abort(name: string): Promise<ExperimentState> {
    return this.#end(this.#running(name), "aborted", { by: "admin", what: "aborted: control serves everybody" });
  }

  /** The same by itself, for a reason. */
  async rollBack(state: ExperimentState, told: Told): Promise<ExperimentState> {
    return this.#end(state, "rolledBack", told);
  }

  async #end(state: ExperimentState, how: "aborted" | "rolledBack", told: Told): Promise<ExperimentState> {
    const runtime = this.#runtime;
    const beganMs = runtime.clock.monotonicMs();
    runtime.trials.of(state).book.close();
    return runtime.serial.run(async () => {
      const present = this.get(state.name);
      if (present.run !== state.run || !isOpen(present)) return present;
      // A weight that was on its way has opened another book meanwhile.
      runtime.trials.of(present).book.close();
      const bad = how === "rolledBack" ? candidatesOf(runtime, present) : [];
      const refused = [...new Set([...present.refused, ...bad])];
      const ended: ExperimentState = { ...this.#frozen(present), state: how, hold: null, refused };
      await commitWish(runtime, { experiments: new Map(runtime.experiments).set(ended.name, ended) });
      dropSpaces(runtime, ended.arms);
      const millis = runtime.clock.monotonicMs() - beganMs;
      return this.#keep(ended, { ...told, data: { ...told.data, millis } });
    });
  }

  /** What has ended is remembered with the versions it had, whatever becomes live later. */
  #frozen(state: ExperimentState): ExperimentState {
    const live = this.#runtime.book.get(state.filter).live?.label ?? "current";
    const arms = state.arms.map((arm) => (arm.version === "current" ? { ...arm, version: live } : arm));
    return { ...state, arms };
  }

  #running(name: string): ExperimentState {
    const experiment = this.get(name);
    if (isOpen(experiment)) return experiment;
    throw problemError("state", "experiment_ended", `experiment ${name} is ${experiment.state}`);
  }

  async #apply(state: ExperimentState, told: Told): Promise<ExperimentState> {
    const runtime = this.#runtime;
    await commitWish(runtime, { experiments: new Map(runtime.experiments).set(state.name, state) });
    return this.#keep(state, told);
  }

  #keep(state: ExperimentState, { by, what, data = {} }: Told): ExperimentState {
    const { experiments, events, keeper, trials, clock, ears } = this.#runtime;
    const { name, filter } = state;
    const kept = noted(state, { at: new Date(clock.nowMs()).toISOString(), by, what });
    experiments.set(name, kept);
    trials.keep([...experiments.values()].filter(isOpen));
    const text = `${filter}  experiment ${name} ${what}`;
    events.emit({ type: "experiment", filter, text, data: { name, state: kept.state, by, what, ...data } });
    keeper.soon();
    ears.changed(kept, what);
    return kept;
  }
}

function split(state: ExperimentState): string {
  return state.arms.map((arm) => `${arm.name} (${arm.version}) ${Number(arm.weight.toFixed(4))} %`).join(", ");
}
