// Which `host:port` a client may name as the end of its tunnel, and the endpoint that it is then. Pure.
import type { EndpointOptions } from "./options.ts";

const AUTHORITY = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/;

/** Null: it is not `host:port`. */
export function authorityEndpoint(authority: string): EndpointOptions | null {
  const found = AUTHORITY.exec(authority);
  const port = Number(found?.[3] ?? 0);
  if (found === null || port < 1 || port > 65_535) return null;
  return { host: found[1] ?? found[2] ?? "", port, labels: {}, zone: "", weight: 1 };
}

/** @param allowed patterns, lower-case: the host is whole, `*.suffix` or `*`; the port is said always */
export function allowsAuthority(allowed: readonly string[], authority: string): boolean {
  const text = authority.toLowerCase();
  const colon = text.lastIndexOf(":");
  return allowed.some((pattern) => {
    if (!pattern.startsWith("*")) return pattern === text;
    const at = pattern.lastIndexOf(":");
    const host = text.slice(0, colon);
    const suffix = pattern.slice(1, at);
    return pattern.slice(at) === text.slice(colon) && host.length > suffix.length && host.endsWith(suffix);
  });
}
