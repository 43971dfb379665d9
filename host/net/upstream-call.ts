// A request on its way to a cluster, whatever protocol carries it: UpstreamRequest over pooled HTTP/1.1 connections,
// Http2Request over streams. Proxied exchanges and call-outs of filters send through this.
import type { HeaderList } from "../abi/headers.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { TlsFacts } from "../tls/facts.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { EndpointOptions } from "../upstream/options.ts";
import type { Endpoint } from "../upstream/endpoint.ts";
import type { Addresses } from "./proxy-protocol/addresses.ts";
import type { EndpointOverride } from "../upstream/override.ts";
import type { IncomingAnswer } from "./incoming-head.ts";

/** What is told of the connection a request goes over. */
export interface ChosenConnection {
  readonly endpoint: Endpoint;
  /** What TLS has agreed on; null without. */
  readonly tls: TlsFacts | null;
}

/** Receives the answer. Calls end with a last piece, trailers, or `upstreamFailed`; never after `cancel`. */
export interface ResponseSink {
  /** A connection was found; called again for a second try. */
  upstreamChosen(connection: ChosenConnection, attempt: number): void;
  /** 1xx. `headers` starts with :status. */
  upstreamInformational(status: number, headers: HeaderList): void;
  /** `head` is lent, its list is handed over. */
  upstreamHead(head: IncomingAnswer, endStream: boolean): void;
  /** The bytes [from, to) are lent. */
  upstreamBody(bytes: Buffer, from: number, to: number, last: boolean): void;
  upstreamTrailers(trailers: HeaderList): void;
  /** @param reason of the transport, for people; "" when it is not to blame */
  upstreamFailed(code: ErrorCode, reason?: string): void;
  /** Back-pressure for the request body. */
  upstreamBlocked(blocked: boolean): void;
}

export interface OutgoingRequest {
  readonly method: string;
  /** For HTTP/1.1: request line and headers, without framing and empty line. Else "". */
  readonly head: string;
  /** For HTTP/2: pseudo headers and headers, without a length; handed over. Else empty. */
  readonly list: HeaderList;
  /** Announced length of the body, or -1. */
  readonly length: number;
  readonly endStream: boolean;
  /** Whose request it is, for clusters that are told; null = our own. */
  readonly client: Addresses | null;
  /** Where the tunnel goes that CONNECT asks for, when the cluster leaves that to the client. */
  readonly endpoint?: EndpointOptions;
  /** It asks to change to this protocol, lower-case; `head` is whole then. "" = it does not. */
  readonly upgrade: string;
  /** An endpoint that a filter has named. */
  readonly override?: EndpointOverride;
}

export interface UpstreamCall {
  readonly cluster: Cluster;
  /** Bytes that wait for a connection. */
  readonly waitingBytes: number;
  start(): void;
  /** A piece of the body; owned from here. False: it does not fit the announced length. */
  body(chunk: Buffer, last: boolean): boolean;
  /** Ends the body with trailers. False as with `body`. */
  trailers(list: HeaderList): boolean;
  /** Back-pressure for the answer. */
  hold(hold: boolean): void;
  /** Gives the request up, wherever it is. The sink hears nothing more. */
  cancel(): void;
}

/** Tries of one request, the first included. */
export const MAX_ATTEMPTS = 2;
/** Larger bodies are not kept for a second try. */
export const MAX_REPLAY_BYTES = 64 * 1024;
/** RFC 9110 9.2.2: sending them twice has the effect of sending them once. */
export const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);
