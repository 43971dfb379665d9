// What filters and configuration have attached: `metadata`, `filter_state`, `xds.*` (abi.md 10.1). Metadata is read by its
// leaves, a namespace as Pairs, and as a whole as the message envoy.config.core.v3.Metadata.
import { encodePairs } from "../../abi/pairs.ts";
import { encodeInt, encodeText } from "../../abi/property-path.ts";
import { lengthField } from "../../abi/protobuf.ts";
import type { FilterState } from "../../plugin/stream-notes.ts";
import { absent, type Attributes, int, type PropertySource, type Read, text } from "./read.ts";

type Namespace = ReadonlyMap<string, string>;
type Metadata = ReadonlyMap<string, Namespace>;

const FILTER_METADATA = "filter_metadata";
const NO_METADATA: Metadata = new Map();
/** Envoy's namespace for what load balancing looks at. */
const LB = "envoy.lb";
/** TrafficDirection INBOUND. */
const INBOUND = 1;

/** `filter_metadata.<ns>.<key>`, or less of it. */
function readMetadata(metadata: Metadata, rest: readonly string[]): Uint8Array | null {
  const [field, namespace, key, ...more] = rest;
  if (metadata.size === 0 || more.length > 0) return null;
  if (field === undefined) return encodeMetadata(metadata);
  if (field !== FILTER_METADATA) return null;
  if (namespace === undefined) return encodePairs([...metadata].flatMap(([name, one]) => [name, pairsOf(one)]));
  const found = metadata.get(namespace);
  if (found === undefined) return null;
  if (key === undefined) return encodePairs([...found].flat());
  const value = found.get(key);
  return value === undefined ? null : encodeText(value);
}

const pairsOf = (namespace: Namespace): string => encodePairs([...namespace].flat()).latin1Slice();

/** Metadata { map<string, Struct> filter_metadata = 1 }, Struct { map<string, Value> fields = 1 }, Value.string_value = 3. */
function encodeMetadata(metadata: Metadata): Buffer {
  const entry = (key: string, value: Buffer): Buffer =>
    lengthField(1, Buffer.concat([lengthField(1, Buffer.from(key, "latin1")), lengthField(2, value)]));
  const value = (of: string): Buffer => lengthField(3, Buffer.from(of, "latin1"));
  const struct = (namespace: Namespace): Buffer =>
    Buffer.concat([...namespace].map(([key, of]) => entry(key, value(of))));
  return Buffer.concat([...metadata].map(([name, namespace]) => entry(name, struct(namespace))));
}

/** A value of the stream, else of its connection. */
export function filterStateValue({ facts }: PropertySource, key: string): Uint8Array | null {
  return (facts.notes?.filterState.get(key) ?? facts.connectionState.filterState?.get(key))?.value ?? null;
}

function readFilterState(source: PropertySource, rest: readonly string[]): Uint8Array | null {
  const [key, ...more] = rest;
  if (more.length > 0) return null;
  if (key !== undefined) return filterStateValue(source, key);
  const { notes, connectionState } = source.facts;
  const pairs = (state: FilterState | null | undefined): string[] =>
    [...(state ?? [])].flatMap(([name, { value }]) => [name, value.latin1Slice()]);
  const all = [...pairs(connectionState.filterState), ...pairs(notes?.filterState)];
  return all.length === 0 ? null : encodePairs(all);
}

/** Attributes of one segment, by their root. */
export const TOP: Attributes = {
  metadata: ({ facts }, rest) => readMetadata(facts.notes?.metadata ?? NO_METADATA, rest),
  filter_state: readFilterState,
  /** An older bare name of Envoy. */
  connection_id: int(({ facts }) => facts.connectionId),
  // Connections to upstreams are shared by many streams and carry no state of filters here.
  upstream_filter_state: absent,
};

/** An endpoint's labels, under the namespace that Envoy's subsets use. */
const hostMetadata: Read = ({ facts }, rest) => {
  const labels = Object.entries(facts.upstreamEndpoint?.labels ?? {});
  return labels.length === 0 ? null : readMetadata(new Map([[LB, new Map(labels)]]), rest);
};

export const XDS: Attributes = {
  cluster_name: text(({ facts }) => facts.notes?.decision?.cluster ?? facts.clusterName),
  cluster_metadata: absent,
  listener_direction: () => encodeInt(INBOUND),
  listener_metadata: absent,
  route_name: text(({ facts }) => facts.routeName),
  route_metadata: absent,
  virtual_host_name: absent,
  virtual_host_metadata: absent,
  upstream_host_metadata: hostMetadata,
  upstream_host_locality_metadata: absent,
  filter_chain_name: absent,
};
