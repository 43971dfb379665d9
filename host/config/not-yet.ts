// Keys and values of the config contract that this version does not implement. They are refused by name: a limit or a
// guard that is silently ignored is worse than one that is missing.
import type { Path } from "./place.ts";

/** Place (`*` = any index or name) -> keys known to the contract, not yet to the code. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  "": ["virtualHosts", "discovery", "secrets"],
  admin: ["dashboard", "allowedOrigins", "tls"],
  telemetry: ["metrics", "tracing"],
  "telemetry/log": ["format", "path"],
  "listeners/*": ["virtualHosts"],
  "listeners/*/accessLog": ["filter", "fields", "sampling"],
  "listeners/*/routes/*": ["mirror", "retryPolicy", "redirect", "rewrite", "hedgePolicy", "fault", "cors", "tls"],
  "listeners/*/routes/*/match": ["regex", "methods", "query", "domains"],
  "listeners/*/routes/*/match/headers/*": ["regex", "range"],
  "listeners/*/routes/*/route": ["subset", "hashPolicy", "hostRewrite", "prefixRewrite"],
  "listeners/*/routes/*/route/weightedClusters/*": ["subset"],
  "clusters/*": [
    "subsets",
    "healthChecks",
    "outlierDetection",
    "localityPreference",
    "discovery",
    "slowStart",
    "hashPolicy",
    "ringHash",
    "maglev",
  ],
  "clusters/*/circuitBreakers": ["maxEjectionPercent", "priority"],
  "clusters/*/circuitBreakers/thresholds": ["maxRetries", "retryBudget"],
  "filters/*": ["signature", "shadow"],
};

/** Place of a value -> values known to the contract, not yet to the code. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  "listeners/*/protocol": ["dubbo", "bolt", "tars", "auto"],
  "clusters/*/lbPolicy": ["maglev", "ringHash"],
};

function isPlace(path: Path, place: string): boolean {
  const parts = place === "" ? [] : place.split("/");
  return parts.length === path.length && parts.every((part, at) => part === "*" || part === path[at]);
}

const lookup = (table: Readonly<Record<string, readonly string[]>>, path: Path, word: string): boolean =>
  Object.entries(table).some(([place, words]) => isPlace(path, place) && words.includes(word));

/** Whether `key` under `parent` belongs to the contract but not to this version. */
export function isKeyNotYet(parent: Path, key: string): boolean {
  return lookup(KEYS, parent, key);
}

/** Whether `value` at `path` belongs to the contract but not to this version. */
export function isValueNotYet(path: Path, value: unknown): boolean {
  return typeof value === "string" && lookup(VALUES, path, value);
}

/** What to do about either. */
export const NOT_YET_HINT = "remove it; sluice refuses what it would otherwise ignore";
