// The only door from error to response. Whatever goes wrong between a client and an upstream becomes a local reply here, so
// that one table (base/errors.ts) decides what the world sees.
import type { HeaderList } from "../abi/headers.ts";
import { ERRORS, type ErrorCode, SluiceError } from "../base/errors.ts";
import type { LocalReply } from "../chain/ports.ts";

/** What a client reads. Says who failed, never how the house is built. */
const SENTENCES: Partial<Record<ErrorCode, string>> = {
  request_header_too_large: "request header fields too large",
  request_payload_too_large: "request body too large",
  request_timeout: "the request was not received in time",
  upgrade_not_supported: "this upstream cannot change to another protocol",
  upgrade_refused: "changing to this protocol is not allowed here",
  connect_refused: "a tunnel to this authority is not allowed here",
  route_not_found: "no route matches this request",
  cluster_not_found: "the route leads to a cluster that does not exist",
  no_healthy_upstream: "no healthy upstream",
  upstream_overflow: "too many requests are waiting for the upstream",
  upstream_connect_failure: "upstream connect error",
  upstream_connect_timeout: "upstream connect timeout",
  upstream_reset: "upstream connection closed before an answer",
  upstream_remote_reset: "upstream reset the stream before an answer",
  upstream_reset_after_response_started: "upstream connection closed in the middle of the answer",
  upstream_protocol_error: "upstream sent an invalid answer",
  upstream_response_timeout: "upstream request timeout",
  internal_error: "internal error",
};

/** gRPC status of an HTTP status (grpc/grpc doc/http-grpc-status-mapping.md). */
const GRPC_STATUS: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

/** The local reply of an error. `sentence` replaces the code's own. */
export function toLocalReply(error: ErrorCode | SluiceError, sentence?: string): LocalReply {
  const code = error instanceof SluiceError ? error.code : error;
  const { status } = ERRORS[code];
  return {
    status,
    details: code,
    body: `${sentence ?? SENTENCES[code] ?? code.replaceAll("_", " ")}\n`,
    headers: ["content-type", "text/plain"],
    grpcStatus: GRPC_STATUS[status] ?? 2,
  };
}

/** Head of a local reply in chain form. */
export const replyHeaders = ({ status, headers }: LocalReply): HeaderList => [":status", String(status), ...headers];

/** A local reply with its bytes, for clients that do not speak gRPC. */
export const plainReply = (reply: LocalReply): { readonly headers: HeaderList; readonly body: Buffer } => ({
  headers: replyHeaders(reply),
  body: Buffer.from(reply.body),
});
