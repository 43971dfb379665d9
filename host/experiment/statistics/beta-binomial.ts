// The beta-binomial e-process: of k bad events, x came from B. While B is no worse, x is binomial with B's share w of the
// units; E is the evidence that it is not, and may be looked at after every event (Ville: P(E ever >= 1/α) <= α). Exact,
// not asymptotic: safe from the first event on, so it is what rolls back by itself (experiments.md 5.2).
import { logBeta } from "./log-gamma.ts";

/** Of one step: the counts under one planned share. */
export interface EventCounts {
  /** Events in both arms together. */
  readonly events: number;
  /** Of them in B. */
  readonly candidate: number;
  /** B's planned share of the units of both arms, 0 to 1. */
  readonly share: number;
}

/** Concentration of the prior around w: the greater, the smaller the deviations it looks for. */
export const EVENT_CONCENTRATION = 10;

/** ln E of one step; 0 = no evidence. A share of 0 or 1 can say nothing. */
export function logEvidence({ events, candidate, share }: EventCounts, concentration: number): number {
  if (events === 0 || share <= 0 || share >= 1) return 0;
  const a = concentration * share;
  const b = concentration * (1 - share);
  const likelihood = candidate * Math.log(share) + (events - candidate) * Math.log(1 - share);
  return logBeta(a + candidate, b + events - candidate) - logBeta(a, b) - likelihood;
}

export interface Evidence {
  /** Natural logarithm of the running product over steps. */
  readonly logE: number;
  readonly events: number;
  readonly candidate: number;
  /** What would be expected in B if it were as good as A. */
  readonly expected: number;
}

/** Steps with different shares: one e-process each, their product is the evidence. */
export function evidenceOf(steps: readonly EventCounts[], concentration = EVENT_CONCENTRATION): Evidence {
  const sum = (read: (step: EventCounts) => number): number => steps.reduce((total, step) => total + read(step), 0);
  return {
    logE: sum((step) => logEvidence(step, concentration)),
    events: sum(({ events }) => events),
    candidate: sum(({ candidate }) => candidate),
    expected: sum(({ events, share }) => events * share),
  };
}

/** B has provably more than its share; an improvement is no reason to stop. */
export function isWorse({ logE, candidate, expected }: Evidence, alpha: number): boolean {
  return logE >= -Math.log(alpha) && candidate > expected;
}

/**
 * The greatest rate that `units` units without a single event leave possible, at all times at once. Closed form of the same
 * mixture with x = 0 and no upper limit on w: where the delta method has no variance to work with, this still says something.
 */
export function boundWithoutEvents(units: number, alpha: number, concentration = EVENT_CONCENTRATION): number {
  if (units <= 0) return 1;
  const a = 0.5;
  const b = concentration;
  return 1 - Math.exp((Math.log(alpha) + logBeta(a, b + units) - logBeta(a, b)) / units);
}
