// Envoy's `set_envoy_filter_state` and `declare_property` (abi.md 10.3, 11.1): filter state beyond `wasm.<path>`. Whoever
// routes or connects reads it from the stream's notes or the connection's state.
import * as status from "../../../sdk/assembly/abi/status.ts";
import { MAX_PROPERTY_NAME_BYTES } from "../../abi/limits.ts";
import { readMessage } from "../../abi/protobuf.ts";
import type { ForeignResult } from "../../vm/ports.ts";
import { type FilterState, setFilterState } from "../stream-notes.ts";
import { badArgument, DONE, type ForeignContext, type ForeignStream, type ForeignTable, refused } from "./context.ts";

const SET = { path: [1, "string"], value: [2, "string"], span: [3, "int"] } as const;
const DECLARE = {
  name: [1, "string"],
  readonly: [2, "bool"],
  type: [3, "int"],
  schema: [4, "bytes"],
  span: [5, "int"],
} as const;
/** LifeSpan: filter chain, downstream request, downstream connection. */
const OF_CONNECTION = 2;
const MAX_DECLARED = 256;

const anything = (): boolean => true;

/** Known keys, and whether a value is one (Envoy's object factories). */
const KEYS: Readonly<Record<string, (value: string) => boolean>> = {
  "envoy.tcp_proxy.cluster": anything,
  "envoy.upstream.dynamic_host": anything,
  "envoy.upstream.dynamic_port": (value) => /^\d{1,5}$/.test(value) && Number(value) < 65_536,
  "envoy.network.upstream_server_name": anything,
  "envoy.network.application_protocols": anything,
  "envoy.network.upstream_subject_alt_names": anything,
  "envoy.network.transport_socket.original_dst_address": isAddress,
};

/** `10.0.0.1:80`, `[::1]:80`; the URL parser knows what an address is. */
function isAddress(value: string): boolean {
  const [, host = "", port = ""] = /^(\d+(?:\.\d+){3}|\[[^\]]+\]):(\d{1,5})$/.exec(value) ?? [];
  return host !== "" && Number(port) < 65_536 && URL.canParse(`http://${host}/`);
}

export const FILTER_STATE: ForeignTable = { set_envoy_filter_state: setState, declare_property: declareProperty };

/** The state a life span names. */
export function stateFor(span: number, stream: Pick<ForeignStream, "notes" | "connectionState">): FilterState {
  return span === OF_CONNECTION ? (stream.connectionState.filterState ??= new Map()) : stream.notes.filterState;
}

function setState({ stream }: ForeignContext, bytes: Buffer): ForeignResult {
  const args = readMessage(bytes, SET);
  if (args === null) return badArgument("expected a SetEnvoyFilterStateArguments message");
  const fits = Object.hasOwn(KEYS, args.path) ? KEYS[args.path] : undefined;
  if (fits === undefined) return refused(status.NOT_FOUND, "{} is no filter state that can be set", args.path);
  if (stream === null) return refused(status.NOT_FOUND, "there is no stream to set {} on", args.path);
  if (!fits(args.value)) return badArgument("{} does not take this value", args.path);
  const entry = { value: Buffer.from(args.value, "latin1"), readonly: false };
  const reason = setFilterState(stateFor(args.span, stream), args.path, entry);
  return reason === null ? DONE : badArgument(reason, args.path);
}

/** Types other than bytes are kept as bytes: nothing here looks inside (abi.md 11.1). */
function declareProperty({ plugin }: ForeignContext, bytes: Buffer): ForeignResult {
  const args = readMessage(bytes, DECLARE);
  if (args === null) return badArgument("expected a DeclarePropertyArguments message");
  const declared = (plugin.declared ??= new Map());
  if (declared.has(args.name)) return badArgument("{} is declared already", args.name);
  if (args.name.length > MAX_PROPERTY_NAME_BYTES) return badArgument("the name {} is over 1 KiB", args.name);
  if (declared.size >= MAX_DECLARED) return badArgument("{} would be the 257th declared property", args.name);
  declared.set(args.name, { readonly: args.readonly, span: args.span });
  return DONE;
}
