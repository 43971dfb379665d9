// StreamFacts of one exchange. A class, so that all of them have one shape, with the parts of the connection filled in by
// the constructor.
import { ERRORS, type ErrorCode } from "../base/errors.ts";
import type { Socket } from "node:net";
import type { StreamFacts } from "../chain/ports.ts";
import type { Exposure } from "../experiment/exposure.ts";
import { ConnectionState, type StreamNotes } from "../plugin/stream-notes.ts";
import type { EndpointOptions } from "../upstream/options.ts";
import type { Addresses } from "./proxy-protocol/addresses.ts";
import type { TlsFacts } from "../tls/facts.ts";

/** What an exchange learns from the connection that carries it. */
export interface ConnectionFacts {
  readonly listener: string;
  readonly connectionId: number;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  /** Filter state that outlives the exchanges of the connection. */
  readonly state: ConnectionState;
  readonly tls: TlsFacts | null;
  /** "https" with TLS. */
  readonly scheme: string;
}

export interface ConnectionName {
  readonly listener: string;
  /** Process-wide number of the connection. */
  readonly id: number;
  readonly tls?: TlsFacts | undefined;
  /** Whose it is, where that is not the socket's peer. */
  readonly origin?: Addresses | null | undefined;
}

/** Addresses are read once: asking a socket costs a system call. */
export function connectionFacts(socket: Socket, { listener, id, tls, origin }: ConnectionName): ConnectionFacts {
  const from = origin ?? addressesOf(socket);
  return {
    listener,
    connectionId: id,
    sourceAddress: from.sourceAddress,
    sourcePort: from.sourcePort,
    destinationAddress: from.destinationAddress,
    destinationPort: from.destinationPort,
    state: new ConnectionState(),
    tls: tls ?? null,
    scheme: tls === undefined ? "http" : "https",
  };
}

const addressesOf = (socket: Socket): Addresses => ({
  sourceAddress: socket.remoteAddress ?? "",
  sourcePort: socket.remotePort ?? 0,
  destinationAddress: socket.localAddress ?? "",
  destinationPort: socket.localPort ?? 0,
});

/** What `ListenerView.finished` is told of the request: as the client sent it. */
export interface RequestSummary {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly userAgent: string;
}

export const summaryOf = ({ method, path, authority, userAgent }: RequestSummary): RequestSummary => ({
  method,
  path,
  authority,
  userAgent,
});

export class ExchangeFacts implements StreamFacts {
  requestId = "";
  protocol = "";
  scheme: string;
  listener: string;
  connectionId: number;
  startMs: number;
  sourceAddress: string;
  sourcePort: number;
  destinationAddress: string;
  destinationPort: number;
  routeName = "";
  clusterName = "";
  upstreamAddress = "";
  upstreamPort = 0;
  attempts = 0;
  responseCode = 0;
  responseFlags = "";
  responseCodeDetails = "";
  requestBytes = 0;
  responseBytes = 0;
  requestHeaderBytes = 0;
  durationMs = 0;
  upstreamMs = 0;
  arms = "";
  exposure: Exposure | null = null;
  newCookies: string[] | null = null;
  notes: StreamNotes | null = null;
  readonly connectionState: ConnectionState;
  upstreamEndpoint: EndpointOptions | null = null;
  tls: TlsFacts | null;
  upstreamTls: TlsFacts | null = null;
  transportFailure = "";
  upgrade = "";
  peerAddress = "";
  peerPort = 0;

  constructor(connection: ConnectionFacts, startMs: number) {
    this.listener = connection.listener;
    this.scheme = connection.scheme;
    this.tls = connection.tls;
    this.connectionId = connection.connectionId;
    this.startMs = startMs;
    this.sourceAddress = connection.sourceAddress;
    this.sourcePort = connection.sourcePort;
    this.destinationAddress = connection.destinationAddress;
    this.destinationPort = connection.destinationPort;
    this.connectionState = connection.state;
  }

  /** Made on demand: a bigint per request is dearer than all the other fields, and few ask. */
  get startNanos(): bigint {
    return BigInt(Math.round(this.startMs * 1000)) * 1000n;
  }

  /** What went wrong, for the access log: the code and its flag. */
  failed(code: ErrorCode): void {
    this.addFlag(ERRORS[code].flag);
    this.responseCodeDetails = code;
  }

  /** Envoy's response flags, each once. */
  addFlag(flag: string): void {
    if (flag === "" || this.responseFlags.split(",").includes(flag)) return;
    this.responseFlags = this.responseFlags === "" ? flag : `${this.responseFlags},${flag}`;
  }
}
