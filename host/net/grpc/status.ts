// gRPC status codes, and what stands for one when the peer says something else: an HTTP status (grpc/grpc
// doc/http-grpc-status-mapping.md), an HTTP/2 error code (doc/PROTOCOL-HTTP2.md "Errors"), or nothing at all. Pure.
import { constants } from "node:http2";

export const OK = 0;
export const CANCELLED = 1;
export const UNKNOWN = 2;
export const DEADLINE_EXCEEDED = 4;
export const PERMISSION_DENIED = 7;
export const RESOURCE_EXHAUSTED = 8;
export const UNIMPLEMENTED = 12;
export const INTERNAL = 13;
export const UNAVAILABLE = 14;
export const UNAUTHENTICATED = 16;

/** How a call ended. `message` is bytes in latin1 text. */
export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

const BY_HTTP: Readonly<Record<number, number>> = {
  400: INTERNAL,
  401: UNAUTHENTICATED,
  403: PERMISSION_DENIED,
  404: UNIMPLEMENTED,
  429: UNAVAILABLE,
  502: UNAVAILABLE,
  503: UNAVAILABLE,
  504: UNAVAILABLE,
};

/** For an answer that is no gRPC answer. */
export function statusOfHttp(status: number): GrpcStatus {
  return { code: BY_HTTP[status] ?? UNKNOWN, message: `HTTP status ${status}` };
}

const BY_RESET: Readonly<Record<number, number>> = {
  [constants.NGHTTP2_REFUSED_STREAM]: UNAVAILABLE,
  [constants.NGHTTP2_CANCEL]: CANCELLED,
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: RESOURCE_EXHAUSTED,
  [constants.NGHTTP2_INADEQUATE_SECURITY]: PERMISSION_DENIED,
  [constants.NGHTTP2_STREAM_CLOSED]: UNKNOWN,
  [constants.NGHTTP2_HTTP_1_1_REQUIRED]: UNKNOWN,
};

/** For a stream that the peer reset. */
export function statusOfReset(code: number): GrpcStatus {
  return { code: BY_RESET[code] ?? INTERNAL, message: `the stream was reset with HTTP/2 code ${code}` };
}

/** For `grpc-status` and `grpc-message` as they came; a status that is absent or no number from 0 to 16 is UNKNOWN. */
export function statusOfTrailers(code: string | undefined, message: string | undefined): GrpcStatus {
  if (code === undefined) return { code: UNKNOWN, message: "the answer ended without grpc-status" };
  const text = percentDecoded(message ?? "");
  const isKnown = /^\d{1,2}$/.test(code) && Number(code) <= UNAUTHENTICATED;
  return { code: isKnown ? Number(code) : UNKNOWN, message: text };
}

/** `%C3%A9` -> the bytes C3 A9 as latin1 text. What is no escape stays as it is (PROTOCOL-HTTP2.md: never an error). */
export function percentDecoded(text: string): string {
  return text.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
