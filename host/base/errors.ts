// The one error class of the host and the table of codes behind it. Errors become responses only in net/rescue.ts.

/** Who is to blame; decides metrics and wording. */
export type ErrorSource = "downstream" | "upstream" | "guest" | "host" | "config";

/** Whether the same request may be sent again. `if-reused`: only when the failed connection had served before. */
export type Retry = "never" | "always" | "if-reused";

export interface ErrorSpec {
  readonly source: ErrorSource;
  /** HTTP status of the local reply this error becomes. */
  readonly status: number;
  /** Envoy's response flag for the access log, or "" when there is none. */
  readonly flag: string;
  readonly retry: Retry;
}

const spec = (source: ErrorSource, status: number, flag = "", retry: Retry = "never"): ErrorSpec => ({
  source,
  status,
  flag,
  retry,
});

/** code -> who, status, flag. Codes are stable: they appear in access logs as `response_code_details`. */
export const ERRORS = {
  bad_request: spec("downstream", 400, "DPE"),
  request_header_too_large: spec("downstream", 431, "DPE"),
  request_payload_too_large: spec("downstream", 413),
  request_timeout: spec("downstream", 408, "DT"),
  upgrade_not_supported: spec("downstream", 501),
  upgrade_refused: spec("downstream", 403),
  connect_refused: spec("downstream", 403),
  stream_idle_timeout: spec("downstream", 408, "SI"),
  expectation_failed: spec("downstream", 417),
  http_version_not_supported: spec("downstream", 505, "DPE"),
  downstream_disconnect: spec("downstream", 499, "DC"),
  route_not_found: spec("config", 404, "NR"),
  cluster_not_found: spec("config", 503, "NC"),
  no_healthy_upstream: spec("upstream", 503, "UH"),
  upstream_overflow: spec("upstream", 503, "UO"),
  upstream_connect_failure: spec("upstream", 503, "UF", "always"),
  upstream_connect_timeout: spec("upstream", 503, "UF", "always"),
  upstream_reset: spec("upstream", 503, "UC", "if-reused"),
  upstream_remote_reset: spec("upstream", 503, "UR"),
  upstream_reset_after_response_started: spec("upstream", 502, "UC"),
  upstream_protocol_error: spec("upstream", 502, "UPE"),
  upstream_response_timeout: spec("upstream", 504, "UT"),
  response_payload_too_large: spec("upstream", 500),
  wasm_fail_stream: spec("guest", 503),
  wasm_pause_timeout: spec("guest", 504),
  wasm_content_length_mismatch: spec("guest", 500),
  wasm_close_stream: spec("guest", 503),
  internal_error: spec("host", 500),
  too_many_connections: spec("host", 503, "OM"),
  too_many_active_requests: spec("host", 503, "OM"),
  overloaded: spec("host", 503, "OM"),
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** An error with a code of {@link ERRORS}. `message` says what was given, what was expected, what to do. */
export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly spec: ErrorSpec;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "SluiceError";
    this.code = code;
    this.spec = ERRORS[code];
  }
}
