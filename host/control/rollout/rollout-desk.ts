// Moves rollouts by themselves. Once a second it adds up what the data threads have counted, asks the judge, and makes the
// next move; what cannot wait (a candidate that harms requests) comes from the threads and is acted on at once. While no
// experiment is open there is no timer and no look.
import type { Timer } from "../../base/clock.ts";
import { problemError, toProblems } from "../../base/problem.ts";
import { judge } from "../../experiment/judge.ts";
import { type HoldCause, type Move, nextMove, resumeMove } from "../../experiment/rollout.ts";
import type { ExperimentDesk } from "../experiment-desk.ts";
import { type ExperimentState, isOpen, shiftTo } from "../experiment-state.ts";
import type { ExperimentShadow } from "../report-types.ts";
import type { Runtime } from "../runtime.ts";
import { Counts } from "./counts.ts";
import type { Hooks } from "./hooks.ts";
import { bodyOf, judged, pinnedOf, safeStepOf } from "./reading.ts";
import { Rehearsals } from "./rehearsals.ts";
import { needsThresholds, thresholdsOf } from "./thresholds.ts";
import { armTriggers } from "./triggers.ts";

export const LOOK_MS = 1000;
/** How long a harmed request counts against a candidate that has not reached the limit. */
const FORGIVE_MS = 60_000;

const FIRST_HOOKS = ["confirm-rollout", "pre-rollout"] as const;
const STEP_HOOKS = ["rollout", "confirm-traffic-increase"] as const;

export class RolloutDesk {
  readonly #runtime: Runtime;
  readonly #desk: ExperimentDesk;
  readonly #hooks: Hooks;
  readonly #rehearsals: Rehearsals;
  readonly #counts = new Map<string, Counts>();
  /** Runs that are being ended; a second reason changes nothing. */
  readonly #ending = new Set<string>();
  #timer: Timer | null = null;
  #looking = false;
  #closed = false;
  #forgivenMs = 0;

