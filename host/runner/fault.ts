// How a program of the runner ended, as a problem with a remedy.
import { problemError, type ProblemError } from "../base/problem.ts";
import type { FaultReason } from "../vm/faults.ts";

const HINTS: Partial<Record<FaultReason, string>> = {
  fuel: "raise --fuel, or leave it out for no limit",
  oom: "raise --max-memory",
};

export function faultOf(file: string, reason: FaultReason, message: string): ProblemError {
  const hint = HINTS[reason];
  const words = reason === "fuel" ? "its fuel is used up" : message;
  return problemError("trap", reason, `${file} ended with ${reason}: ${words}`, hint === undefined ? {} : { hint });
}
