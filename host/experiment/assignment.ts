// Which arm of an experiment a unit belongs to. The table is made once per publication of weights and read for every
// request; the same unit gets the same arm on every thread and after every restart, since nothing but the salt, the unit
// and the ranges goes in.
import { BUCKETS, bucketOf } from "./growthbook.ts";
import { type ArmRanges, planRanges } from "./ranges.ts";

/** Arms of one experiment, at most: an index fits a byte. */
export const MAX_ARMS = 256;

export class Assignment {
  readonly salt: string;
  /** Kept by the control side for the next plan, and over restarts. */
  readonly ranges: readonly ArmRanges[];
  /** A byte per bucket: one load per request instead of a search (10 000 bytes per experiment and thread). */
  readonly #armOf = new Uint8Array(BUCKETS);

  /** Buckets that no range covers belong to arm 0, the control. Throws RangeError on more than 256 arms. */
  constructor(salt: string, ranges: readonly ArmRanges[]) {
    if (ranges.length > MAX_ARMS) throw new RangeError(`${ranges.length} arms given, at most ${MAX_ARMS} are possible`);
    this.salt = salt;
    this.ranges = ranges;
    ranges.forEach((arm, index) => arm.forEach(([from, to]) => this.#armOf.fill(index, from, to)));
  }

  /** The first plan for `weights`. */
  static fromWeights(salt: string, weights: readonly number[]): Assignment {
    return new Assignment(salt, planRanges(null, weights));
  }

  /** The plan for new weights that moves the fewest units; this one stays as it is. */
  withWeights(weights: readonly number[]): Assignment {
    return new Assignment(this.salt, planRanges(this.ranges, weights));
  }

  /** Index of the arm of a bucket, 0 to 9999. */
  pickArm(bucket: number): number {
    return this.#armOf[bucket] ?? 0;
  }

  /** Index of the arm of a unit. Without one: 0, the control. */
  assign(unit: string | null): number {
    return unit === null ? 0 : this.pickArm(bucketOf(this.salt, unit));
  }
}
