// A stable share of traffic: the same request (or user) falls on the same side in every filter, thread and hop, and again
// in a replay. Never a random generator (governance.md 2).
import { Bytes } from "../bytes";
import { Percent } from "../config/units";
import { HttpFilter } from "../context";
import { fnv1aDecimal, fnv1aText } from "../text/hash";
import { requestIdOf } from "./source";

const MILLION: u32 = 1000000;
const PRIME: u32 = 0x01000193;

/** A share of traffic, in percent, that is the same for the same key in every worker. */
export class Share {
  private millionths: u32;
  private seed: u32;

  /** @param salt what makes two shares of the same ids independent of each other */
  constructor(percent: Percent, salt: string) {
    this.millionths = <u32>nearest(percent.value * 10000);
    this.seed = fnv1aText(salt);
  }
  /** Whether everything falls into the share. */
  get whole(): bool {
    return this.millionths >= MILLION;
  }
  /**
   * Whether `id` falls into the share. The double FNV-1a of the host's experiments (GrowthBook's v2), taken to the
   * millionth instead of the ten-thousandth: percentages have four decimals.
   */
  takes(id: Bytes): bool {
    if (this.whole || this.none) return this.whole;
    let hash = this.seed;
    for (let i = 0; i < id.length; i++) hash = (hash ^ load<u8>(id.ptr + i)) * PRIME;
    return fnv1aDecimal(hash) % MILLION < this.millionths;
  }
  /** As `takes`, of the request's id; the id is not even read for 0 and 100 %. */
  takesRequest(stream: HttpFilter): bool {
    return this.whole || (!this.none && this.takes(requestIdOf(stream)));
  }

  private get none(): bool {
    return this.millionths == 0;
  }
}
