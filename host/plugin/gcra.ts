// The generic cell rate algorithm (governance.md R19) on two words of shared memory. Split in three so that the part
// inside the lock neither allocates nor touches a BigInt: plan (before), step (inside), result (after).

export interface GcraParams {
  /** The period in which `limit` events may happen. */
  readonly periodNs: bigint;
  /** 0 or less: nothing is allowed. */
  readonly limit: number;
  /** Events that may come at once after a pause; 1 or more. */
  readonly burst: number;
  /** Events this one counts for; 0 only asks. */
  readonly cost: number;
}

export interface GcraResult {
  readonly allowed: boolean;
  /** Events of cost 1 that would still be allowed now. */
  readonly remaining: number;
  /** When the same event would be allowed; 0n when it is. */
  readonly retryAfterNs: bigint;
}

export interface GcraPlan {
  readonly intervalNs: number;
  readonly toleranceNs: number;
  readonly chargeNs: number;
  readonly nowLow: number;
  readonly nowHigh: number;
}

const WORD = 4_294_967_296;

/** Whole nanoseconds throughout: with a fractional interval the last event of a burst fails by rounding. */
export function planGcra(params: GcraParams, nowNs: bigint): GcraPlan {
  const intervalNs = Math.max(1, Math.round(Number(params.periodNs) / Math.max(params.limit, 1)));
  return {
    intervalNs,
    toleranceNs: params.limit > 0 ? intervalNs * Math.max(params.burst, 0) : 0,
    chargeNs: intervalNs * Math.max(params.cost, 0),
    nowLow: Number(BigInt.asUintN(32, nowNs)),
    nowHigh: Number(nowNs >> 32n),
  };
}

/**
 * Reads the theoretical arrival time (u64 ns, two words at `at`) and moves it when the event is allowed. Returns how far
 * it lies ahead of now after the event, in ns; above the tolerance means refused, and nothing was written. A time further
 * ahead than the tolerance can only come from a clock set back or a changed limit and counts as the tolerance.
 */
export function stepGcra(words: Int32Array, at: number, plan: GcraPlan): number {
  const low = (words[at] ?? 0) >>> 0;
  const high = (words[at + 1] ?? 0) >>> 0;
  // Exact while the two are less than 104 days apart, and beyond that only the sign matters.
  const stored = (high - plan.nowHigh) * WORD + (low - plan.nowLow);
  const ahead = Math.min(Math.max(stored, 0), plan.toleranceNs) + plan.chargeNs;
  if (ahead > plan.toleranceNs || plan.chargeNs === 0) return ahead;
  const sum = plan.nowLow + ahead;
  words[at] = (sum % WORD) | 0;
  words[at + 1] = (plan.nowHigh + Math.floor(sum / WORD)) | 0;
  return ahead;
}

export function gcraResult(plan: GcraPlan, aheadNs: number): GcraResult {
  const allowed = aheadNs <= plan.toleranceNs;
  const used = allowed ? aheadNs : aheadNs - plan.chargeNs;
  return {
    allowed,
    remaining: Math.max(0, Math.floor((plan.toleranceNs - used) / plan.intervalNs)),
    retryAfterNs: allowed ? 0n : BigInt(Math.ceil(aheadNs - plan.toleranceNs)),
  };
}
