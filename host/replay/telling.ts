// How much a recorder tells. A file for people has everything; a shadow gets what a replay looks at; a replayed version tells
// what decisions are made of. Read by recorder.ts, which makes nothing of a call that nobody will ask about.

/** `all`: every host call. `replay`: those that a replay answers from the recording. `decisions`: those that decide. */
export type Telling = "all" | "replay" | "decisions";

/** Whose answers a replay works out from the recorded maps, buffers and times, or that it does not need. */
const WORKED_OUT: ReadonlySet<string> = new Set([
  "proxy_log",
  "proxy_get_log_level",
  "proxy_get_current_time_nanoseconds",
  "proxy_get_status",
  "proxy_get_header_map_value",
  "proxy_get_header_map_pairs",
  "proxy_get_header_map_size",
  "proxy_get_buffer_bytes",
  "proxy_get_buffer_status",
  // What these leave is recorded when the callback ends.
  "proxy_set_header_map_pairs",
  "proxy_add_header_map_value",
  "proxy_replace_header_map_value",
  "proxy_remove_header_map_value",
  "proxy_set_buffer_bytes",
  "proxy_set_effective_context",
  "proxy_set_tick_period_milliseconds",
]);

const DECIDES: ReadonlySet<string> = new Set([
  "proxy_send_local_response",
  "proxy_continue_stream",
  "proxy_close_stream",
  "proxy_set_property",
  "proxy_set_shared_data",
  "proxy_enqueue_shared_queue",
  "proxy_call_foreign_function",
  "proxy_http_call",
  "proxy_grpc_call",
  "proxy_grpc_stream",
  "envoy_resolve_dns",
]);

/** A decision may be made of it (decision.ts). */
export const decides = (fn: string): boolean => DECIDES.has(fn);

/** Changes nothing, whatever it answers. */
export const isRead = (fn: string): boolean => fn.startsWith("proxy_get_") || fn === "proxy_log";

export function isNeeded(fn: string, tells: Telling): boolean {
  if (tells === "all") return true;
  return tells === "replay" ? !WORKED_OUT.has(fn) : DECIDES.has(fn);
}
