// The callbacks of a probe guest that is written against the bare ABI: export name, which callback it reports, how many
// arguments it takes besides the context id, and what it answers when the script says nothing. WAT and C read this table.
import { CALLBACKS, type CallbackName } from "../functions.ts";

export interface CallbackExport {
  readonly name: string;
  readonly reports: CallbackName;
  /** Arguments after the context id. */
  readonly extra: number;
  /** Answer without a script; null = the callback has no result. */
  readonly answer: number | null;
  /** Reported instead when the context is the plugin's. */
  readonly rootReports?: CallbackName;
}

export const CALLBACK_EXPORTS: readonly CallbackExport[] = [
  { name: "proxy_on_vm_start", reports: "vm_start", extra: 1, answer: 1 },
  { name: "proxy_validate_configuration", reports: "validate", extra: 1, answer: 1 },
  { name: "proxy_on_configure", reports: "configure", extra: 1, answer: 1 },
  { name: "proxy_on_tick", reports: "tick", extra: 0, answer: null },
  { name: "proxy_on_done", reports: "done", extra: 0, answer: 1, rootReports: "root_done" },
  { name: "proxy_on_log", reports: "log", extra: 0, answer: null },
  { name: "proxy_on_delete", reports: "delete", extra: 0, answer: null, rootReports: "root_delete" },
  { name: "proxy_on_request_headers", reports: "request_headers", extra: 2, answer: 0 },
  { name: "proxy_on_request_body", reports: "request_body", extra: 2, answer: 0 },
  { name: "proxy_on_request_trailers", reports: "request_trailers", extra: 1, answer: 0 },
  { name: "proxy_on_response_headers", reports: "response_headers", extra: 2, answer: 0 },
  { name: "proxy_on_response_body", reports: "response_body", extra: 2, answer: 0 },
  { name: "proxy_on_response_trailers", reports: "response_trailers", extra: 1, answer: 0 },
  { name: "proxy_on_http_call_response", reports: "http_call_response", extra: 4, answer: null },
  { name: "proxy_on_queue_ready", reports: "queue_ready", extra: 1, answer: null },
  { name: "proxy_on_foreign_function", reports: "foreign_function", extra: 2, answer: null },
  { name: "proxy_on_new_connection", reports: "new_connection", extra: 0, answer: 0 },
  { name: "proxy_on_downstream_data", reports: "downstream_data", extra: 2, answer: 0 },
  { name: "proxy_on_downstream_connection_close", reports: "downstream_close", extra: 1, answer: null },
  { name: "proxy_on_upstream_data", reports: "upstream_data", extra: 2, answer: 0 },
  { name: "proxy_on_upstream_connection_close", reports: "upstream_close", extra: 1, answer: null },
  { name: "proxy_on_grpc_receive_initial_metadata", reports: "grpc_initial", extra: 2, answer: null },
  { name: "proxy_on_grpc_receive", reports: "grpc_receive", extra: 2, answer: null },
  { name: "proxy_on_grpc_receive_trailing_metadata", reports: "grpc_trailing", extra: 2, answer: null },
  { name: "proxy_on_grpc_close", reports: "grpc_close", extra: 2, answer: null },
];

export const callbackNumber = (name: CallbackName): number => CALLBACKS.indexOf(name);