  constructor(runtime: Runtime, desk: ExperimentDesk, hooks: Hooks) {
    this.#runtime = runtime;
    this.#desk = desk;
    this.#hooks = hooks;
    this.#rehearsals = new Rehearsals(runtime);
    armTriggers(runtime, (state, reason) => void this.#rollBack(state, reason));
    runtime.ears.changed = (state, what) => this.#changed(state, what);
    runtime.ears.swapped = (filter, version) => this.#swapped(filter, version);
  }

  get #open(): readonly ExperimentState[] {
    return [...this.#runtime.experiments.values()].filter(isOpen);
  }

  /** Of the present run, or null. */
  counts(name: string): Counts | null {
    return this.#counts.get(name) ?? null;
  }

  /** For the report: the candidate's rehearsal, or what is known of it since it was rolled back. */
  shadowOf(state: ExperimentState): ExperimentShadow | null {
    return this.#rehearsals.shadowOf(state);
  }

  close(): void {
    this.#closed = true;
    this.#rehearsals.close();
    this.#timer?.cancel();
  }

  #changed(state?: ExperimentState, what = ""): void {
    if (state !== undefined) this.#hooks.tell(state.rules.hooks, "event", { ...bodyOf(state), what });
    for (const state of this.#open) this.#enter(state);
    for (const [filter, record] of this.#runtime.book.records) record.pinned = pinnedOf(this.#open, filter);
    this.#rehearsals.settle();
    this.#schedule();
  }

  #enter(state: ExperimentState): Counts {
    const nowMs = this.#runtime.clock.monotonicMs();
    const known = this.#counts.get(state.name);
    const counts = known?.run === state.run ? known : new Counts(state, nowMs);
    this.#counts.set(state.name, counts);
    counts.enter(state, this.#runtime.trials.of(state));
    return counts;
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== null || this.#open.length === 0) return;
    this.#timer = this.#runtime.clock.after(LOOK_MS, () => {
      this.#timer = null;
      void this.look().finally(() => this.#schedule());
    });
  }

  /** One look at every open experiment. Never rejects. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const reports = await this.#runtime.threads.collect("tallies");
      for (const tally of reports.flatMap((report) => report.tallies)) this.#counts.get(tally.experiment)?.add(tally);
      this.#forgive();
      for (const state of this.#open) await this.#lookAt(state).catch((error: unknown) => this.#refused(state, error));
    } finally {
      this.#looking = false;
    }
  }

  #forgive(): void {
    const now = this.#runtime.clock.monotonicMs();
    if (now - this.#forgivenMs < FORGIVE_MS) return;
    this.#forgivenMs = now;
    for (const state of this.#open) this.#runtime.trials.of(state).book.forgive();
  }

  async #lookAt(state: ExperimentState): Promise<void> {
    const counts = this.#enter(state);
    const nowMs = this.#runtime.clock.monotonicMs();
    const elapsedMs = nowMs - counts.startedMs;
    const { mode, metrics, analysis, steps } = state.rules;
    if (this.#runtime.trials.of(state).book.closed)
      return this.#rollBack(state, "the candidate was taken out of service by a data thread");
    if (state.pre) return this.#endPre(state, counts);
    const arms = state.arms.map(({ name }) => name);
    const judgement = judge({ mode, metrics, analysis, arms, phases: counts.phases, elapsedMs });
    counts.look(state, judgement, nowMs);
    if (needsThresholds(state, counts)) return this.#fixThresholds(state, counts);
    const rehearsed = this.#rehearsals.look(state);
    const progress = { step: state.step, stepMs: nowMs - counts.stepMs, totalMs: elapsedMs, rehearsed };
    const move = nextMove({ steps, analysis }, progress, judgement);
    if (state.state === "held" && move.kind !== "rollback") return;
    await this.#make(state, move);
  }

  async #make(state: ExperimentState, move: Move): Promise<void> {
    switch (move.kind) {
      case "wait":
        return;
      case "step":
        return this.#toStep(state, move.step);
      case "weight":
        return this.#toWeight(state, move);
      case "promote":
        return this.#promote(state);
      case "hold":
        return this.hold(state, move.cause, move.reason);
      case "rollback":
        return this.#rollBack(state, move.reason);
    }
  }

  #begun(name: string): void {
    const counts = this.#counts.get(name);
    if (counts !== undefined) counts.stepMs = this.#runtime.clock.monotonicMs();
  }

  async #toStep(state: ExperimentState, step: number): Promise<void> {
    const done = step >= state.rules.steps.length;
    const what = done ? "all steps are done, weights stay" : `step ${step + 1} of ${state.rules.steps.length} begins`;
    await this.#desk.evolve(state, (now) => [
      { ...now, step, safeStep: safeStepOf(now) },
      { by: "rollout", what },
    ]);
    this.#begun(state.name);
  }

  async #toWeight(state: ExperimentState, { step, percent }: Extract<Move, { kind: "weight" }>): Promise<void> {
    const names = state.step === 0 ? FIRST_HOOKS : STEP_HOOKS;
    const no = await this.#ask(state, names, { weight: percent });
    if (no !== null) return this.hold(state, "hook", no);
    const counts = this.#counts.get(state.name);
    const thresholds = counts === undefined ? state.thresholds : thresholdsOf(state, counts);
    await this.#desk.evolve(state, (now) => {
      // Held or moved by somebody while the hook was asked.
      if (now.state !== "running" || now.phase !== state.phase)
        return [now, { by: "rollout", what: "weights not moved" }];
      const next = { ...shiftTo(now, percent), step, safeStep: safeStepOf(now), thresholds };
      return [next, { by: "rollout", what: `weight ${percent} %: ${judged(counts)}` }];
    });
    this.#begun(state.name);
  }

  async #promote(state: ExperimentState): Promise<void> {
    const no = await this.#ask(state, ["rollout", "confirm-promotion"], { weight: 100 });
    if (no !== null) return this.hold(state, "hook", no);
    if (this.#desk.get(state.name).state !== "running") return;
    const ended = await this.#desk.promote(state.name, undefined, "rollout");
    this.#hooks.tell(state.rules.hooks, "post-rollout", { ...bodyOf(ended), outcome: "promoted" });
  }

  /** Its weights stay. */
  async hold(state: ExperimentState, cause: HoldCause, reason: string): Promise<void> {
    if (state.state === "held") return;
    await this.#desk.evolve(state, (now) => [
      { ...now, state: "held", hold: { cause, reason } },
      { by: cause === "manual" ? "admin" : "rollout", what: `held: ${reason}` },
    ]);
  }

  /** Goes on after a hold. @throws ProblemError */
  async resume(name: string): Promise<ExperimentState> {
    const state = this.#desk.get(name);
    if (state.state !== "held" || state.hold === null)
      throw problemError("state", "not_held", `experiment ${name} is ${state.state}, not held`);
    const { cause } = state.hold;
    const running = await this.#desk.evolve(state, (now) => [
      { ...now, state: "running", hold: null },
      { by: "admin", what: "resumed" },
    ]);
    this.#begun(name);
    const { steps, analysis } = state.rules;
    const move = resumeMove({ steps, analysis }, state.step, cause);
    if (move.kind !== "step" || move.step !== state.step) await this.#make(running, move);
    return this.#desk.get(name);
  }

  async #endPre(state: ExperimentState, counts: Counts): Promise<void> {
    const { prePeriodMs } = state.rules.analysis;
    if (this.#runtime.clock.monotonicMs() - counts.startedMs < prePeriodMs) return;
    await this.#desk.evolve(state, (now) => [
      { ...now, pre: false, phase: now.phase + 1 },
      { by: "rollout", what: "the A/A phase is over, the candidate begins" },
    ]);
    this.#begun(state.name);
  }

  /** The control's own quantiles are known: what is counted from here on is counted against them. */
  async #fixThresholds(state: ExperimentState, counts: Counts): Promise<void> {
    const thresholds = thresholdsOf(state, counts);
    const told = Object.entries(thresholds).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`);
    await this.#desk.evolve(state, (now) => [
      { ...now, thresholds, phase: now.phase + 1 },
      { by: "rollout", what: `latency of the control is known: ${told.join(", ")}` },
    ]);
  }

  /** The filter's live version is another: what the control has counted so far is another's (decisions.md 17). */
  #swapped(filter: string, version: string): void {
    for (const state of this.#open) {
      if (state.filter !== filter || !state.arms.some((arm) => arm.version === "current")) continue;
      const what = `${version} is live now: counts begin anew`;
      const anew = (now: ExperimentState) =>
        [
          { ...now, phase: now.phase + 1 },
          { by: "config", what },
        ] as const;
      void this.#desk
        .evolve(state, (now) => {
          this.#counts.get(now.name)?.forget();
          return anew(now);
        })
        .then(() => this.#begun(state.name))
        .catch((error: unknown) => this.#refused(state, error));
    }
  }

  async #rollBack(state: ExperimentState, reason: string): Promise<void> {
    const { clock, trials } = this.#runtime;
    const beganMs = clock.monotonicMs();
    // Every thread sees this at its next request; the commit below makes it lasting.
    trials.of(state).book.close();
    if (this.#ending.has(state.run)) return;
    this.#ending.add(state.run);
    const closedMs = clock.monotonicMs() - beganMs;
    try {
      const told = { by: "rollout" as const, what: `rolled back: ${reason}`, data: { reason, closedMs } };
      const ended = await this.#desk.rollBack(state, told);
      this.#rehearsals.diagnose(ended);
      this.#hooks.tell(ended.rules.hooks, "rollback", { ...bodyOf(ended), reason });
      this.#hooks.tell(ended.rules.hooks, "post-rollout", { ...bodyOf(ended), outcome: "rolledBack", reason });
    } catch (error) {
      this.#refused(state, error);
    } finally {
      this.#ending.delete(state.run);
    }
  }

  #ask(state: ExperimentState, names: Parameters<Hooks["ask"]>[1], more: object): Promise<string | null> {
    return this.#hooks.ask(state.rules.hooks, names, { ...bodyOf(state), ...more });
  }

  /** A move that the data threads refused changes nothing; the next look tries again. */
  #refused({ filter, name }: ExperimentState, error: unknown): void {
    const problems = toProblems(error);
    const text = `${filter}  experiment ${name} could not be moved: ${problems[0]?.message ?? "unknown"}`;
    this.#runtime.events.emit({ type: "experiment", filter, text, problems, data: { name } });
  }
}
