// What makes two requests "the same user" for an experiment: the first of the configured sources that the request has.
import { firstHeader, type HeaderList } from "../abi/headers.ts";
import type { UnitSource } from "./options.ts";

/** What is known of the client beside its request. */
export interface UnitPeer {
  readonly sourceAddress: string;
  readonly connectionId: number;
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
      return readCookie(headers, source.name);
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
