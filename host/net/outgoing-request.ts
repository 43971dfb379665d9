// The request as it goes to the upstream: request line and headers as text, and what is known of the length.
import { type HeaderList, firstHeader, removeHeader } from "../abi/headers.ts";
import {
  checkedLines,
  declaredLength,
  isRequestLine,
  parsedLines,
  requestLine,
  type RequestLine,
} from "./http1/serialize.ts";
import type { OutgoingRequest } from "./upstream-request.ts";

export interface OutgoingOptions {
  /**
   * The list as it was parsed, when filters may have written it since: the pseudo headers are searched, and whatever is not
   * as it was is checked. Null: nobody has touched it.
   */
  readonly parsed: HeaderList | null;
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
  const { parsed, upload } = options;
  const checked = parsed !== null;
  // Only behind filters can time have passed since the head came, and the 100 been sent.
  if (checked && !upload.awaitsContinue && headers.includes("expect")) removeHeader(headers, "expect");
  // RFC 9110 10.1.4: who sends TE says so in Connection.
  const connection = upload.acceptsTrailers ? "connection: te\r\n" : "";
  const lines = checked ? checkedLines(headers, parsed) : parsedLines(headers, 8);
  const line = {
    method: checked ? (firstHeader(headers, ":method") ?? "") : (headers[1] as string),
    authority: (checked ? firstHeader(headers, ":authority") : headers[5]) || options.authority,
    path: checked ? (firstHeader(headers, ":path") ?? "") : (headers[7] as string),
  };
  if (lines === null || (checked && !isSameLine(line, parsed) && !isRequestLine(line))) return null;
  const length = checked ? declaredLength(headers, upload.length) : upload.length;
  return { method: line.method, head: requestLine(line) + lines + connection, length, endStream: options.endStream };
}

const isSameLine = ({ method, path, authority }: RequestLine, parsed: HeaderList): boolean =>
  method === parsed[1] && path === parsed[7] && authority === parsed[5];
