// Every cap the ABI layer enforces, in one place, each with its reason (abi.md 14; proxy-wasm-cpp-host limits.h).

/** Serialised pairs a guest may hand over: bytes. As proxy-wasm-cpp-host. */
export const MAX_PAIRS_BYTES = 1024 * 1024;
/** ... and pairs. As proxy-wasm-cpp-host. */
export const MAX_PAIRS = 1024;
/** Header map after a guest's edits: bytes of names and values. 100 000 adds must not be 100 000 copies. */
export const MAX_HEADER_BYTES = 64 * 1024;
/** ... and headers. */
export const MAX_HEADERS = 256;
/** ... in one value, so that filters may have other ones. */
export interface HeaderCaps {
  readonly bytes: number;
  readonly count: number;
}
export const HEADER_CAPS: HeaderCaps = { bytes: MAX_HEADER_BYTES, count: MAX_HEADERS };
/** Entries of a table: `table.grow` allocates host memory, 8 bytes an entry. */
export const MAX_TABLE_ENTRIES = 100_000;
/** Names of metrics that a filter may define; the store holds 8191 over all filters. */
export const MAX_METRICS = 1000;
/** Largest module, bytes: rewriting and compiling take time in proportion. */
export const MAX_MODULE_BYTES = 32 * 1024 * 1024;
/** `random_get`, bytes. As proxy-wasm-cpp-host. */
export const MAX_RANDOM_BYTES = 64 * 1024;
/** One log line, bytes; the rest is cut. */
export const MAX_LOG_BYTES = 8 * 1024;
/** Log lines per filter and second; further ones are dropped and counted. */
export const MAX_LOG_LINES_PER_SECOND = 1000;
/** Body of a local reply, bytes. */
export const MAX_REPLY_BYTES = 1024 * 1024;
/** Response body of a call-out, bytes. */
export const MAX_CALLOUT_BYTES = 1024 * 1024;
/** Name look-ups of one plugin context under way at a time. */
export const MAX_DNS_QUERIES = 64;
/** HTTP call-outs in flight per filter and data thread; as many gRPC calls beside them. */
export const MAX_CALLOUTS = 256;
/** ... and per stream, so that one request cannot use up the filter's share. */
export const MAX_CALLOUTS_PER_STREAM = 64;
/** One gRPC message, either way, bytes: a larger one to send is refused, a larger one that arrives ends the call. */
export const MAX_GRPC_MESSAGE_BYTES = 1024 * 1024;
/** Bytes that may wait for a slow peer on one gRPC stream before a further message is refused. */
export const MAX_GRPC_WAITING_BYTES = 2 * 1024 * 1024;
/** Value a guest may keep with `proxy_set_property`, bytes. */
export const MAX_PROPERTY_BYTES = 64 * 1024;
/** ... and its name. Keys of filter state and metadata, and route tags, have the same cap. */
export const MAX_PROPERTY_NAME_BYTES = 1024;
/** A value of dynamic metadata, bytes: it is written into the access log. A route tag and its value together fit too. */
export const MAX_METADATA_BYTES = 8 * 1024;
/** What a foreign function signs or verifies, bytes: hashing is not covered by fuel. */
export const MAX_SIGNED_BYTES = 1024 * 1024;
/** Longest RSA key it uses, bits: 8192 cost some 20 ms. */
export const MAX_RSA_BITS = 8192;
/** ... and how many per stream. */
export const MAX_PROPERTIES = 256;
/** State that a version hands to the next, bytes per plugin context. */
export const MAX_SNAPSHOT_BYTES = 1024 * 1024;
/** Frames of a guest's stack in a report. As proxy-wasm-cpp-host. */
export const MAX_STACK_FRAMES = 20;
/** Start-up and configuration get this many times the budget of a callback. */
export const START_FUEL_FACTOR = 50;
/** The counter is a wasm i32. */
export const MAX_FUEL = 2 ** 31 - 1;
/** Shortest tick, ms. */
export const MIN_TICK_MS = 1;
