// Shadows that belong to experiments: the rehearsal before the first weight, and the candidate that was rolled back and is
// looked at for a while. The rollout desk asks what was found, and says when states have changed.
import type { Timer } from "../../base/clock.ts";
import { toProblems } from "../../base/problem.ts";
import type { ShadowStep } from "../../experiment/options.ts";
import type { Rehearsed } from "../../experiment/rehearsal.ts";
import type { ExperimentState } from "../experiment-state.ts";
import type { ExperimentShadow } from "../report-types.ts";
import type { Runtime } from "../runtime.ts";
import type { ShadowReport } from "../shadow/shadow.ts";
import { rehearsedOf, shadowLink } from "./shadow-reading.ts";

const CPU_PERCENT = 5;
/** Of the traffic, after a rollback: enough to see why, whoever is awake. */
const DIAGNOSIS_PERCENT = 5;

interface Entry {
  readonly run: string;
  readonly filter: string;
  purpose: ExperimentShadow["purpose"];
  /** As last read; null when it could not be started. */
  report: ShadowReport | null;
  problem: string;
  isOpen: boolean;
  timer: Timer | null;
}

export class Rehearsals {
  readonly #runtime: Pick<Runtime, "clock" | "shadows" | "book" | "experiments">;
  readonly #entries = new Map<string, Entry>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** What the shadow of the present step has found; starts it when there is none. Null: the step is none. */
  look(state: ExperimentState): Rehearsed | null {
    const step = shadowStep(state);
    if (step === null) return null;
    const known = this.#entries.get(state.name);
    const isMine = known !== undefined && known.run === state.run && known.isOpen;
    if (isMine) this.#read(known);
    // What it was held against has been replaced: it is held against what serves now.
    const entry = isMine && known.report?.ended !== "version" ? known : this.#begin(state, step, "rehearsal");
    return rehearsedOf(entry.report, entry.problem);
  }

  #begin(state: ExperimentState, step: Begun, purpose: Entry["purpose"]): Entry {
    const { filter, run, name } = state;
    for (const other of this.#entries.values()) if (other.filter === filter) this.#end(other);
    const entry: Entry = { run, filter, purpose, report: null, problem: "", isOpen: true, timer: null };
    this.#entries.set(name, entry);
    const version = state.arms.at(-1)?.version ?? "current";
    const { percent, ignore } = step;
    try {
      this.#assertLive(state);
      entry.report = this.#runtime.shadows.start({ filter, version, percent, cpuPercent: CPU_PERCENT, ignore });
    } catch (error) {
      entry.problem = toProblems(error)[0]?.message ?? "it could not be started";
    }
    return entry;
  }

  /** A shadow is held against what serves, so the control has to be that. */
  #assertLive({ filter, arms }: ExperimentState): void {
    const live = this.#runtime.book.get(filter).live?.label ?? "";
    const control = arms[0]?.version ?? "";
    if (control !== "current" && control !== live)
      throw new Error(`the control is ${control}, and ${live} is live; a shadow is held against the live version`);
  }

  /** The shadow that was started, if it is still that one: somebody may have stopped it and begun another. */
  #read(entry: Entry): void {
    const { report } = entry;
    if (report === null) return;
    const now = this.#runtime.shadows.reports.find(({ filter }) => filter === entry.filter);
    if (now?.startedAt === report.startedAt && now.b.version === report.b.version) entry.report = now;
    else if (report.ended === "") entry.report = { ...report, state: "ended", ended: "stopped" };
  }

  #end(entry: Entry): void {
    entry.timer?.cancel();
    entry.timer = null;
    if (!entry.isOpen) return;
    this.#read(entry);
    if (entry.report?.ended === "") entry.report = this.#runtime.shadows.stop(entry.filter);
    entry.isOpen = false;
  }

  /** States have changed: a shadow whose step is over ends. One that was rolled back is left for {@link diagnose}. */
  settle(): void {
    for (const [name, entry] of this.#entries) {
      const state = this.#runtime.experiments.get(name);
      const isOver = state === undefined || state.run !== entry.run || shadowStep(state) === null;
      if (entry.purpose === "rehearsal" && isOver && state?.state !== "rolledBack") this.#end(entry);
    }
  }

  /** Keeps a candidate that was rolled back in the shadow for a while; nobody is answered by it. */
  diagnose(state: ExperimentState): void {
    const { diagnosisMs } = state.rules;
    const known = this.#entries.get(state.name);
    const goesOn = known?.run === state.run && known.isOpen && known.report !== null;
    if (diagnosisMs <= 0) {
      if (known !== undefined) this.#end(known);
      return;
    }
    const begun = { percent: DIAGNOSIS_PERCENT, ignore: [] };
    const entry = goesOn ? known : this.#begin(state, begun, "diagnosis");
    entry.purpose = "diagnosis";
    entry.timer = this.#runtime.clock.after(diagnosisMs, () => this.#end(entry));
  }

  /** For the experiment's report; null when it had no shadow in this run. */
  shadowOf({ name, run }: ExperimentState): ExperimentShadow | null {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.run !== run) return null;
    if (entry.isOpen) this.#read(entry);
    return shadowLink(entry.purpose, entry.report, entry.problem);
  }

  close(): void {
    for (const { timer } of this.#entries.values()) timer?.cancel();
  }
}

type Begun = Pick<ShadowStep, "percent" | "ignore">;

/** The present step, if it is a shadow and under way. */
function shadowStep({ state, rules, step }: ExperimentState): ShadowStep | null {
  const present = rules.steps[step];
  return state === "running" && present?.kind === "shadow" ? present : null;
}
