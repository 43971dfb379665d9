// The facts of a stream as a recording has them: those that a filter can read as properties. The others (metadata, filter
// state, certificates) are recorded when the filter reads them.
import type { StreamFacts } from "../chain/ports.ts";
import { ConnectionState } from "../plugin/stream-notes.ts";
import type { Facts } from "./events.ts";

const KEYS = [
  "requestId",
  "protocol",
  "scheme",
  "listener",
  "connectionId",
  "startMs",
  "sourceAddress",
  "sourcePort",
  "destinationAddress",
  "destinationPort",
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

export const factsOf = (facts: StreamFacts): Facts => {
  const found: Record<string, string | number> = { startNanos: String(facts.startNanos) };
  for (const key of KEYS) if (facts[key] !== "" && facts[key] !== 0) found[key] = facts[key];
  return found;
};

/** What differs from `before`; undefined when nothing does. */
export function factsChanged(before: Facts, facts: StreamFacts): Facts | undefined {
  let changed: Record<string, string | number> | undefined;
  for (const key of KEYS) {
    const value = facts[key];
    if (value !== (before[key] ?? (typeof value === "number" ? 0 : ""))) (changed ??= {})[key] = value;
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
