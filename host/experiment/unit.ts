// What makes two requests "the same user" for an experiment: the first of the configured sources that the request has.
import { firstHeader, type HeaderList } from "../abi/headers.ts";
import type { UnitSource } from "./options.ts";

/** What is known of the client beside its request. */
export interface UnitPeer {
  readonly sourceAddress: string;
  readonly connectionId: number;
  /** Properties that filters have set on this stream, under `wasm.<name>`. */
  readonly notes?: { readonly filterState: ReadonlyMap<string, { readonly value: Buffer }> } | null;
  /** Cookies that this answer will set, [name, value, ...]. */
  readonly newCookies?: readonly string[] | null;
}

const NOBODY: UnitPeer = { sourceAddress: "", connectionId: 0 };

/**
 * The unit, or null when no source is present. An empty value counts as absent: it would put everybody without an id into
 * one bucket. `requestId` is always present, so sources behind it are never asked.
 */
export function readUnit(
  sources: readonly UnitSource[],
  headers: HeaderList,
  requestId: string,
  peer: UnitPeer = NOBODY,
): string | null {
  for (const source of sources) {
    const unit = readSource(source, headers, requestId, peer);
    if (unit !== undefined && unit !== "") return unit;
  }
  return null;
}

function readSource(source: UnitSource, headers: HeaderList, requestId: string, peer: UnitPeer): string | undefined {
  switch (source.kind) {
    case "header":
      return firstHeader(headers, source.name);
    case "cookie":
      return readCookie(headers, source.name) ?? readNew(peer.newCookies ?? [], source.name);
    case "claim":
      return readClaim(firstHeader(headers, "authorization") ?? "", source.name);
    case "tag":
      return peer.notes?.filterState.get(`wasm.${source.name}`)?.value.toString("utf8");
    case "requestId":
      return requestId;
    case "sourceIp":
      return peer.sourceAddress;
    case "connection":
      return peer.connectionId === 0 ? undefined : String(peer.connectionId);
  }
}

/** The first cookie of that name over all `cookie` headers (HTTP/2 may split them, RFC 9113 8.2.3); quotes are kept. */
function readCookie(headers: HeaderList, name: string): string | undefined {
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at] !== "cookie") continue;
    for (const pair of (headers[at + 1] ?? "").split(";")) {
      const equals = pair.indexOf("=");
      if (equals >= 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
    }
  }
  return undefined;
}

/** Given to the client a moment ago, by another experiment of the same request. */
function readNew(cookies: readonly string[], name: string): string | undefined {
  for (let at = 0; at < cookies.length; at += 2) if (cookies[at] === name) return cookies[at + 1];
  return undefined;
}

/** Longer tokens are not looked into: a unit is not worth parsing what a client sends without end. */
const MAX_TOKEN = 8192;

/**
 * A claim of the bearer token (RFC 7519), text or number. The signature is not looked at: who may call is for a filter
 * before this one; here a forged claim only chooses an arm.
 */
function readClaim(authorization: string, name: string): string | undefined {
  const payload = /^bearer [^.\s]+\.([\w-]+)\./i.exec(authorization)?.[1];
  if (payload === undefined || authorization.length > MAX_TOKEN) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    if (typeof claims !== "object" || claims === null || !Object.hasOwn(claims, name)) return undefined;
    const value: unknown = Reflect.get(claims, name);
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  } catch {
    return undefined;
  }
}
