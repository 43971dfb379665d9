// What a look at an experiment says: plain data, as the report, the API and the terminal show it. Types only.
import type { Verdict } from "./statistics/verdict.ts";

export interface MetricJudgement {
  readonly name: string;
  readonly role: "primary" | "guardrail" | "secondary";
  readonly arm: string;
  /** Value of the control and of the arm. null: nothing has been reported. */
  readonly control: number | null;
  readonly candidate: number | null;
  /** What the interval is about: the difference to the control, or the candidate's own value. */
  readonly about: "difference" | "value";
  readonly effect: number | null;
  /** Always valid, at this metric's share of alpha. null = unbounded so far. */
  readonly low: number | null;
  readonly high: number | null;
  /** Against "nothing has changed"; 1/alpha and more is a discovery. */
  readonly eValue: number;
  readonly verdict: Verdict;
  /** Why, in words. */
  readonly reason: string;
}

export interface ErrorJudgement {
  readonly arm: string;
  readonly events: number;
  readonly candidate: number;
  readonly expected: number;
  readonly eValue: number;
  readonly worse: boolean;
}

export interface RatioJudgement {
  readonly arm: string;
  readonly units: number;
  readonly planned: number;
  readonly observed: number;
  readonly eValue: number;
  readonly chiSquare: number;
  readonly mismatch: boolean;
}

/** Something that does not wait for the end of a step. */
export interface Stop {
  readonly action: "rollback" | "hold";
  readonly reason: string;
}

export interface Judgement {
  /** Units of the present step by arm, control first. */
  readonly units: readonly number[];
  readonly requests: readonly number[];
  readonly errors: readonly ErrorJudgement[];
  readonly sampleRatio: readonly RatioJudgement[];
  readonly metrics: readonly MetricJudgement[];
  readonly stop: Stop | null;
  /** May the rollout go one step further? */
  readonly gate: Verdict;
  /** May the candidate become the live version? */
  readonly promotion: Verdict;
  /** One sentence. */
  readonly summary: string;
}
