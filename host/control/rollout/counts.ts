// What an experiment has counted so far, phase by phase, added up over data threads; and the looks taken, for the plot.
import type { Judgement } from "../../experiment/judgement.ts";
import type { PhaseCounts } from "../../experiment/judge-input.ts";
import { addSums, COLUMNS, columnsOf, newSums, type TallySums } from "../../experiment/tally.ts";
import type { TallyReport } from "../../link/messages.ts";
import type { ExperimentState } from "../experiment-state.ts";
import { type Trial, trialId } from "./trials.ts";

/** Points of the plot that are kept; beyond, every other one goes. */
const MAX_POINTS = 240;

export interface Point {
  /** Since the experiment began. */
  readonly ms: number;
  /** Candidate's weight, percent. */
  readonly weight: number;
  readonly units: readonly number[];
  /** Metric and arm -> effect with its interval. */
  readonly metrics: readonly {
    readonly name: string;
    readonly arm: string;
    readonly role: string;
    readonly effect: number | null;
    readonly low: number | null;
    readonly high: number | null;
  }[];
}

interface Phase extends PhaseCounts {
  readonly id: string;
  readonly arms: TallySums[];
}

export class Counts {
  readonly run: string;
  readonly startedMs: number;
  stepMs: number;
  looks = 0;
  judgement: Judgement | null = null;
  readonly #names: readonly string[];
  readonly #phases: Phase[] = [];
  #points: Point[] = [];

  constructor(state: ExperimentState, nowMs: number) {
    this.run = state.run;
    this.startedMs = nowMs;
    this.stepMs = nowMs;
    this.#names = state.arms.map(({ name }) => name);
  }

  /** The phase that `state` is in now; counts of earlier ones stay where they are. */
  enter(state: ExperimentState, trial: Trial): void {
    const id = trialId(state);
    if (this.#phases.at(-1)?.id === id) return;
    const { plan } = trial.message;
    this.#phases.push({
      id,
      kind: state.pre ? "pre" : "step",
      plan,
      shares: state.arms.map(({ weight }) => weight / 100),
      arms: state.arms.map(() => newSums(plan)),
    });
  }

  get phases(): readonly PhaseCounts[] {
    return this.#phases;
  }

  add({ trial, arm, sums }: TallyReport): void {
    const phase = this.#phases.find(({ id }) => id === trial);
    const to = phase?.arms[this.#names.indexOf(arm)];
    if (to !== undefined) addSums(to, sums);
  }

  /** An outside event of a unit in bucket `bucket` of arm `arm`; false when the present phase does not count it. */
  addEvent(arm: number, bucket: number, name: string, value: number): boolean {
    const phase = this.#phases.at(-1);
    const place = phase?.plan.events.indexOf(name) ?? -1;
    const sums = phase?.arms[arm];
    if (phase === undefined || sums === undefined || place < 0) return false;
    const { plan } = phase;
    const column = COLUMNS.length + plan.slowMs.length + plan.filterMetrics.length + place;
    const at = bucket * columnsOf(plan) + column;
    sums.buckets[at] = (sums.buckets[at] ?? 0) + value;
    sums.squares[column] = (sums.squares[column] ?? 0) + value * value;
    return true;
  }

  /** What an arm runs has changed: nothing counted before says anything about it. */
  forget(): void {
    this.#phases.length = 0;
    this.judgement = null;
  }

  look(state: ExperimentState, judgement: Judgement, nowMs: number): void {
    this.looks++;
    this.judgement = judgement;
    const weight = state.arms.slice(1).reduce((sum, arm) => sum + arm.weight, 0);
    const metrics = judgement.metrics.map(({ name, arm, role, effect, low, high }) => ({
      name,
      arm,
      role,
      effect,
      low,
      high,
    }));
    this.#points.push({ ms: nowMs - this.startedMs, weight, units: judgement.units, metrics });
    if (this.#points.length > MAX_POINTS) this.#points = this.#points.filter((_, at) => at % 2 === 1);
  }

  get points(): readonly Point[] {
    return this.#points;
  }
}
