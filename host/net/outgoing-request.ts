// The request as it goes to the upstream: request line and headers as text, and what is known of the length.
import { type HeaderList, firstHeader, removeHeader } from "../abi/headers.ts";
import { checkedLines, declaredLength, isRequestLine, parsedLines, requestLine } from "./http1/serialize.ts";
import type { OutgoingRequest } from "./upstream-request.ts";

export interface OutgoingOptions {
  /** Filters may have written the list: find the pseudo headers, check every name and value. */
  readonly checked: boolean;
  /** Host of a request that came without one (HTTP/1.0). */
  readonly authority: string;
  readonly endStream: boolean;
  readonly upload: {
    /** The client still waits for a 100, so the upstream is asked for it. */
    readonly awaitsContinue: boolean;
    /** The client takes trailers. */
    readonly acceptsTrailers: boolean;
    /** Content-Length as the client sent it, or -1. */
    readonly length: number;
  };
}

/** null: a filter has written something that is not a request head. */
export function outgoingRequest(headers: HeaderList, options: OutgoingOptions): OutgoingRequest | null {
  const { checked, upload } = options;
  // Only behind filters can time have passed since the head came, and the 100 been sent.
  if (checked && !upload.awaitsContinue) removeHeader(headers, "expect");
  // RFC 9110 10.1.4: who sends TE says so in Connection.
  const connection = upload.acceptsTrailers ? "connection: te\r\n" : "";
  const lines = checked ? checkedLines(headers) : parsedLines(headers, 8);
  const line = {
    method: checked ? (firstHeader(headers, ":method") ?? "") : (headers[1] as string),
    authority: (checked ? firstHeader(headers, ":authority") : headers[5]) || options.authority,
    path: checked ? (firstHeader(headers, ":path") ?? "") : (headers[7] as string),
  };
  if (lines === null || (checked && !isRequestLine(line))) return null;
  const length = checked ? declaredLength(headers, upload.length) : upload.length;
  return { method: line.method, head: requestLine(line) + lines + connection, length, endStream: options.endStream };
}
