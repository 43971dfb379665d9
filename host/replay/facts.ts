// The facts of a stream as a recording has them: those that a filter can read as properties. The others (metadata, filter
// state, certificates) are recorded when the filter reads them.
import type { StreamFacts } from "../chain/ports.ts";
import { ConnectionState } from "../plugin/stream-notes.ts";
import type { Facts } from "./events.ts";

/** As they are when a stream begins, so they stay. */
const LASTING = [
  "protocol",
  "listener",
  "connectionId",
  "startMs",
  "sourceAddress",
  "sourcePort",
  "destinationAddress",
  "destinationPort",
] as const;

const MOVING = [
  "requestId",
  "scheme",
  "routeName",
  "clusterName",
  "upstreamAddress",
  "upstreamPort",
  "attempts",
  "responseCode",
  "responseFlags",
  "responseCodeDetails",
  "requestBytes",
  "responseBytes",
  "requestHeaderBytes",
  "durationMs",
  "upstreamMs",
  "arms",
] as const;

const KEYS = [...LASTING, ...MOVING] as const;

export const factsOf = (facts: StreamFacts): Facts => {
  const found: Record<string, string | number> = { startNanos: String(facts.startNanos) };
  for (const key of KEYS) {
    const value = facts[key];
    if (value !== "" && value !== 0) found[key] = value;
  }
  return found;
};

/** What differs from `before`, which learns it; undefined when nothing does. */
export function factsChanged(before: Record<string, string | number>, facts: StreamFacts): Facts | undefined {
  let changed: Record<string, string | number> | undefined;
  for (const key of MOVING) {
    const value = facts[key];
    const known = before[key];
    if (value === known || (known === undefined && (value === "" || value === 0))) continue;
    before[key] = value;
    (changed ??= {})[key] = value;
  }
  return changed;
}

const TEXTS: ReadonlySet<string> = new Set([
  "requestId",
  "protocol",
  "scheme",
  "listener",
  "sourceAddress",
  "destinationAddress",
  "routeName",
  "clusterName",
  "upstreamAddress",
  "responseFlags",
  "responseCodeDetails",
  "arms",
]);

const EMPTY = Object.fromEntries(KEYS.map((key) => [key, TEXTS.has(key) ? "" : 0]));

export function toStreamFacts(recorded: Facts): StreamFacts {
  const rest = { notes: null, connectionState: new ConnectionState(), upstreamEndpoint: null };
  return { ...EMPTY, ...recorded, startNanos: BigInt(recorded["startNanos"] ?? 0), ...rest } as unknown as StreamFacts;
}
