// What rollouts listen to: parts of the control side that are wired before the rollout desk say it here.
import type { ExperimentState } from "../experiment-state.ts";
import type { FaultReport } from "../../plugin/services.ts";

export interface RolloutEars {
  /** A data thread says that a candidate has harmed a request. */
  alarm: (experiment: string, trial: string, harmed: number) => void;
  /** A version has faulted, in a request or outside of one. */
  fault: (report: FaultReport) => void;
  /** Experiments were started, changed or ended; with one: this one, and how. */
  changed: (state?: ExperimentState, what?: string) => void;
  /** A filter has another live version. */
  swapped: (filter: string, version: string) => void;
}

export const deafEars = (): RolloutEars => ({ alarm: () => {}, fault: () => {}, changed: () => {}, swapped: () => {} });
