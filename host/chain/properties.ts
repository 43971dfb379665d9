// The properties a filter can read of its stream: Envoy's attributes by path, then what filters have set (abi.md 10).
// Null = not there, or not there yet. Nothing here is made before somebody reads.
import { REQUEST, RESPONSE } from "./attributes/http.ts";
import { CONNECTION, DESTINATION, SOURCE, UPSTREAM } from "./attributes/peers.ts";
import type { Attributes, PropertySource } from "./attributes/read.ts";
import { filterStateValue, TOP, XDS } from "./attributes/state.ts";

export type { PropertySource } from "./attributes/read.ts";

const ROOTS: Readonly<Record<string, Attributes>> = {
  request: REQUEST,
  response: RESPONSE,
  source: SOURCE,
  destination: DESTINATION,
  connection: CONNECTION,
  upstream: UPSTREAM,
  xds: XDS,
};

/** Older bare names of members of `xds` (abi.md 10.1); `node` is the plugin's. */
const BARE = new Set([
  "cluster_name",
  "cluster_metadata",
  "route_name",
  "route_metadata",
  "listener_direction",
  "listener_metadata",
  "upstream_host_metadata",
]);

/** Attributes that something may follow in a path: a header's name, the way into metadata. */
const DEEP = /^(?:headers|trailers|.*_metadata|metadata|filter_state)$/;
/** Where `proxy_set_property` writes, in filter state. */
const SET_BY_FILTER = "wasm.";

const memberOf = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** The attribute of a path and where in the path its name ends. */
function find(path: readonly string[]): { readonly read: Attributes[string]; readonly end: number } | null {
  const [root = "", member = ""] = path;
  const top = memberOf(TOP, root);
  if (top !== undefined) return { read: top, end: 1 };
  const bare = BARE.has(root);
  const read = bare ? memberOf(XDS, root) : memberOf(memberOf(ROOTS, root) ?? {}, member);
  const end = bare ? 1 : 2;
  if (read === undefined || (path.length > end && !DEEP.test(path[end - 1] ?? ""))) return null;
  return { read, end };
}

/** A built-in attribute, or null. */
export function readAttribute(source: PropertySource, path: readonly string[]): Uint8Array | null {
  const found = find(path);
  return found === null ? null : found.read(source, path.slice(found.end));
}

/** Nobody can set it: an attribute, whether it has a value now or not. */
export const isAttribute = (path: readonly string[]): boolean => find(path) !== null;

/** The filter state key of a path that filters set. */
export const stateKey = (path: readonly string[]): string => SET_BY_FILTER + path.join("\0");

/** What a filter has set under this path, or null. */
export const readSet = (source: PropertySource, path: readonly string[]): Uint8Array | null =>
  filterStateValue(source, stateKey(path));
