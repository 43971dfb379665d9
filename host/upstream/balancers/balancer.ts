// What every balancer is: a choice of one candidate by number. Balancers keep no list of their own: a cluster makes a new
// balancer when its endpoints change.
import type { Random } from "../../base/random.ts";
import type { LbPolicy } from "../options.ts";
import { LeastRequest } from "./least-request.ts";
import { RandomPick } from "./random-pick.ts";
import { RoundRobin } from "./round-robin.ts";

export interface Candidate {
  /** 1 or more. */
  readonly weight: number;
  /** Requests under way or waiting for a connection. */
  readonly load: number;
}

export interface Balancer {
  /**
   * Number of the chosen candidate, or -1 when there is none. `avoid` (a number, or -1) is chosen only when it is the only
   * candidate: it has just failed this request.
   */
  pick(avoid: number): number;
}

export function createBalancer(policy: LbPolicy, candidates: readonly Candidate[], random: Random): Balancer {
  switch (policy) {
    case "roundRobin":
      return new RoundRobin(candidates, random);
    case "leastRequest":
      return new LeastRequest(candidates, random);
    case "random":
      return new RandomPick(candidates, random);
  }
}
