// Experiments on filter versions: start, move weights, promote, abort. Each is a change of arms and ranges, committed like
// any other; no weight change reloads a filter.
import { problemError } from "../base/problem.ts";
import type { ArmReport, ThreadReport } from "../link/messages.ts";
import { armVersion, runningOn } from "./composer.ts";
import { formatUnit, moveWeights, parseUnit, startExperiment, type ExperimentState } from "./experiment-state.ts";
import { commitWish, type Runtime } from "./runtime.ts";
import type { ArmStatus, ExperimentRequest, ExperimentStatus } from "./types.ts";

export class ExperimentDesk {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
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

  async create(request: ExperimentRequest): Promise<ExperimentState> {
    const { book, experiments, serial } = this.#runtime;
    return serial.run(async () => {
      const record = book.get(request.filter);
      const other = runningOn(experiments, request.filter);
      if (other !== undefined) {
        const hint = `promote or abort ${other.name} first`;
        throw problemError(
          "state",
          "experiment_running",
          `filter ${request.filter} has a running experiment, ${other.name}`,
          { hint },
        );
      }
      const unit = request.unit.map(parseUnit);
      const arms = request.variants.map(({ name, version, weight }) => ({
        name,
        version: version === "current" ? version : record.find(version).label,
        weight,
      }));
      const { name, filter, salt = name } = request;
      const state = startExperiment({ name, filter, salt, unit, arms });
      return this.#apply(state, `${filter}  experiment ${name} started: ${split(state)}`);
    });
  }

  async setWeights(name: string, weights: Readonly<Record<string, number>>): Promise<ExperimentState> {
    return this.#runtime.serial.run(async () => {
      const state = moveWeights(this.#running(name), weights);
      return this.#apply(state, `${state.filter}  experiment ${name}: ${split(state)}`);
    });
  }

  /** `arm` (default: the last variant) becomes the filter's live version and the experiment ends. */
  async promote(name: string, arm?: string): Promise<ExperimentState> {
    const runtime = this.#runtime;
    return runtime.serial.run(async () => {
      const experiment = this.#running(name);
      const winner = arm === undefined ? experiment.arms.at(-1) : experiment.arms.find((other) => other.name === arm);
      if (winner === undefined)
        throw problemError("state", "arm_not_found", `experiment ${name} has no variant "${arm}"`);
      const { config, book, experiments } = runtime;
      const version = armVersion({ config, records: book.records, experiments }, experiment.filter, winner.version);
      const ended: ExperimentState = { ...experiment, state: "promoted" };
      await commitWish(runtime, {
        experiments: new Map(experiments).set(name, ended),
        live: new Map([[experiment.filter, version]]),
      });
      book.get(experiment.filter).setLive(version);
      return this.#ended(ended, `${experiment.filter}  experiment ${name}: ${winner.name} (${version.label}) promoted`);
    });
  }

  /** Everybody gets the live version again, at once. */
  async abort(name: string): Promise<ExperimentState> {
    const runtime = this.#runtime;
    return runtime.serial.run(async () => {
      const ended: ExperimentState = { ...this.#running(name), state: "aborted" };
      await commitWish(runtime, { experiments: new Map(runtime.experiments).set(name, ended) });
      return this.#ended(ended, `${ended.filter}  experiment ${name} aborted: control serves everybody`);
    });
  }

  #running(name: string): ExperimentState {
    const experiment = this.get(name);
    if (experiment.state === "running") return experiment;
    throw problemError("state", "experiment_ended", `experiment ${name} is ${experiment.state}`);
  }

  async #apply(state: ExperimentState, text: string): Promise<ExperimentState> {
    const runtime = this.#runtime;
    await commitWish(runtime, { experiments: new Map(runtime.experiments).set(state.name, state) });
    return this.#ended(state, text);
  }

  #ended(state: ExperimentState, text: string): ExperimentState {
    const runtime = this.#runtime;
    runtime.experiments.set(state.name, state);
    runtime.events.emit({
      type: "experiment",
      filter: state.filter,
      text,
      data: { name: state.name, state: state.state },
    });
    runtime.keeper.soon();
    return state;
  }

  statuses(reports: readonly ThreadReport[]): readonly ExperimentStatus[] {
    return [...this.#runtime.experiments.values()].map((experiment) => this.status(experiment, reports));
  }

  status(experiment: ExperimentState, reports: readonly ThreadReport[]): ExperimentStatus {
    const counted = reports.flatMap((report) => report.arms).filter((arm) => arm.experiment === experiment.name);
    const missing = reports.map((report) => report.unitMissing[experiment.name] ?? 0);
    const { name, filter, state, salt } = experiment;
    const arms = experiment.arms.map((arm) => this.#armStatus(experiment, arm, counted));
    return {
      name,
      filter,
      state,
      salt,
      unit: experiment.unit.map(formatUnit),
      arms,
      unitMissing: missing.reduce((a, b) => a + b, 0),
    };
  }

  #armStatus(
    experiment: ExperimentState,
    arm: ExperimentState["arms"][number],
    counted: readonly ArmReport[],
  ): ArmStatus {
    const { config, book, experiments } = this.#runtime;
    const mine = counted.filter((report) => report.arm === arm.name);
    const sum = (read: (report: ArmReport) => number): number =>
      mine.reduce((total, report) => total + read(report), 0);
    const responses = Object.fromEntries(
      [1, 2, 3, 4, 5].map((digit) => [`${digit}xx`, sum((report) => report.responses[digit] ?? 0)]),
    );
    const version = armVersion({ config, records: book.records, experiments }, experiment.filter, arm.version);
    const { name, weight, ranges } = arm;
    const counts = {
      requests: sum((r) => r.requests),
      responses,
      localReplies: sum((r) => r.localReplies),
      faults: sum((r) => r.faults),
    };
    return { name, version: version.label, sha256: version.sha256, weight, ranges, ...counts };
  }
}

function split(state: ExperimentState): string {
  return state.arms.map((arm) => `${arm.name} (${arm.version}) ${arm.weight} %`).join(", ");
}
