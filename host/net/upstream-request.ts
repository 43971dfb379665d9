// One request on its way to a cluster over HTTP/1.1: waits for a connection, writes, and tries once more where that is safe.
import type { HeaderList } from "../abi/headers.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { Cluster, Waiter } from "../upstream/cluster.ts";
import type { Connection } from "../upstream/connection.ts";
import type { Endpoint } from "../upstream/endpoint.ts";
import type { EndpointOverride } from "../upstream/override.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import { LoneConnections } from "../upstream/lone-connections.ts";
import { proxyHeader } from "./proxy-protocol/write.ts";
import {
  IDEMPOTENT,
  MAX_ATTEMPTS,
  MAX_REPLAY_BYTES,
  type OutgoingRequest,
  type ResponseSink,
  type UpstreamCall,
} from "./upstream-call.ts";
import { UpstreamSession } from "./upstream-session.ts";

/** Methods whose request says `content-length: 0` when it has no body (RFC 9110 8.6). */
const EXPECTS_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

export class UpstreamRequest implements UpstreamCall, Waiter {
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

  get override(): EndpointOverride | undefined {
    return this.#request.override;
  }

  get waitingBytes(): number {
    return this.#session === null ? this.#keptBytes : 0;
  }

  start(): void {
    this.#connect(null, false);
  }

  body(chunk: Buffer, last: boolean): boolean {
    if (this.#over) return true;
    this.#ended = last;
    this.#keep(chunk);
    return this.#session === null || this.#write(this.#session, chunk, last);
  }

  trailers(list: HeaderList): boolean {
    if (this.#over) return true;
    this.#ended = true;
    this.#trailers = list;
    return this.#session === null || this.#writeTrailers(this.#session, list);
  }

  hold(hold: boolean): void {
    this.#held = hold;
    this.#session?.hold(hold);
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#session === null) {
      this.cluster.cancel(this);
      this.cluster.lone?.cancel(this);
    } else this.#session.abort();
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
    const { proxyProtocol } = this.cluster.options;
    if (proxyProtocol !== undefined) {
      LoneConnections.of(this.cluster).dial(this, avoid, proxyHeader(proxyProtocol, this.#request.client));
      return;
    }
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
