// Events that happen to units outside the proxy: each is counted for the arm in which the unit was seen in the present step.
import { fnv1a32 } from "../../base/hash.ts";
import { METRIC_BUCKETS } from "../../experiment/tally.ts";
import type { ExperimentState } from "../experiment-state.ts";
import type { Trials } from "./trials.ts";
import type { PostedEvent, PostedResult } from "../report-types.ts";
import type { Counts } from "./counts.ts";

/** Same hash as on the data threads (data-plane/experiment-slot.ts). */
export function countEvents(
  state: ExperimentState,
  counts: Counts,
  trials: Trials,
  events: readonly PostedEvent[],
): PostedResult {
  const { book } = trials.of(state);
  let counted = 0;
  for (const { unit, name, value = 1 } of events) {
    const hash = fnv1a32(`${state.name}\0${unit}`);
    const arm = book.armOf(hash | 0);
    if (arm >= 0 && counts.addEvent(arm, hash % METRIC_BUCKETS, name, value)) counted++;
  }
  return { counted, ignored: events.length - counted };
}
