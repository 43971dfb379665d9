// What a shadow has found -> whether the rollout goes on. Pure. Bad news that needs no second one (the candidate does not start,
// it traps again and again) is acted on at once; differences wait for the end of the step, when the noise floor is known.
import type { ShadowStep } from "./options.ts";

/** As many as take a candidate out of live traffic (experiments.md 8). */
const TRAP_LIMIT = 3;
const MAX_NAMED = 3;

export interface Rehearsed {
  /** Streams that both versions were led through. */
  readonly compared: number;
  readonly differing: number;
  /** `request_headers request.header.x-tag`, those above the noise floor. */
  readonly fields: readonly string[];
  /** How often the candidate asked for what the control had not asked. */
  readonly diverged: number;
  /** Streams on which the candidate trapped and the control did not. */
  readonly trapped: number;
  /** Why the candidate does not start; "" when it does. */
  readonly fault: string;
  /** Why there is no shadow; "" when there is. */
  readonly problem: string;
}

/** `bad`: the candidate is to blame; `unknown`: there is nothing to go by; `missing`: there was no shadow. */
export type RehearsalVerdict =
  | { readonly kind: "open" }
  | { readonly kind: "pass" | "bad" | "unknown" | "missing"; readonly reason: string };

const OPEN: RehearsalVerdict = { kind: "open" };

export function judgeRehearsal({ onDiff }: ShadowStep, found: Rehearsed | null, over: boolean): RehearsalVerdict {
  if (found === null) return OPEN;
  const { compared, fault, trapped, problem } = found;
  if (fault !== "") return { kind: "bad", reason: `in the shadow the candidate does not start: ${fault}` };
  if (trapped >= (over ? 1 : TRAP_LIMIT))
    return { kind: "bad", reason: `in the shadow the candidate trapped on ${trapped} of ${compared} streams` };
  const goesOn = onDiff === "continue";
  if (problem !== "" && !goesOn) return { kind: "missing", reason: `no shadow: ${problem}` };
  if (!over) return OPEN;
  const reason = problem === "" ? toldOf(found) : `no shadow: ${problem}`;
  if (goesOn) return { kind: "pass", reason };
  if (compared === 0) return { kind: "unknown", reason };
  return { kind: differs(found) ? "bad" : "pass", reason };
}

const differs = ({ fields, diverged }: Rehearsed): boolean => fields.length > 0 || diverged > 0;

function toldOf(found: Rehearsed): string {
  const { compared, differing, fields, diverged } = found;
  if (compared === 0) return "the shadow compared no stream";
  if (!differs(found)) return `the shadow compared ${compared} streams, none differs beyond the noise`;
  const more = fields.length > MAX_NAMED ? ` and ${fields.length - MAX_NAMED} more` : "";
  const where = fields.length === 0 ? "" : ` in ${fields.slice(0, MAX_NAMED).join(", ")}${more}`;
  const asked = diverged === 0 ? "" : `; ${diverged} times it asked for what the control had not`;
  return `in the shadow ${differing} of ${compared} streams differ${where}${asked}`;
}
