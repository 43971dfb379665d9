// A crash report as events, log and admin API show it (reliability.md 2.5, abi.md 13): which filter and version, in which
// callback and for which request, how it ended, what it had asked of the host, and where in its source.
import { basename } from "node:path";
import type { GuestFault } from "../vm/faults.ts";
import type { SourceFrame } from "./trap-position.ts";

export interface CrashReport extends Omit<GuestFault, "frames"> {
  /** ISO 8601. */
  readonly time: string;
  readonly filter: string;
  readonly version: string;
  readonly threadId: number;
  /** When a new instance may serve: ms from then, 0 = with the next stream. */
  readonly renewInMs: number;
  readonly frames: readonly SourceFrame[];
  /** `rate-limit.ts:41:9`, the innermost line of the filter's own source; "" when it is not known. */
  readonly position: string;
}

export function positionOf(frames: readonly SourceFrame[]): string {
  const own = frames.find(({ file }) => file !== "");
  return own === undefined ? "" : `${basename(own.file)}:${own.line}:${own.column}`;
}

/** For people: what happened, the guest's stack, what led to it. */
export function crashLines(crash: CrashReport): readonly string[] {
  const { filter, version, reason, callback, message, frames, requestId, contextId, fuel, hostCalls } = crash;
  const whose = requestId === "" ? `context ${contextId}` : `request ${requestId}, context ${contextId}`;
  const used = fuel === null ? "" : `, ${fuel} points of fuel used`;
  const stack = frames.map(
    ({ name, file, line, column }) => `    at ${name}${file === "" ? "" : ` (${file}:${line}:${column})`}`,
  );
  const calls = hostCalls.length === 0 ? [] : ["    last host calls:", ...hostCalls.map((words) => `      ${words}`)];
  return [`${filter} ${version} ${reason} in ${callback}: ${message}`, ...stack, `    ${whose}${used}`, ...calls];
}
