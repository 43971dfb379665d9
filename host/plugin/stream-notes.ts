// What filters leave on a stream for others to read: filter state, dynamic metadata, a route decision. Made when the first
// of them is written, so that a stream without any costs one null. Chain and net carry it in the facts of the stream.
import { MAX_METADATA_BYTES, MAX_PROPERTIES, MAX_PROPERTY_BYTES, MAX_PROPERTY_NAME_BYTES } from "../abi/limits.ts";
import type { RouteDecision } from "../route/decision.ts";

export interface FilterStateEntry {
  readonly value: Buffer;
  readonly readonly: boolean;
}

/** Envoy's filter state: `wasm.<path>` is what `proxy_set_property` wrote (abi.md 10.3), `envoy.*` its known keys. */
export type FilterState = Map<string, FilterStateEntry>;

/** Filter state that outlives a stream: one per downstream connection. */
export class ConnectionState {
  filterState: FilterState | null = null;
}

export class StreamNotes {
  readonly filterState: FilterState = new Map();
  /** namespace -> key -> value, latin1 text. */
  readonly metadata = new Map<string, Map<string, string>>();
  decision: RouteDecision | null = null;
  #metadataCount = 0;

  /** Null when it was taken, else why not. */
  setMetadata(namespace: string, key: string, value: string): string | null {
    const known = this.metadata.get(namespace);
    const isNew = known?.has(key) !== true;
    if (value.length > MAX_METADATA_BYTES) return "the value of {} is over 8 KiB";
    if (namespace.length + key.length > MAX_PROPERTY_NAME_BYTES) return "{} and its namespace are over 1 KiB";
    if (isNew && this.#metadataCount >= MAX_PROPERTIES) return "{} would be the 257th piece of metadata of this stream";
    if (isNew) this.#metadataCount++;
    if (known === undefined) this.metadata.set(namespace, new Map([[key, value]]));
    else known.set(key, value);
    return null;
  }
}

/** Null when it was taken, else why not. Works on one state: of a stream or of a connection. */
export function setFilterState(state: FilterState, key: string, entry: FilterStateEntry): string | null {
  const known = state.get(key);
  if (known?.readonly === true) return "{} is read-only and has a value already";
  if (key.length > MAX_PROPERTY_NAME_BYTES) return "the name {} is over 1 KiB";
  if (entry.value.length > MAX_PROPERTY_BYTES) return "the value of {} is over 64 KiB";
  if (known === undefined && state.size >= MAX_PROPERTIES) return "{} would be the 257th property here";
  state.set(key, entry);
  return null;
}
