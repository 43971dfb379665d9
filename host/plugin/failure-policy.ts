// What a stream meets while no instance of a filter lives: the policy of what ended the last one, or the filter's own.
// Generation asks; read-filters.ts reads it from the configuration.
import type { FaultCause } from "../vm/faults.ts";
import type { FailurePolicy, FilterOptions } from "./options.ts";

export const FAULT_CAUSES: readonly FaultCause[] = ["start", "config", "trap", "fuel", "oom", "tick"];

/** A tick that fails counts as a trap, unless it has a policy of its own (decisions.md 2). */
export function policyFor(
  { failurePolicy, failurePolicies }: Pick<FilterOptions, "failurePolicy" | "failurePolicies">,
  cause: FaultCause,
): FailurePolicy {
  return failurePolicies[cause] ?? (cause === "tick" ? failurePolicies.trap : undefined) ?? failurePolicy;
}
