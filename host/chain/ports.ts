// The seam between a protocol and the filter chain. `net` carries an exchange and implements ExchangePort; `chain` runs
// the filters and implements HttpStream. Both directions are push: whoever has something calls the other side, at once or
// later, so a filter that does not pause costs no promise and no queue.
//
//   client -> exchange -> HttpStream.requestHeaders ... filters ... -> ExchangePort.forwardRequestHeaders -> upstream
//   client <- ExchangePort.forwardResponseHeaders <- ... filters ... <- HttpStream.responseHeaders <- upstream
import type { HeaderList } from "../abi/headers.ts";
import type { Exposure } from "../experiment/exposure.ts";
import type { ConnectionState, StreamNotes } from "../plugin/stream-notes.ts";
import type { EndpointOptions } from "../upstream/options.ts";
import type { TlsFacts } from "../tls/facts.ts";

/** What is known of an exchange: filled by `net` while it runs, read by properties and the access log. */
export interface StreamFacts {
  /** x-request-id of the request, generated when absent or untrusted. */
  requestId: string;
  /** "HTTP/1.0", "HTTP/1.1", "HTTP/2". */
  protocol: string;
  scheme: string;
  listener: string;
  /** Process-wide number of the downstream connection. */
  connectionId: number;
  /** Wall clock at the first byte of the head, ns since the Unix epoch. */
  startNanos: bigint;
  /** Wall clock at the same moment in ms; durations are `endMs - startMs`. */
  startMs: number;
  sourceAddress: string;
  sourcePort: number;
  destinationAddress: string;
  destinationPort: number;
  routeName: string;
  /** Chosen by the route; "" until then. */
  clusterName: string;
  upstreamAddress: string;
  upstreamPort: number;
  /** Number of tries sent upstream. */
  attempts: number;
  /** 0 until the final response's head is known. */
  responseCode: number;
  /** Envoy's response flags, joined by ",". */
  responseFlags: string;
  /** `via_upstream` or a code of base/errors.ts or the details of a local reply. */
  responseCodeDetails: string;
  /** Body bytes from the client. */
  requestBytes: number;
  /** Body bytes to the client. */
  responseBytes: number;
  /** Head bytes as read. */
  requestHeaderBytes: number;
  /** ms from the request's first byte to its end; 0 until the end. */
  durationMs: number;
  /** ms from the head sent upstream to the response's head; 0 without upstream. */
  upstreamMs: number;
  /** "filter=arm" for every experiment that met this exchange, joined by ";". Written by the chain. */
  arms: string;
  /** The arms it was exposed to; null or absent outside experiments. Written by the chain. */
  exposure?: Exposure | null;
  /** Cookies that the answer sets, [name, value, ...]: units of experiments that had none. */
  newCookies?: string[] | null;
  /** What filters left on the stream; null until the first does. Written by the chain. */
  notes: StreamNotes | null;
  /** Filter state that outlives the stream. */
  readonly connectionState: ConnectionState;
  /** The endpoint of the last try, or null. */
  upstreamEndpoint: EndpointOptions | null;
  /** Of the client's connection; null or absent without TLS. */
  readonly tls?: TlsFacts | null;
  /** Of the connection to the upstream. */
  upstreamTls?: TlsFacts | null;
  /** Why the last connection to an upstream could not be made or broke, "" or absent when none did. */
  transportFailure?: string;
  /** Who connected, when the client is somebody else behind it; "" or absent otherwise. */
  peerAddress?: string;
  peerPort?: number;
  /** The protocol the exchange has changed to (a WebSocket, say); "" or absent while it has not. */
  upgrade?: string;
}

/** An answer made by the proxy itself: a filter's reply, a missing route, a failed upstream. */
export interface LocalReply {
  readonly status: number;
  /** Access-log word, spaces already replaced by "_". */
  readonly details: string;
  readonly body: Buffer | string;
  /** Further headers, [name, value, ...], names lower-case. No content-length: the exchange writes it. */
  readonly headers: HeaderList;
  /** 0..16, or -1 when not set. Used when the request is gRPC. */
  readonly grpcStatus: number;
}

/** What the chain needs of the exchange that carries it. Implemented by `net`. Never throws. */
export interface ExchangePort {
  readonly facts: StreamFacts;
  /**
   * The request head has passed every filter and may go upstream. `headers` is final and starts with its pseudo headers
   * :method :scheme :authority :path. Called at most once.
   */
  forwardRequestHeaders(headers: HeaderList, endStream: boolean): void;
  /** An empty chunk is legal with endStream. The exchange owns `chunk` from here. */
  forwardRequestBody(chunk: Buffer, endStream: boolean): void;
  /** Ends the request. */
  forwardRequestTrailers(trailers: HeaderList): void;
  /** Towards the client. `headers` starts with :status. Called at most once; framing headers are the exchange's business. */
  forwardResponseHeaders(headers: HeaderList, endStream: boolean): void;
  forwardResponseBody(chunk: Buffer, endStream: boolean): void;
  /** Ends the response. */
  forwardResponseTrailers(trailers: HeaderList): void;
  /**
   * A local reply was accepted: give up the upstream if one is at work, discard the rest of the request, and answer.
   * The reply then comes through forwardResponseHeaders / forwardResponseBody like any other response.
   */
  stopRequest(details: string, reply?: LocalReply): void;
  /** An attribute only this exchange knows; it goes before the built-in ones. Null = not here. Absent = none. */
  attribute?(path: readonly string[]): Uint8Array | null;
  /**
   * A filter changed what routes look at: the route is matched again when the request leaves the chain. Chain and
   * generations stay those of the first match (decisions.md 8).
   */
  clearRouteCache(): void;
  /** Ends the exchange without an orderly answer: the connection is closed (h1) or the stream reset (h2). */
  reset(details: string): void;
  /** Back-pressure from the filters: true = do not read more request (response) body until called with false. */
  holdRequest(hold: boolean): void;
  holdResponse(hold: boolean): void;
}

/** One exchange's way through the filters. Implemented by `chain`. Calls for a finished stream are ignored. */
export interface HttpStream {
  /** `headers` is handed over: filters edit it in place. Starts with :method :scheme :authority :path. */
  requestHeaders(headers: HeaderList, endStream: boolean): void;
  requestBody(chunk: Buffer, endStream: boolean): void;
  /** Ends the request. */
  requestTrailers(trailers: HeaderList): void;
  /** `headers` is handed over and starts with :status. Never called for 1xx. */
  responseHeaders(headers: HeaderList, endStream: boolean): void;
  responseBody(chunk: Buffer, endStream: boolean): void;
  /** Pieces of the response's body may go to the client past the chain: no filter looks at them. */
  readonly responseBodyPasses: boolean;
  /** The request's headers as they came, once a filter may have written them; null: they are as they came. */
  readonly parsedRequest: HeaderList | null;
  /** As `parsedRequest`; empty for an answer of our own, of which nothing came from a parser. */
  readonly parsedResponse: HeaderList | null;
  responseTrailers(trailers: HeaderList): void;
  /** The exchange answers by itself (no route, upstream failure): runs the response filters, then ExchangePort. */
  localReply(reply: LocalReply): void;
  /** The exchange is over, however it ended: facts are final; on_log, on_done, on_delete run, generations are released. */
  end(): void;
}

/** A chain of pinned filter generations, ready to carry streams. One per listener and route, per snapshot. */
export interface ChainTemplate {
  /** No filter: the exchange may skip the chain altogether. */
  readonly empty: boolean;
  open(port: ExchangePort): HttpStream;
}
