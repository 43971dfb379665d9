// What happens to a version that keeps failing: its digests are blocked, an experiment on it ends, and traffic returns to
// the last good version (decisions.md 1). The fault desk counts; this acts.
import { toProblems } from "../base/problem.ts";
import { HARM_LIMIT } from "../experiment/unit-book.ts";
import { runningOn } from "./composer.ts";
import type { ExperimentState } from "./experiment-state.ts";
import { digestsOf, type FilterRecord } from "./filter-record.ts";
import { commitWish, type Runtime } from "./runtime.ts";
import type { Swapper } from "./swapper.ts";
import type { Version } from "./version.ts";

export interface Poison {
  readonly filter: string;
  readonly version: string;
  /** In words: `3 faults in 60 s, the last one fuel in proxy_on_request_headers`. */
  readonly why: string;
}

export class Quarantine {
  readonly #runtime: Runtime;
  readonly #swapper: Pick<Swapper, "fallBack">;

  constructor(runtime: Runtime, swapper: Pick<Swapper, "fallBack">) {
    this.#runtime = runtime;
    this.#swapper = swapper;
  }

  /** Never rejects: what does not succeed is an event, and the failure policy goes on. */
  async impose(poison: Poison): Promise<void> {
    const { serial, events } = this.#runtime;
    await serial
      .run(() => this.#impose(poison))
      .catch((error: unknown) => {
        const text = `${poison.filter}  quarantine failed: ${String(error)}`;
        events.emit({ type: "swap-refused", filter: poison.filter, text, problems: toProblems(error) });
      });
  }

  async #impose(poison: Poison): Promise<void> {
    const { book, experiments } = this.#runtime;
    const record = book.records.get(poison.filter);
    const bad = record?.versions.find(({ label }) => label === poison.version);
    if (record === undefined || bad === undefined) return;
    const experiment = runningOn(experiments, poison.filter);
    const isArm = experiment?.arms.some(({ version }) => version === bad.label) === true;
    // Nothing new runs on it: these were its last streams.
    if (record.live !== bad && (!isArm || this.#isRollingBack(experiment))) return;
    record.block(digestsOf(bad));
    const good = record.live === bad ? record.previous : record.live;
    this.#tell(poison, bad, { good, experiment: isArm ? (experiment?.name ?? "") : "" });
    if (isArm && experiment !== undefined) await this.#endExperiment(experiment);
    if (record.live === bad && good !== null) await this.#swapper.fallBack(record, good);
    else this.#runtime.keeper.soon();
  }

  /** So many harmed requests: the rollout takes its candidate out by itself, and remembers it (rollout/triggers.ts). */
  #isRollingBack(experiment: ExperimentState | undefined): boolean {
    return experiment !== undefined && this.#runtime.trials.of(experiment).book.harm() >= HARM_LIMIT;
  }

  #tell({ filter, why }: Poison, bad: Version, to: { good: FilterRecord["live"]; experiment: string }): void {
    const label = to.good?.label ?? "";
    const next =
      label === "" ? "there is no earlier version, so its failure policy goes on" : `traffic goes back to ${label}`;
    const ended = to.experiment === "" ? "" : `, experiment ${to.experiment} is aborted`;
    this.#runtime.events.emit({
      type: "quarantine",
      filter,
      text: `${filter} ${bad.label}  quarantined (${why}): ${next}${ended}`,
      data: { version: bad.label, sha256: bad.sha256, to: label, why, experiment: to.experiment },
    });
  }

  /** Everybody gets the live version, at once. */
  async #endExperiment(experiment: ExperimentState): Promise<void> {
    const runtime = this.#runtime;
    const { name, filter } = experiment;
    const ended: ExperimentState = { ...experiment, state: "aborted" };
    await commitWish(runtime, { experiments: new Map(runtime.experiments).set(name, ended) });
    runtime.experiments.set(name, ended);
    const text = `${filter}  experiment ${name} aborted: one of its versions is in quarantine`;
    runtime.events.emit({ type: "experiment", filter, text, data: { name, state: ended.state } });
  }
}
