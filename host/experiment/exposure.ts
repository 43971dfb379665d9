// One request (or connection) in one arm of an experiment: made when its filter is reached, added to the arm's sums when
// the request has ended. Requests outside experiments never have one.
import type { ArmTally } from "./tally.ts";

export class Exposure {
  readonly tally: ArmTally;
  /** 32-bit hash of the unit; 0 with `perRequest`. */
  readonly unit: number;
  readonly bucket: number;
  /** The unit is the request itself: nothing is to be de-duplicated. */
  readonly perRequest: boolean;
  /** Further experiments that this request met. */
  readonly next: Exposure | null;
  /** Points the filter used. */
  fuel = 0;
  /** Time inside the filter's callbacks. */
  filterMs = 0;
  replied = false;
  /** The filter failed this request, whatever the answer was. */
  failed = false;
  /** What the filter recorded in the metrics that the experiment asks for; null until it does. */
  recorded: Float64Array | null = null;

  constructor(tally: ArmTally, unit: UnitPlace, next: Exposure | null) {
    this.tally = tally;
    this.unit = unit.hash;
    this.bucket = unit.bucket;
    this.perRequest = unit.perRequest;
    this.next = next;
  }

  /** A metric of the experiment got a value from the filter, by its place among them. */
  record(metric: number, value: number): void {
    this.recorded ??= new Float64Array(this.tally.plan.filterMetrics.length);
    this.recorded[metric] = (this.recorded[metric] ?? 0) + value;
  }
}

export interface UnitPlace {
  readonly hash: number;
  readonly bucket: number;
  readonly perRequest: boolean;
}
