// The fields `retry.*` of `sluice.route_set` (abi.md 11.2), under Envoy's words.
import { parseDurationMs } from "../../base/units.ts";
import type { RouteDecision } from "../../route/decision.ts";
import { RETRY_ON, type RetryOn, type RetryPolicy } from "../../route/tries.ts";

/** Writes a field; false when the value is none. */
export type Write = (into: Omit<RouteDecision, "by">, value: string) => boolean;

const MAX_RETRIES = 10;
const MAX_PAUSE_MS = 60_000;
/** Without a second time a pause grows to ten times its base, as in Envoy. */
const GROWTH = 10;

const words = (value: string): string[] => value.split(",").map((word) => word.trim());
const isRetryOn = (word: string): word is RetryOn => RETRY_ON.some((known) => known === word);

/** @param read null = no value of this field */
const retry =
  <K extends keyof RetryPolicy>(field: K, read: (value: string) => RetryPolicy[K] | null): Write =>
  (into, value) => {
    const policy = read(value);
    if (policy === null) return false;
    (into.retry ??= {})[field] = policy;
    return true;
  };

function backoff(value: string): RetryPolicy["backoff"] | null {
  const times = words(value).map(parseDurationMs);
  const [base = null, most = base === null ? null : base * GROWTH] = times;
  if (base === null || most === null || times.length > 2 || base > most || most > MAX_PAUSE_MS) return null;
  return { base, most };
}

export const RETRY: Readonly<Record<string, Write>> = {
  "retry.on": retry("on", (value) => {
    const list = words(value);
    return list.every(isRetryOn) ? list : null;
  }),
  "retry.max": retry("max", (value) => {
    const most = /^\d{1,2}$/.test(value) ? Number(value) : Infinity;
    return most <= MAX_RETRIES ? most : null;
  }),
  "retry.backoff": retry("backoff", backoff),
  "retry.statusCodes": retry("statusCodes", (value) => {
    const list = words(value);
    return list.every((code) => /^[1-5]\d\d$/.test(code)) ? list.map(Number) : null;
  }),
};
