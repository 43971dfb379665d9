// What a filter extends. A stream object lives from its first callback to proxy_on_delete:
//
//   HTTP  onRequestHeaders > Body* > Trailers?   onResponseHeaders > Body* > Trailers?   onLog   onEnd
//   TCP   onNewConnection > onDownstreamData* | onUpstreamData* > onDownstreamClose / onUpstreamClose   onEnd   onLog
//
// Responses may begin before the request has ended. After `reply` no request callback follows, but response ones do.
import * as peer from "./abi/peer";
import * as stream from "./abi/stream";
import { BodyView } from "./body";
import { Bytes } from "./bytes";
import { callFrom, Continuation, OutRequest } from "./callout";
import * as env from "./env";
import { Flow } from "./flow";
import { GrpcCall, grpcCallFrom, GrpcRequest, GrpcStream, grpcStreamFrom } from "./grpc";
import { RequestHead, requestHead, ResponseHead, responseHead } from "./headers";
import { writeDownstream } from "./host-extras";
import { accepted } from "./host-status";
import { Context } from "./owner";
import { PairsBuilder } from "./pairs";
import { encode, encodedSize } from "./text/utf8";
import { Trailers } from "./trailers";

/** What kind of callbacks a stream takes. */
export enum StreamKind {
  Http,
  Tcp,
}

/** One HTTP exchange or TCP connection. */
export abstract class Stream extends Context {
  /** Set by the constructors below; the dispatcher checks it before every cast. */
  kind: StreamKind = StreamKind.Http;
  /** For registry.ts: address of the next one in the hash bucket. */
  chain: usize = 0;

  /** At the end: headers and properties are readable, nothing is writable. */
  onLog(): void {}
  /** The host is done with the stream. Pending call-outs and timers are dropped afterwards. */
  onEnd(): void {}

  /** Lets one direction go on: `answer` is the response, or upstream data. What a delay's timer does. */
  resumeSide(answer: bool): void {}

  /**
   * Sends `request` to `cluster` and calls `then` with the answer. False when the host refuses (unknown or forbidden
   * cluster; `lastStatus()`): then `then` is never called. `timeoutMs` 0 = the cluster's default. Return Flow.Pause
   * to wait, and resume from `then`. *Portable.*
   */
  call(cluster: string, request: OutRequest, timeoutMs: u32, then: Continuation): bool {
    return callFrom(this, cluster, request, timeoutMs, then);
  }
  /**
   * Sends a unary gRPC call to `cluster` and calls `then` once. False when the host refuses (unknown or forbidden cluster;
   * `lastStatus()`): then `then` is never called. `timeoutMs` 0 = 15 s. *Portable.*
   */
  grpcCall(cluster: string, request: GrpcRequest, timeoutMs: u32, then: GrpcCall): bool {
    return grpcCallFrom(this, cluster, request, timeoutMs, then);
  }
  /** Opens a gRPC stream to `cluster`; `then` sends on it and is called with what comes. False as above. *Portable.* */
  grpcStream(cluster: string, request: GrpcRequest, then: GrpcStream): bool {
    return grpcStreamFrom(this, cluster, request, then);
  }
}

/** A filter of HTTP exchanges. Override what you need: the rest is not even exported. */
export abstract class HttpFilter extends Stream {
  /** The request head has come. Flow.Pause holds it here until resumeRequest or a reply. */
  onRequestHeaders(request: RequestHead): Flow {
    return Flow.Continue;
  }
  /** A chunk of the request body; after Flow.Pause the next one brings all that was held. */
  onRequestBody(body: BodyView): Flow {
    return Flow.Continue;
  }
  /** The request ends with trailers. */
  onRequestTrailers(trailers: Trailers): Flow {
    return Flow.Continue;
  }
  /** The response head has come, from the upstream or from a local reply. */
  onResponseHeaders(response: ResponseHead): Flow {
    return Flow.Continue;
  }
  /** A chunk of the response body, as onRequestBody. */
  onResponseBody(body: BodyView): Flow {
    return Flow.Continue;
  }
  /** The response ends with trailers. */
  onResponseTrailers(trailers: Trailers): Flow {
    return Flow.Continue;
  }

