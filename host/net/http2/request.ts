// One request on its way to a cluster over HTTP/2: waits for a stream, writes, reads the answer, and tries once more where
// that is safe. Every way a stream can end becomes one call on the sink.
import { constants, type ClientHttp2Stream } from "node:http2";
import type { HeaderList } from "../../abi/headers.ts";
import type { ErrorCode } from "../../base/errors.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import type { Endpoint } from "../../upstream/endpoint.ts";
import type { EndpointOverride } from "../../upstream/override.ts";
import { inTurn } from "../turn.ts";
import {
  IDEMPOTENT,
  MAX_ATTEMPTS,
  MAX_REPLAY_BYTES,
  type OutgoingRequest,
  type ResponseSink,
  type UpstreamCall,
} from "../upstream-call.ts";
import { answerHead } from "./answer-head.ts";
import { breakOff } from "./break-off.ts";
import type { ClientSession } from "./client-session.ts";
import { receivedTrailers } from "./lists.ts";
import { Http2Pool, type StreamWaiter } from "./pool.ts";
import { sendTrailers } from "./send-trailers.ts";
import { isWhole } from "./whole.ts";
import { failureOf } from "./stream-failure.ts";

const MAX_INFORMATIONAL = 8;
const EMPTY = Buffer.alloc(0);

