// Every reason to refuse a message, what the peer is told, and which error it is. One closed table: reasons are metric
// labels, and the test battery names them.
import type { ErrorCode } from "../../base/errors.ts";

interface RejectionSpec {
  readonly code: ErrorCode;
  /** Shown to the client; says what was wrong, not what the client sent. */
  readonly sentence: string;
}

const refuse = (sentence: string, code: ErrorCode = "bad_request"): RejectionSpec => ({ code, sentence });

export const REJECTIONS = {
  bad_request_line: refuse("the request line is not `method SP target SP version`"),
  bad_target: refuse("the request target has a form or a character that is not allowed"),
  bad_version: refuse("only HTTP/1.0 and HTTP/1.1 are spoken here", "http_version_not_supported"),
  connect_refused: refuse("CONNECT is not offered", "upgrade_not_supported"),
  connect_with_body: refuse("CONNECT has no body"),
  bare_line_end: refuse("lines must end in CRLF"),
  bad_header_name: refuse("a header name is empty or has a character that is not allowed, or its colon is missing"),
  bad_header_value: refuse("a header value has a control character"),
  folded_header: refuse("a header line begins with white space"),
  underscore_in_name: refuse("header names with an underscore are refused"),
  missing_host: refuse("the Host header is missing"),
  duplicate_host: refuse("there is more than one Host header"),
  bad_host: refuse("the Host header is not host[:port]"),
  host_mismatch: refuse("the Host header differs from the request target"),
  bad_content_length: refuse("Content-Length is not a decimal number"),
  duplicate_content_length: refuse("there is more than one Content-Length"),
  bad_transfer_encoding: refuse("Transfer-Encoding is not exactly `chunked`"),
  duplicate_transfer_encoding: refuse("there is more than one Transfer-Encoding"),
  length_and_encoding: refuse("Content-Length and Transfer-Encoding exclude each other"),
  encoding_on_http10: refuse("HTTP/1.0 has no Transfer-Encoding"),
  bad_connection: refuse("Connection names a header that is not hop-by-hop"),
  bad_expectation: refuse("only `Expect: 100-continue` is understood", "expectation_failed"),
  header_too_large: refuse("the request head is larger than this listener accepts", "request_header_too_large"),
  too_many_headers: refuse("the request has more headers than this listener accepts", "request_header_too_large"),
  bad_chunk: refuse("the chunked body is malformed"),
  bad_trailer: refuse("a trailer would frame the message"),
  trailers_too_large: refuse("the trailers are larger than this listener accepts", "request_header_too_large"),
  incomplete_request: refuse("the connection was closed in the middle of the request"),
  bad_bodyless_answer: refuse("a 1xx or 204 answer frames a body or ends the connection"),
  bad_pseudo_header: refuse("a pseudo header is missing, unknown, repeated or has a value that is not allowed"),
  connection_specific: refuse("HTTP/2 has no Connection and none of its headers"),
  bad_status_line: refuse("the answer does not begin with an HTTP/1 status line"),
} as const satisfies Record<string, RejectionSpec>;

export type Rejection = keyof typeof REJECTIONS;