  /** The request head, from any callback or continuation of this stream. */
  get request(): RequestHead {
    return requestHead();
  }
  /** The response head. */
  get response(): ResponseHead {
    return responseHead();
  }
  /**
   * Answers the client from here; returns Flow.Pause so that `return this.reply(403)` reads well. `status` 200..599.
   * The reply passes the response callbacks of the filters already reached. *Portable.*
   */
  reply(status: u32, body: string = "", headers: PairsBuilder | null = null, details: string = ""): Flow {
    const text = encode(body);
    const size = encodedSize;
    const why = encode(details);
    const whySize = encodedSize;
    const packed = headers ? headers.pack() : Bytes.at(0, 0);
    accepted(env.proxy_send_local_response(status, why, whySize, text, size, packed.ptr, packed.length, -1));
    return Flow.Pause;
  }
  override resumeSide(answer: bool): void {
    if (answer) this.resumeResponse();
    else this.resumeRequest();
  }
  /** Lets a paused request go on, after this callback. */
  resumeRequest(): bool {
    return accepted(env.proxy_continue_stream(stream.HTTP_REQUEST));
  }
  /** Lets a paused response go on, after this callback. */
  resumeResponse(): bool {
    return accepted(env.proxy_continue_stream(stream.HTTP_RESPONSE));
  }
  /** Resets the stream. */
  closeRequest(): bool {
    return accepted(env.proxy_close_stream(stream.HTTP_REQUEST));
  }
  /** Resets the stream. */
  closeResponse(): bool {
    return accepted(env.proxy_close_stream(stream.HTTP_RESPONSE));
  }
}

/** Who closed a TCP connection (abi/peer.ts). */
export enum Peer {
  Unknown = peer.UNKNOWN,
  /** The proxy. */
  Local = peer.LOCAL,
  Remote = peer.REMOTE,
}

/**
 * A filter of TCP connections. Flow.Pause keeps what a data callback has seen; the next one is given the whole buffer so
 * far, which goes on, edits included, with Flow.Continue or `resume*`. Keep an offset rather than read it all anew.
 */
export abstract class TcpFilter extends Stream {
  constructor() {
    super();
    this.kind = StreamKind.Tcp;
  }
  /** A client has connected; the upstream is dialled when every filter has continued. Flow.Pause holds until resumeDownstream. */
  onNewConnection(): Flow {
    return Flow.Continue;
  }
  /** Bytes from the client, in chain order. `data.end`: the client sends no more; it may still read. */
  onDownstreamData(data: BodyView): Flow {
    return Flow.Continue;
  }
  /** Bytes from the upstream, in reverse chain order. `data.end`: the upstream sends no more. */
  onUpstreamData(data: BodyView): Flow {
    return Flow.Continue;
  }
  /** The client's side is gone; called once. */
  onDownstreamClose(by: Peer): void {}
  /** The upstream's side is gone; called once. Envoy calls it with the upstream's last byte, with Peer.Unknown. */
  onUpstreamClose(by: Peer): void {}

  /** Writes to the client after this callback, past the other filters; `close` ends the connection afterwards. *sluice.* */
  write(bytes: Bytes, close: bool = false): bool {
    return writeDownstream(bytes, close);
  }
  /** As `write`, with text (UTF-8). *sluice.* */
  writeText(text: string, close: bool = false): bool {
    const bytes = encode(text);
    return writeDownstream(Bytes.at(bytes, encodedSize), close);
  }
  override resumeSide(answer: bool): void {
    if (answer) this.resumeUpstream();
    else this.resumeDownstream();
  }
  /** Lets the paused downstream direction (or a paused new connection) go on. */
  resumeDownstream(): bool {
    return accepted(env.proxy_continue_stream(stream.DOWNSTREAM));
  }
  /** Lets the paused upstream direction go on (Envoy: unimplemented, returns false). */
  resumeUpstream(): bool {
    return accepted(env.proxy_continue_stream(stream.UPSTREAM));
  }
  /**
   * Closes the connection after pending writes; what this callback lets pass is written first. In onNewConnection nothing
   * is dialled.
   */
  closeDownstream(): bool {
    return accepted(env.proxy_close_stream(stream.DOWNSTREAM));
  }
  /** The same, noted as the upstream's end. */
  closeUpstream(): bool {
    return accepted(env.proxy_close_stream(stream.UPSTREAM));
  }
}
