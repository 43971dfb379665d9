// Pass, fail, or not yet known: what a metric says about the candidate. Nothing here guesses; what the data do not show is
// inconclusive.
import type { Estimate } from "./estimate.ts";
import { type Interval, type Level, oneSidedWidth } from "./confidence-sequence.ts";

export type Verdict = "pass" | "fail" | "inconclusive";

/** Where a guardrail ends: the value may not be above `max`, or not below `min`. */
export interface Limit {
  readonly max: number | null;
  readonly min: number | null;
}

/** Pass when even the unlucky end of the one-sided bound is inside, fail when even the lucky end is outside. */
export function withinLimit(estimate: Estimate, { max, min }: Limit, level: Level): Verdict {
  const half = oneSidedWidth(estimate, level);
  const above = max === null ? "pass" : sideOf(max - estimate.value, half);
  const below = min === null ? "pass" : sideOf(estimate.value - min, half);
  return worst([above, below]);
}

function sideOf(room: number, half: number): Verdict {
  if (half <= room) return "pass";
  return -half > room ? "fail" : "inconclusive";
}

/** Of the primary metric: the interval leaves 0 out, in the wished direction or the other. */
export function movedAs({ low, high }: Interval, wished: "increase" | "decrease"): Verdict {
  if (low > 0) return wished === "increase" ? "pass" : "fail";
  if (high < 0) return wished === "decrease" ? "pass" : "fail";
  return "inconclusive";
}

/** One failure fails all; one open question leaves all open. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("fail")) return "fail";
  return verdicts.includes("inconclusive") ? "inconclusive" : "pass";
}
