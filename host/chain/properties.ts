// The attributes a filter can read of its stream, in Envoy's binary encodings (abi.md 6.3, 10). Null = not there, or not
// there yet.
import { firstHeader, type HeaderList } from "../abi/headers.ts";
import { encodePairs } from "../abi/pairs.ts";
import { encodeInt, encodeText } from "../abi/property-path.ts";
import type { StreamFacts } from "./ports.ts";

export interface PropertySource {
  readonly facts: StreamFacts;
  readonly request: HeaderList | null;
  readonly response: HeaderList | null;
  readonly responseTrailers: HeaderList | null;
  /** The exchange is over: durations and sizes are final. */
  readonly complete: boolean;
}

type Read = (source: PropertySource) => Uint8Array | null;

const text = (read: (source: PropertySource) => string | undefined): Read => {
  return (source) => {
    const value = read(source);
    return value === undefined || value === "" ? null : encodeText(value);
  };
};
const int =
  (read: (source: PropertySource) => number): Read =>
  (source) =>
    encodeInt(read(source));
const atEnd =
  (read: Read): Read =>
  (source) =>
    source.complete ? read(source) : null;
const ofRequest = (name: string): Read =>
  text(({ request }) => (request === null ? undefined : firstHeader(request, name)));
const nanos = (ms: number): bigint => BigInt(Math.round(ms * 1e6));
const bytesOf = (list: HeaderList | null): number => (list ?? []).reduce((sum, part) => sum + part.length, 0);
const target = ({ request }: PropertySource): string =>
  (request === null ? undefined : firstHeader(request, ":path")) ?? "";

const REQUEST: Readonly<Record<string, Read>> = {
  path: ofRequest(":path"),
  url_path: text((source) => target(source).split("?", 1)[0]),
  query: text((source) => target(source).split("?").slice(1).join("?")),
  host: ofRequest(":authority"),
  scheme: ofRequest(":scheme"),
  method: ofRequest(":method"),
  referer: ofRequest("referer"),
  useragent: ofRequest("user-agent"),
  id: text(({ facts }) => facts.requestId),
  protocol: text(({ facts }) => facts.protocol),
  time: ({ facts }) => encodeInt(facts.startNanos),
  headers: ({ request }) => (request === null ? null : encodePairs(request)),
  headers_bytes: int(({ request }) => bytesOf(request)),
  duration: atEnd(({ facts }) => encodeInt(nanos(facts.durationMs))),
  size: atEnd(int(({ facts }) => facts.requestBytes)),
  total_size: atEnd(int(({ facts, request }) => facts.requestBytes + bytesOf(request))),
};

const RESPONSE: Readonly<Record<string, Read>> = {
  code: ({ facts }) => (facts.responseCode === 0 ? null : encodeInt(facts.responseCode)),
  code_details: text(({ facts }) => facts.responseCodeDetails),
  grpc_status: ({ responseTrailers, response }) => {
    const value = firstHeader(responseTrailers ?? [], "grpc-status") ?? firstHeader(response ?? [], "grpc-status");
    return value === undefined ? null : encodeInt(Number(value));
  },
  headers: ({ response }) => (response === null ? null : encodePairs(response)),
  headers_bytes: ({ response }) => (response === null ? null : encodeInt(bytesOf(response))),
  trailers: ({ responseTrailers }) => (responseTrailers === null ? null : encodePairs(responseTrailers)),
  size: atEnd(int(({ facts }) => facts.responseBytes)),
  total_size: atEnd(int(({ facts, response }) => facts.responseBytes + bytesOf(response))),
  backend_latency: atEnd(({ facts }) => encodeInt(nanos(facts.upstreamMs))),
};

const ROOTS: Readonly<Record<string, Readonly<Record<string, Read>>>> = {
  request: REQUEST,
  response: RESPONSE,
  source: {
    address: text(({ facts }) => `${facts.sourceAddress}:${facts.sourcePort}`),
    port: int(({ facts }) => facts.sourcePort),
  },
  destination: {
    address: text(({ facts }) => `${facts.destinationAddress}:${facts.destinationPort}`),
    port: int(({ facts }) => facts.destinationPort),
  },
  connection: { id: int(({ facts }) => facts.connectionId), mtls: () => Buffer.from([0]) },
  upstream: {
    address: text(({ facts }) =>
      facts.upstreamAddress === "" ? "" : `${facts.upstreamAddress}:${facts.upstreamPort}`,
    ),
    port: ({ facts }) => (facts.upstreamPort === 0 ? null : encodeInt(facts.upstreamPort)),
    request_attempt_count: ({ facts }) => (facts.attempts === 0 ? null : encodeInt(facts.attempts)),
  },
  xds: {
    cluster_name: text(({ facts }) => facts.clusterName),
    route_name: text(({ facts }) => facts.routeName),
    listener_direction: int(() => 1),
  },
};

/** Older bare names (abi.md 10.1). */
const ALIASES: Readonly<Record<string, readonly [string, string]>> = {
  cluster_name: ["xds", "cluster_name"],
  route_name: ["xds", "route_name"],
  listener_direction: ["xds", "listener_direction"],
};

/** A built-in attribute, or null. */
export function readAttribute(source: PropertySource, path: readonly string[]): Uint8Array | null {
  const [root, member, ...rest] = path.length === 1 ? (ALIASES[path[0] ?? ""] ?? path) : path;
  if (root === undefined || member === undefined || !Object.hasOwn(ROOTS, root)) return null;
  if (rest.length > 0) return readHeaderAttribute(source, root, member, rest);
  const members = ROOTS[root];
  return members !== undefined && Object.hasOwn(members, member) ? (members[member]?.(source) ?? null) : null;
}

/** `request.headers.<name>`, repeated values joined by commas alone, as Envoy does. */
function readHeaderAttribute(
  source: PropertySource,
  root: string,
  member: string,
  rest: readonly string[],
): Uint8Array | null {
  if (member !== "headers" || (root !== "request" && root !== "response")) return null;
  const name = rest.join("\0").toLowerCase();
  const values = (source[root] ?? []).filter((_, at, list) => at % 2 === 1 && list[at - 1] === name);
  return values.length === 0 ? null : encodeText(values.join(","));
}

/** `sluice.plugin_version` and `sluice.arm.<filter>` (abi.md 10.2). @param arms as in StreamFacts */
export function versionProperty(path: readonly string[], version: string, arms: string): Uint8Array | null {
  if (path[1] === "plugin_version") return Buffer.from(version);
  if (path[1] !== "arm" || path[2] === undefined) return null;
  const found = arms.split(";").find((arm) => arm.startsWith(`${path[2]}=`));
  return found === undefined ? null : Buffer.from(found.slice(path[2].length + 1));
}
