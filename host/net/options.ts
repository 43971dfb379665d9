// What a listener is once the config has been parsed: plain frozen data, times in milliseconds, sizes in bytes. Types only.
import type { RouteOptions } from "../route/options.ts";
import type { ServerTlsOptions } from "../tls/options.ts";

export interface AccessLogOptions {
  readonly format: "json" | "text";
  /** `-` is stdout. */
  readonly path: string;
}

export interface ListenerLimits {
  /** Request line and headers together. Default 64 KiB; over: 431. */
  readonly maxHeaderBytes: number;
  /** Default 100; over: 431. */
  readonly maxHeaders: number;
  /** 0 = no limit (the default); over: 413. */
  readonly maxBodyBytes: number;
  /** From the first byte of a request's head to its end. Default 10 000; over: 408. */
  readonly headerTimeoutMs: number;
  /** From the end of the head to the last byte of the request body. 0 = off. Default 300 000; over: 408. */
  readonly requestTimeoutMs: number;
  /** No byte in either direction while an exchange is under way. 0 = off. Default 300 000; over: 408 or 504. */
  readonly streamIdleTimeoutMs: number;
  /** Between two exchanges on one connection. Default 60 000; over: closed without a word. */
  readonly idleTimeoutMs: number;
  /** Requests on one connection; the last answer carries `Connection: close`. 0 = no limit (the default). */
  readonly maxRequestsPerConnection: number;
  /** Bytes held for a slow peer, each direction, before reading from the other side stops. Default 64 KiB. */
  readonly bufferBytes: number;
  /** Connections per data thread. Default 10 000; over: 503 and closed (TCP: closed). */
  readonly maxConnections: number;
  /** Requests under way per data thread. 0 = no limit (the default); over: 503 and closed. */
  readonly maxActiveRequests: number;
  /** How late the thread's timers may fire, four times in a row, before new requests are refused with 503. 0 = off (the default). */
  readonly maxLoopLagMs: number;
}

/** `http2:` of a listener. */
export interface Http2Options {
  /** Streams a client may have open at once; further ones are refused. Default 100. */
  readonly maxConcurrentStreams: number;
  /** Bytes of a request body that may come ahead of what is read: per stream. Default 64 KiB. */
  readonly initialStreamWindowSize: number;
  /** As above, over all streams of a connection. Default 1 MiB. */
  readonly initialConnectionWindowSize: number;
  /** Age at which a connection is drained. 0 = no limit (the default). */
  readonly maxConnectionDurationMs: number;
  /** Streams a client may break off at once, and after that per second. Default 1000 and 33; over: GOAWAY. */
  readonly streamResetBurst: number;
  readonly streamResetRate: number;
  /** PING and SETTINGS frames in 10 s. Default 1000; over: GOAWAY. */
  readonly maxControlFrames: number;
}

/** `tcp:` of a listener with `protocol: tcp`. */
export interface TcpOptions {
  /** Where its connections go. */
  readonly cluster: string;
  /** No byte in either direction. 0 = off. Default 3 600 000, as in Envoy's tcp_proxy. */
  readonly idleTimeoutMs: number;
  /** Endpoints tried before a connection is given up. Default 1, as in Envoy's tcp_proxy. */
  readonly maxConnectAttempts: number;
}

/** `proxyProtocol:` of a listener. */
export interface ProxyProtocolOptions {
  /** Addresses and networks whose connections begin with a header. Everybody else's do not. */
  readonly from: readonly string[];
  /** From the accepted connection to the end of the header. Default 5 000; over: closed. */
  readonly timeoutMs: number;
  /** Default true: who may send a header must. */
  readonly required: boolean;
}

/** `forwarding:` of a listener. */
export interface ForwardingOptions {
  /** The peer's address is added to x-forwarded-for (Envoy: use_remote_address). Default true. */
  readonly useRemoteAddress: boolean;
  /** Proxies in front of this one whose additions are believed (Envoy: xff_num_trusted_hops). Default 0. */
  readonly xffNumTrustedHops: number;
  /** Addresses and networks of those proxies; whoever else connects has said nothing. Empty = any peer is believed. */
  readonly trustedProxies: readonly string[];
  /** `Forwarded` (RFC 7239): taken out, kept, or this hop added. Default drop. */
  readonly forwarded: "drop" | "keep" | "append";
  /** x-request-id of clients that are not believed is kept (Envoy: preserve_external_request_id). Default false. */
  readonly preserveExternalRequestId: boolean;
}

export interface ListenerOptions {
  readonly name: string;
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly accessLog: AccessLogOptions | null;
  /** Filter names, in chain order. */
  readonly filters: readonly string[];
  readonly routes: readonly RouteOptions[];
  readonly limits: ListenerLimits;
  /** Response header that names the experiment arms of the request, or "" for none. */
  readonly armHeader: string;
  /** Absent = clients may not speak HTTP/2. */
  readonly http2?: Http2Options;
  /** Set when the listener carries plain TCP: then it has no routes, and only `bufferBytes` and `maxConnections` count. */
  readonly tcp?: TcpOptions;
  /** Protocols that requests may change to where their route does not say, lower-case. Absent = none. */
  readonly upgrades?: readonly string[];
  /** Some route takes CONNECT. */
  readonly connect?: true;
  /** Absent = x-forwarded-for is added to, the rest of what clients say is kept, and the client is the peer. */
  readonly forwarding?: ForwardingOptions;
  /** Set when connections begin with a PROXY header, before anything else. */
  readonly proxyProtocol?: ProxyProtocolOptions;
  /** Set when connections begin with a TLS handshake. */
  readonly tls?: ServerTlsOptions;
}
