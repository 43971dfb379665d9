// What is known of an experiment, as the admin API and the CLI show it (`--json` too): a contract like types.ts.
import type { Judgement } from "../experiment/judgement.ts";
import type { Point } from "./rollout/counts.ts";
import type { ShadowReport } from "./shadow/shadow.ts";
import type { ExperimentStatus } from "./types.ts";

/** `GET /api/v1/experiments/{name}/report`. */
export interface ExperimentReport {
  readonly experiment: ExperimentStatus;
  /** Since the start of the experiment or, after a restart, of its present run. */
  readonly runtimeMs: number;
  /** How often the numbers were looked at. */
  readonly looks: number;
  readonly alpha: number;
  readonly tuning: number;
  /** Null until the first look. */
  readonly judgement: Judgement | null;
  /** The primary and secondary metrics over all steps, combined by inverse variance. */
  readonly combined: readonly CombinedEffect[];
  readonly arms: readonly ArmFigures[];
  /** Effect and interval over time. */
  readonly points: readonly Point[];
  /** What the candidate would have done, of the rehearsal or since the rollback; null without. */
  readonly shadow: ExperimentShadow | null;
}

/** In short; `href` has the whole report, with examples of traffic. */
export interface ExperimentShadow {
  /** `rehearsal`: before the first weight; `diagnosis`: after a rollback, for a while. */
  readonly purpose: "rehearsal" | "diagnosis";
  /** Why there is none, or not any more; "" else. */
  readonly problem: string;
  /** Of the admin API; "" when none was started. */
  readonly href: string;
  readonly state: ShadowReport["state"];
  readonly ended: ShadowReport["ended"];
  /** The version that serves, and the candidate. */
  readonly a: string;
  readonly b: string;
  readonly percent: number;
  readonly startedAt: string;
  readonly compared: number;
  readonly differing: number;
  readonly noise: ShadowReport["noise"];
  readonly diverged: number;
  readonly dropped: number;
  /** Why the candidate does not start; "" when it does. */
  readonly fault: string;
  /** Those above the noise floor, most frequent first. */
  readonly fields: readonly { readonly phase: string; readonly field: string; readonly count: number }[];
}

export interface CombinedEffect {
  readonly name: string;
  readonly arm: string;
  readonly effect: number;
  readonly low: number;
  readonly high: number;
  readonly steps: number;
}

/** Of one arm in the present step. Times in ms, null without a request. */
export interface ArmFigures {
  readonly name: string;
  readonly requests: number;
  readonly units: number;
  readonly responses: Readonly<Record<string, number>>;
  readonly errors: number;
  readonly localReplies: number;
  readonly faults: number;
  readonly p50: number | null;
  readonly p99: number | null;
  /** What the proxy added to the upstream's time. */
  readonly addedP50: number | null;
  readonly addedP99: number | null;
  /** Inside the callbacks of the filter, per request. */
  readonly filterP50: number | null;
  readonly filterP99: number | null;
  readonly upstreamMean: number | null;
  readonly fuelMean: number | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly attempts: number;
  readonly memoryBytes: number;
}

/** `POST /api/v1/experiments/{name}/events`: something happened to a unit outside the proxy. */
export interface PostedEvent {
  readonly unit: string;
  readonly name: string;
  /** Default 1. */
  readonly value?: number;
}

export interface PostedResult {
  readonly counted: number;
  /** Of units that met no arm in the present step, or of an event that no metric asks for. */
  readonly ignored: number;
}
