// Whether one rule fits one request head. Pure; called for every candidate rule of every request.
import { type HeaderList, findHeader, joinedHeader } from "../abi/headers.ts";
import type { HeaderMatch, RouteMatch } from "./options.ts";

/** Path matching leaves out the query. A prefix is a plain text prefix, as in Envoy: `/api` fits `/apix`. */
export function matchPath(match: RouteMatch, written: string): boolean {
  // A filter may write a query without a path.
  const path = written.charCodeAt(0) === 63 ? `/${written}` : written;
  const { prefix } = match;
  if (prefix !== undefined) return path.startsWith(prefix) && (prefix.length < 2 || !reachesQuery(prefix, path));
  const { exact } = match;
  if (exact === undefined) return true;
  return (
    path.startsWith(exact) && (path.length === exact.length || path[exact.length] === "?") && !reachesQuery(exact, path)
  );
}

/** A rule that holds a `?` could otherwise be satisfied by the query. */
function reachesQuery(rule: string, path: string): boolean {
  return rule.includes("?") && path.indexOf("?") < rule.length;
}

/** Every header rule must hold. Repeated headers are matched joined, as filters see them. */
export function matchHeaders(rules: readonly HeaderMatch[], headers: HeaderList): boolean {
  for (const rule of rules) if (matchHeader(rule, headers) === rule.invert) return false;
  return true;
}

function matchHeader(rule: HeaderMatch, headers: HeaderList): boolean {
  if (rule.kind === "present") return findHeader(headers, rule.name) >= 0;
  const value = joinedHeader(headers, rule.name);
  if (value === undefined) return false;
  switch (rule.kind) {
    case "exact":
      return value === rule.value;
    case "prefix":
      return value.startsWith(rule.value);
    case "suffix":
      return value.endsWith(rule.value);
    case "contains":
      return value.includes(rule.value);
  }
}
