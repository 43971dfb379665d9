// What takes a candidate out at once, without statistics (experiments.md 8): a data thread says that it harms requests, or a
// version runs out of memory, does not start, or faults outside of requests.
import { HARM_LIMIT } from "../../experiment/unit-book.ts";
import type { FaultReport } from "../../plugin/services.ts";
import { type ExperimentState, isOpen } from "../experiment-state.ts";
import type { Runtime } from "../runtime.ts";
import { isCandidate } from "./reading.ts";

type RollBack = (state: ExperimentState, reason: string) => void;

export function armTriggers(runtime: Runtime, rollBack: RollBack): void {
  const { ears, experiments, trials, book } = runtime;
  ears.alarm = (name, trial, harmed) => {
    const state = experiments.get(name);
    if (state === undefined || !isOpen(state) || !trial.startsWith(`${state.run}.`) || harmed < HARM_LIMIT) return;
    rollBack(state, `the candidate failed ${harmed} requests (traps, fuel or no instance)`);
  };
  /** Faults that need no second one, and those outside of requests. */
  const isEnough = (state: ExperimentState, { reason, cause }: FaultReport["fault"]): boolean =>
    reason === "oom" ||
    cause === "start" ||
    cause === "config" ||
    (cause === "tick" && trials.of(state).book.harm() >= HARM_LIMIT);
  ears.fault = ({ filter, version, fault }) => {
    for (const state of experiments.values()) {
      if (!isOpen(state) || state.filter !== filter) continue;
      if (!isCandidate(state, version, book.get(filter).live?.label) || !isEnough(state, fault)) continue;
      rollBack(state, `${version} ${fault.reason} in ${fault.callback}: ${fault.message}`);
    }
  };
}
