// A message's head as an exchange sees it, whatever protocol brought it. The parsers of HTTP/1.1 and HTTP/2 fill it; it is
// lent for the call, its list is handed over.
import type { HeaderList } from "../abi/headers.ts";

export interface IncomingHead {
  /** `:method :scheme :authority :path`, then the headers; no host, nothing hop-by-hop. */
  readonly headers: HeaderList;
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly userAgent: string;
  /** Size of the head as read. */
  readonly bytes: number;
  /** "HTTP/1.0", "HTTP/1.1" or "HTTP/2". */
  readonly protocol: string;
  /** -1 = no Content-Length. */
  readonly contentLength: number;
  /** A body follows (an empty one counts as none). */
  readonly hasBody: boolean;
  /** The client waits for 100 before it sends the body. */
  readonly expectsContinue: boolean;
  /** The client takes trailers (`te: trailers` is in the list). */
  readonly acceptsTrailers: boolean;
  /** What the client offers to change to (RFC 9110 7.8), as it says it; "" = nothing. Such a request has no body. */
  readonly upgrade: string;
  /** Index of the name in `headers`, or -1. */
  readonly requestIdAt: number;
  readonly forwardedForAt: number;
  readonly forwardedProtoAt: number;
}

export interface IncomingAnswer {
  /** `:status`, then the headers; nothing hop-by-hop. */
  readonly headers: HeaderList;
  /** 100 to 599. */
  readonly status: number;
  /** -1 = no Content-Length. */
  readonly contentLength: number;
}