const { NGHTTP2_CANCEL, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

export class Http2Request implements UpstreamCall, StreamWaiter {
  readonly cluster: Cluster;
  readonly #sink: ResponseSink;
  readonly #request: OutgoingRequest;
  readonly #pool: Http2Pool;
  #stream: ClientHttp2Stream | null = null;
  #attempts = 0;
  #over = false;
  #held = false;
  /** The answer's head has come. */
  #heard = false;
  #informational = 0;
  /** Body pieces not sent yet, and those kept for a second try; null = no second try any more. */
  #kept: Buffer[] | null = null;
  #keptBytes = 0;
  #ended: boolean;
  #trailers: HeaderList | null = null;
  /** Announced length still to be sent, or -1. */
  #left: number;
  #answerTrailers: HeaderList | null = [];
  /** Bytes to come of an answer with a length; NaN for the others. */
  #missing = Number.NaN;

  constructor(cluster: Cluster, sink: ResponseSink, request: OutgoingRequest) {
    this.cluster = cluster;
    this.#sink = sink;
    this.#request = request;
    this.#pool = Http2Pool.of(cluster);
    this.#ended = request.endStream;
    this.#left = request.length;
    if (!request.endStream) this.#kept = [];
    if (request.length >= 0 && !request.endStream) request.list.push("content-length", String(request.length));
  }

  get override(): EndpointOverride | undefined {
    return this.#request.override;
  }

  get waitingBytes(): number {
    return this.#stream === null ? this.#keptBytes : 0;
  }

  start(): void {
    this.#pool.requests++;
    this.#connect(null);
  }

  body(chunk: Buffer, last: boolean): boolean {
    if (this.#over) return true;
    const { length } = chunk;
    if (this.#left >= 0 && (length > this.#left || (last && length < this.#left))) return false;
    if (this.#left >= 0) this.#left -= length;
    this.#ended = last;
    this.#keep(chunk);
    if (this.#stream !== null) this.#write(this.#stream, chunk, last);
    return true;
  }

  trailers(list: HeaderList): boolean {
    if (this.#over) return true;
    if (this.#left > 0) return false;
    this.#ended = true;
    this.#trailers = list;
    this.#stream?.end();
    return true;
  }

  hold(hold: boolean): void {
    this.#held = hold;
    if (hold) this.#stream?.pause();
    else this.#stream?.resume();
  }

  cancel(): void {
    if (this.#over) return;
    const stream = this.#stream;
    if (stream === null) this.#pool.cancel(this);
    this.#finish();
    if (stream !== null) breakOff(stream, NGHTTP2_CANCEL);
  }

  sessionReady(session: ClientSession): void {
    const { list, endStream } = this.#request;
    // Trailers are waited for only while they may come: it costs a frame.
    const mayHaveTrailers = !endStream && (!this.#ended || this.#trailers !== null);
    const stream = session.open(list, endStream, mayHaveTrailers);
    if (stream === null) {
      // node:http2 has closed it, or ran out of stream numbers: there will be another.
      session.close();
      this.#again(null, "upstream_reset");
      return;
    }
    this.#stream = stream;
    const { endpoint } = session;
    endpoint.active++;
    endpoint.requests++;
    this.#listen(stream, session);
    if (this.#held) stream.pause();
    this.#sink.upstreamChosen(session, this.#attempts);
    if (!endStream) this.#writeAll(stream);
  }

  connectionRefused(code: ErrorCode, endpoint: Endpoint | null, reason?: string): void {
    if (endpoint !== null && this.cluster.endpoints.length > 1) this.#again(endpoint, code, reason);
    else this.#fail(code, reason);
  }

  #connect(avoid: Endpoint | null): void {
    this.#attempts++;
    this.#pool.acquire(this, avoid);
  }

  #again(avoid: Endpoint | null, code: ErrorCode, reason?: string): void {
    if (this.#attempts >= MAX_ATTEMPTS) {
      this.#fail(code, reason);
      return;
    }
    this.cluster.metrics.retry.inc();
    this.#connect(avoid);
  }

  #listen(stream: ClientHttp2Stream, session: ClientSession): void {
    stream.on("headers", (_headers, _flags, raw) => inTurn(() => this.#informed(raw ?? [])));
    stream.on("response", (_headers, flags, raw) => inTurn(() => this.#answered(raw ?? [], flags)));
    stream.on("trailers", (_headers, _flags, raw) => {
      this.#answerTrailers = receivedTrailers(raw ?? []);
    });
    stream.on("data", (chunk: Buffer) => {
      this.#missing -= chunk.length;
      if (!this.#over) inTurn(() => this.#sink.upstreamBody(chunk, 0, chunk.length, false));
    });
    stream.on("end", () => {
      if (stream === this.#stream && (this.#missing === 0 || isWhole(stream))) inTurn(() => this.#complete(stream));
    });
    stream.once("wantTrailers", () => sendTrailers(stream, this.#trailers ?? []));
    // What went wrong is told by `close`.
    stream.on("error", () => {});
    stream.on("close", () => inTurn(() => this.#closed(stream, session)));
  }

  #informed(raw: readonly string[]): void {
    const head = answerHead(raw);
    if (this.#over) return;
    const bad = head === null || head.status === 101 || ++this.#informational > MAX_INFORMATIONAL;
    if (bad) this.#garbage();
    else this.#sink.upstreamInformational(head.status, head.headers);
  }

  #answered(raw: readonly string[], flags: number): void {
    const head = answerHead(raw);
    const stream = this.#stream;
    if (this.#over || stream === null) return;
    if (head === null || head.status < 200) {
      this.#garbage();
      return;
    }
    this.#heard = true;
    // The upstream has seen the request: no second try from here on.
    this.#kept = null;
    this.cluster.metrics.response(head.status);
    if (head.contentLength >= 0) this.#missing = head.contentLength;
    const { status } = head;
    const bodyless = this.#request.method === "HEAD" || status === 204 || status === 304;
    const endStream = bodyless || (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (endStream) this.#let(stream);
    this.#sink.upstreamHead(head, endStream);
  }

  #complete(stream: ClientHttp2Stream): void {
    if (this.#over || !this.#heard) return;
    const trailers = this.#answerTrailers;
    if (trailers === null) return this.#garbage();
    this.#let(stream);
    if (trailers.length === 0) this.#sink.upstreamBody(EMPTY, 0, 0, true);
    else this.#sink.upstreamTrailers(trailers);
  }

  /** The answer is complete. A peer that reads no more of the request would keep the stream open for ever. */
  #let(stream: ClientHttp2Stream): void {
    const unsent = !this.#ended;
    this.#finish();
    if (unsent) breakOff(stream, NGHTTP2_CANCEL);
    else stream.resume();
  }

  #garbage(): void {
    const stream = this.#stream;
    const started = this.#heard;
    this.cluster.metrics.protocolError.inc();
    this.cluster.metrics.reset.inc();
    this.#fail(started ? "upstream_reset_after_response_started" : "upstream_protocol_error");
    if (stream !== null) breakOff(stream, NGHTTP2_PROTOCOL_ERROR);
  }

  #closed(stream: ClientHttp2Stream, session: ClientSession): void {
    session.endpoint.active--;
    const mine = stream === this.#stream;
    if (mine) this.#stream = null;
    // Whoever waits for room comes first; a second try of this one after it.
    this.#pool.streamEnded(session);
    if (!mine || this.#over) return;
    const reason = session.lostBecause ?? "";
    const lost = session.lostBecause !== null;
    const { rstCode } = stream;
    const replayable = this.#request.endStream || this.#kept !== null;
    // REFUSED_STREAM, said by the peer or by a GOAWAY below this stream: nothing was processed (RFC 9113 8.7). A connection
    // that had served before may have been closed while the request was on its way.
    const unseen = rstCode === NGHTTP2_REFUSED_STREAM;
    const stale = lost && session.served > 1 && IDEMPOTENT.has(this.#request.method);
    if (!this.#heard && replayable && (unseen || stale)) return this.#again(null, failureOf(rstCode, lost), reason);
    this.cluster.metrics.reset.inc();
    const code = failureOf(rstCode, lost);
    if (code === "upstream_protocol_error") this.cluster.metrics.protocolError.inc();
    this.#fail(this.#heard ? "upstream_reset_after_response_started" : code, reason);
  }

  #writeAll(stream: ClientHttp2Stream): void {
    const kept = this.#kept ?? [];
    const ends = this.#ended;
    for (let at = 0; at < kept.length; at++) this.#write(stream, kept[at] as Buffer, ends && at === kept.length - 1);
    if (ends && kept.length === 0) stream.end();
    // What waited for the stream is on its way; from here the peer decides.
    if (stream.writableNeedDrain !== true) this.#sink.upstreamBlocked(false);
  }

  #write(stream: ClientHttp2Stream, chunk: Buffer, last: boolean): void {
    if (stream.closed || stream.writableEnded) return;
    if (chunk.length > 0 && !stream.write(chunk) && !last) {
      this.#sink.upstreamBlocked(true);
      if (stream.listenerCount("drain") === 0) stream.once("drain", () => inTurn(() => this.#drained()));
    }
    if (last) stream.end();
  }

  #drained(): void {
    if (!this.#over) this.#sink.upstreamBlocked(false);
  }

  /** Without a stream everything is kept; with one, as much as a second try may need. */
  #keep(chunk: Buffer): void {
    if (this.#kept === null) return;
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#stream !== null && this.#keptBytes > MAX_REPLAY_BYTES) this.#kept = null;
  }

  #finish(): void {
    if (!this.#over) this.#pool.requests--;
    this.#over = true;
    this.#stream = null;
  }

  #fail(code: ErrorCode, reason = ""): void {
    if (this.#over) return;
    this.#finish();
    this.#sink.upstreamFailed(code, reason);
  }
}
