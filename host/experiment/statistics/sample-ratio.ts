// Sample ratio mismatch: the arms do not get the units they were promised, so something loses or doubles them and no other
// figure can be trusted. The e-process of beta-binomial.ts on de-duplicated exposures (model: Optimizely's ssrm-test),
// with the classical chi-square beside it for those who know that one (experiments.md 5.3).
import { type EventCounts, evidenceOf } from "./beta-binomial.ts";

const CONCENTRATION = 1000;
/** Units per arm below which nothing is said. */
const MIN_UNITS = 8;

export interface SampleRatio {
  /** Units of both arms. */
  readonly units: number;
  readonly observedShare: number;
  readonly plannedShare: number;
  readonly logE: number;
  readonly chiSquare: number;
  readonly mismatch: boolean;
}

/** Looks at one step: the plan is another one in every step. */
export function sampleRatio(counts: EventCounts, alpha: number): SampleRatio {
  const { events: units, candidate, share } = counts;
  const { logE } = evidenceOf([counts], CONCENTRATION);
  const expected = units * share;
  const deviation = candidate - expected;
  const chiSquare =
    expected > 0 && expected < units ? deviation ** 2 / expected + deviation ** 2 / (units - expected) : 0;
  const enough = candidate >= MIN_UNITS && units - candidate >= MIN_UNITS;
  return {
    units,
    observedShare: units === 0 ? 0 : candidate / units,
    plannedShare: share,
    logE,
    chiSquare,
    mismatch: enough && logE >= -Math.log(alpha),
  };
}
