// Why a stream to an upstream ended without its answer, as the error that the client is told. Pure.
import { constants } from "node:http2";
import type { ErrorCode } from "../../base/errors.ts";

/** Said by a peer, or by node:http2 about it, when what came is not HTTP/2 as it should be. */
const PROTOCOL_CODES: ReadonlySet<number> = new Set([
  constants.NGHTTP2_PROTOCOL_ERROR,
  constants.NGHTTP2_FLOW_CONTROL_ERROR,
  constants.NGHTTP2_FRAME_SIZE_ERROR,
  constants.NGHTTP2_COMPRESSION_ERROR,
  constants.NGHTTP2_HTTP_1_1_REQUIRED,
]);

/** @param lost the connection is gone, and with it whatever ran on it */
export function failureOf(rstCode: number, lost: boolean): ErrorCode {
  if (lost) return "upstream_reset";
  return PROTOCOL_CODES.has(rstCode) ? "upstream_protocol_error" : "upstream_remote_reset";
}
