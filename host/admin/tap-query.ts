// The query of `GET /api/v1/tap` -> what to sample. Names that the configuration does not have are refused: a tap on them
// would stay silent for ever.
import type { ProxyConfig } from "../config/options.ts";
import type { TapMatch, TapSelection } from "../link/tap.ts";
import { AdminRefusal } from "./reply.ts";

const DEFAULT_RATE = 10;
const MAX_RATE = 1000;
const MAX_MATCHES = 16;
/** RFC 9110 5.6.2: a header's name is a token. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** @throws AdminRefusal 422 */
export function parseTap(query: URLSearchParams, config: ProxyConfig): TapSelection {
  const matches = query.getAll("match");
  if (matches.length > MAX_MATCHES) throw refusal("match", `at most ${MAX_MATCHES} conditions, got ${matches.length}`);
  const routes = config.listeners.flatMap((listener) => listener.routes.map((route) => route.name));
  const filters = config.filters.map(({ name }) => name);
  return {
    filter: known(query.get("filter") ?? "", "filter", filters),
    route: known(query.get("route") ?? "", "route", routes),
    match: matches.map(parseMatch),
    status: parseStatus(query.get("status") ?? ""),
    rate: parseRate(query.get("rate") ?? ""),
    trace: query.get("trace") === "true",
  };
}

function refusal(key: string, message: string, hint?: string): AdminRefusal {
  const problem = { kind: "config" as const, pointer: `/${key}`, ...(hint === undefined ? {} : { hint }) };
  return new AdminRefusal(422, "bad_value", `${key}: ${message}`, { problem });
}

function known(name: string, key: string, names: readonly string[]): string {
  if (name === "" || names.includes(name)) return name;
  throw refusal(key, `there is no ${key} "${name}"`, `known: ${[...new Set(names)].join(", ") || "none"}`);
}

/** `x-user=7`, `path=/orders*`: the whole value, or its beginning before a star. */
export function parseMatch(text: string): TapMatch {
  const at = text.indexOf("=");
  const key = text.slice(0, Math.max(at, 0)).trim().toLowerCase();
  if (at < 0 || !TOKEN.test(key))
    throw refusal("match", `expected name=value, got "${text}"`, "method, path, host, listener or a header's name");
  const value = text.slice(at + 1);
  return value.endsWith("*") ? { key, value: value.slice(0, -1), isPrefix: true } : { key, value, isPrefix: false };
}

/** `5xx`, `404`, several by comma. */
export function parseStatus(text: string): readonly string[] {
  const list = text === "" ? [] : text.toLowerCase().split(",");
  const bad = list.find((one) => !/^([1-5]xx|[1-5]\d\d|0)$/.test(one));
  if (bad !== undefined)
    throw refusal("status", `expected classes or numbers such as 5xx,404 (0 = no answer), got "${bad}"`);
  return list;
}

export function parseRate(text: string): number {
  if (text === "") return DEFAULT_RATE;
  const rate = Number(text);
  if (/^\d+$/.test(text) && rate >= 1 && rate <= MAX_RATE) return rate;
  throw refusal(
    "rate",
    `expected a whole number from 1 to ${MAX_RATE} (requests per second and thread), got "${text}"`,
  );
}
