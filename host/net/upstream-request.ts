// One request on its way to a cluster: waits for a connection, writes, and tries once more where that is safe. Carries both
// proxied exchanges and call-outs of filters; whoever sends it is its sink.
import type { HeaderList } from "../abi/headers.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { Cluster, Waiter } from "../upstream/cluster.ts";
import type { Connection } from "../upstream/connection.ts";
import type { Endpoint } from "../upstream/endpoint.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import { UpstreamSession } from "./upstream-session.ts";

/** Receives the answer. Calls end with a last piece, trailers, or `upstreamFailed`; never after `cancel`. */
export interface ResponseSink {
  /** A connection was found; called again for a second try. */
  upstreamChosen(connection: Connection, attempt: number): void;
  /** 1xx. `headers` starts with :status. */
  upstreamInformational(status: number, headers: HeaderList): void;
  /** `head` is lent, its list is handed over. */
  upstreamHead(head: ResponseHead, endStream: boolean): void;
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
  /** Request line and headers, without framing and empty line. */
  readonly head: string;
  /** Announced length of the body, or -1. */
  readonly length: number;
  readonly endStream: boolean;
}

/** Tries of one request, the first included. */
const MAX_ATTEMPTS = 2;
/** Larger bodies are not kept for a second try. */
const MAX_REPLAY_BYTES = 64 * 1024;
/** RFC 9110 9.2.2: sending them twice has the effect of sending them once. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);
/** Methods whose request says `content-length: 0` when it has no body (RFC 9110 8.6). */
const EXPECTS_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

export class UpstreamRequest implements Waiter {
  readonly cluster: Cluster;
  readonly sink: ResponseSink;
  readonly #request: OutgoingRequest;
  #session: UpstreamSession | null = null;
  #attempts = 0;
  #over = false;
  #held = false;
  /** The last byte of the request has been given to the writer. */
  sent = false;
  /** Body pieces not sent yet, and those kept for a second try; null = no second try any more. */
  #kept: Buffer[] | null = null;
  #keptBytes = 0;
  #ended: boolean;
  #trailers: HeaderList | null = null;

  constructor(cluster: Cluster, sink: ResponseSink, request: OutgoingRequest) {
    this.cluster = cluster;
    this.sink = sink;
    this.#request = request;
    this.#ended = request.endStream;
    if (!request.endStream) this.#kept = [];
  }

  get method(): string {
    return this.#request.method;
  }

  /** Bytes that wait for a connection. */
  get waitingBytes(): number {
    return this.#session === null ? this.#keptBytes : 0;
  }

  start(): void {
    this.#connect(null, false);
  }

  /** A piece of the body; owned from here. False: it does not fit the announced length. */
  body(chunk: Buffer, last: boolean): boolean {
    if (this.#over) return true;
    this.#ended = last;
    this.#keep(chunk);
    return this.#session === null || this.#write(this.#session, chunk, last);
  }

  /** Ends the body with trailers. False as with `body`. */
  trailers(list: HeaderList): boolean {
    if (this.#over) return true;
    this.#ended = true;
    this.#trailers = list;
    return this.#session === null || this.#writeTrailers(this.#session, list);
  }

  /** Back-pressure for the answer. */
  hold(hold: boolean): void {
    this.#held = hold;
    this.#session?.hold(hold);
  }

  /** Gives the request up, wherever it is. The sink hears nothing more. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#session === null) this.cluster.cancel(this);
    else this.#session.abort();
    this.#session = null;
  }

  connectionReady(connection: Connection): void {
    const session = UpstreamSession.of(connection, this.cluster);
    this.#session = session;
    session.begin(this);
    if (this.#held) session.hold(true);
    this.sink.upstreamChosen(connection, this.#attempts);
    if (!this.#writeAll(session)) {
      this.cancel();
      this.sink.upstreamFailed("wasm_content_length_mismatch");
      return;
    }
    // What waited for the connection is on its way; from here the wire decides.
    if (!this.#request.endStream) this.sink.upstreamBlocked(false);
  }

  connectionRefused(code: ErrorCode, endpoint: Endpoint | null, reason?: string): void {
    const another = endpoint !== null && this.cluster.endpoints.length > 1;
    if (another && this.#attempts < MAX_ATTEMPTS) this.#retry(endpoint, false);
    else this.#fail(code, reason);
  }

  headReceived(head: ResponseHead, endStream: boolean): void {
    // The upstream has seen the request: no second try from here on.
    this.#kept = null;
    this.cluster.metrics.response(head.status);
    if (endStream) this.#finish();
    this.sink.upstreamHead(head, endStream);
  }

  bodyReceived(bytes: Buffer, from: number, to: number, last: boolean): void {
    if (last) this.#finish();
    this.sink.upstreamBody(bytes, from, to, last);
  }

  trailersReceived(trailers: HeaderList): void {
    this.#finish();
    this.sink.upstreamTrailers(trailers);
  }

  /** @param stale the connection had served before and ended without a byte of an answer */
  failed(code: ErrorCode, stale: boolean): void {
    const reason = this.#session?.connection.failure;
    this.#session = null;
    const replayable = (this.#kept !== null || this.#request.endStream) && IDEMPOTENT.has(this.method);
    if (stale && replayable && this.#attempts < MAX_ATTEMPTS) {
      this.#retry(null, true);
      return;
    }
    this.cluster.metrics.reset.inc();
    this.#fail(code, reason);
  }

  #connect(avoid: Endpoint | null, fresh: boolean): void {
    this.#attempts++;
    this.sent = false;
    const connection = this.cluster.acquire(this, avoid, fresh);
    if (connection !== null) this.connectionReady(connection);
  }

  #retry(avoid: Endpoint | null, fresh: boolean): void {
    this.cluster.metrics.retry.inc();
    this.#connect(avoid, fresh);
  }

  #writeAll(session: UpstreamSession): boolean {
    const { head, method, length, endStream } = this.#request;
    if (endStream) {
      const empty = length === 0 || EXPECTS_BODY.has(method);
      session.writer.whole(head + (empty ? "content-length: 0\r\n\r\n" : "\r\n"));
      this.sent = true;
      return true;
    }
    session.writer.begin(head, length, "chunked");
    const kept = this.#kept ?? [];
    const last = this.#ended && this.#trailers === null ? kept.length - 1 : kept.length;
    const fits = kept.every((chunk, at) => this.#write(session, chunk, at === last));
    return fits && (this.#trailers === null || this.#writeTrailers(session, this.#trailers));
  }

  #write(session: UpstreamSession, chunk: Buffer, last: boolean): boolean {
    this.sent = last;
    return session.writer.bytes(chunk, last);
  }

  #writeTrailers(session: UpstreamSession, list: HeaderList): boolean {
    this.sent = true;
    return session.writer.trailers(list);
  }

  /** Without a connection everything is kept; with one, as much as a second try may need. */
  #keep(chunk: Buffer): void {
    if (this.#kept === null) return;
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    const connection = this.#session?.connection;
    if (connection === undefined) return;
    if (this.#keptBytes > MAX_REPLAY_BYTES || connection.served === 0) this.#kept = null;
  }

  #finish(): void {
    this.#over = true;
    this.#session = null;
  }

  #fail(code: ErrorCode, reason = ""): void {
    this.#over = true;
    this.#session = null;
    this.sink.upstreamFailed(code, reason);
  }
}
