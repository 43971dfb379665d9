// HTTP/1.1 towards an endpoint, on one pooled connection: reads answers, writes requests, and decides whether the
// connection may serve again. Made once per connection and kept as its handler; knows one request at a time.
//
//   idle -> begin -> head -> (1xx -> head) -> body -> idle (released) or destroyed
import type { Cluster } from "../upstream/cluster.ts";
import type { Connection, ConnectionHandler } from "../upstream/connection.ts";
import { BodyReader } from "./http1/body-reader.ts";
import { Step } from "./http1/chunked-decoder.ts";
import { SCAN_WINDOW, findHeadEnd, hasBareLineEnd, startsWrongAnswer } from "./http1/head-scan.ts";
import { headText, headTextOf } from "./http1/head-text.ts";
import { MessageWriter, type WriterOwner } from "./http1/message-writer.ts";
import { ResponseHead } from "./http1/response-head.ts";
import { copyBytes, latin1 } from "./latin1.ts";
import { atTurnEnd, enterTurn, inTurn, leaveTurn, type TurnTask } from "./turn.ts";
import type { UpstreamRequest } from "./upstream-request.ts";

/** An answer's head: bytes and fields (reliability.md 3.4). */
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_HEADERS = 100;
const MAX_INFORMATIONAL = 8;

type State = "idle" | "head" | "body";

export class UpstreamSession implements ConnectionHandler, TurnTask, WriterOwner {
  readonly connection: Connection;
  readonly writer: MessageWriter;
  readonly #cluster: Cluster;
  readonly #head = new ResponseHead({ maxHeaders: MAX_HEADERS });
  readonly #body = new BodyReader();
  #state: State = "idle";
  #request: UpstreamRequest | null = null;
  /** Text of an unfinished head. */
  #partial = "";
  #informational = 0;
  /** A byte of the answer has come: the upstream has seen the request. */
  #heard = false;
  #held = false;
  /** Bytes that came while held. */
  #stash: Buffer | null = null;
  #consuming = false;
  /** Closed by the peer while bytes were still held back. */
  #closedWith: { readonly error: Error | null } | null = null;

  constructor(connection: Connection, cluster: Cluster) {
    this.connection = connection;
    this.writer = new MessageWriter(connection, this);
    this.#cluster = cluster;
  }

  /** The session of a connection that `cluster` has handed out. */
  static of(connection: Connection, cluster: Cluster): UpstreamSession {
    const { handler } = connection;
    if (handler instanceof UpstreamSession) return handler;
    const session = new UpstreamSession(connection, cluster);
    connection.handler = session;
    return session;
  }

  begin(request: UpstreamRequest): void {
    this.#request = request;
    this.#state = "head";
    this.#informational = 0;
    this.#heard = false;
  }

  /** The request is given up: the answer cannot be told from the next one any more, so the connection ends. */
  abort(): void {
    this.#forget();
    this.connection.destroy();
  }

  /** While held nothing is handed out and the socket is not read. */
  hold(hold: boolean): void {
    if (this.#held === hold) return;
    this.#held = hold;
    if (hold) this.connection.pause();
    else {
      this.connection.resume();
      // Whoever lets go is in the middle of something that comes before what was held back.
      if (this.#stash !== null) atTurnEnd(this);
    }
  }

  turnEnded(): void {
    if (!this.#held) this.#consumeStash();
  }

  received(bytes: Buffer, length: number): void {
    enterTurn();
    try {
      // Nobody asked: an answer without a request would be taken for the next one's.
      if (this.#request === null) this.connection.destroy();
      else if (this.#stash === null) this.#consume(bytes, length);
      else this.#stash = Buffer.concat([this.#stash, copyBytes(bytes, 0, length)]);
    } finally {
      leaveTurn();
    }
  }

  drained(): void {
    inTurn(() => {
      this.#request?.sink.upstreamBlocked(false);
    });
  }

  writeBlocked(): void {
    this.#request?.sink.upstreamBlocked(true);
  }

  closed(error: Error | null): void {
    inTurn(() => {
      if (this.#stash !== null && this.#request !== null) this.#closedWith = { error };
      else this.#ended(error);
    });
  }

  #ended(error: Error | null): void {
    const request = this.#request;
    if (request === null) return;
    const complete = this.#state === "body" && this.#body.endsWithConnection && error === null;
    const started = this.#state === "body";
    const stale = !this.#heard && this.connection.served > 0;
    this.#forget();
    if (complete) request.bodyReceived(EMPTY, 0, 0, true);
    else if (started) request.failed("upstream_reset_after_response_started", false);
    else request.failed("upstream_reset", stale);
  }

  #consumeStash(): void {
    const stash = this.#stash;
    if (stash === null || this.#consuming) return;
    this.#stash = null;
    inTurn(() => {
      this.#consume(stash, stash.length);
      if (this.#closedWith !== null && this.#stash === null) this.#ended(this.#closedWith.error);
    });
  }

  #consume(bytes: Buffer, end: number): void {
    let at = 0;
    this.#heard = true;
    this.#consuming = true;
    while (at < end && !this.#held) {
      if (this.#state === "head") at = this.#readHead(bytes, at, end);
      else if (this.#state === "body") at = this.#readBody(bytes, at, end);
      else break;
    }
    this.#consuming = false;
    if (at < end && this.#request !== null) this.#stash = copyBytes(bytes, at, end);
  }

  #readHead(bytes: Buffer, at: number, end: number): number {
    const known = this.#partial.length;
    let text = this.#partial + latin1(bytes, at, Math.min(end, at + SCAN_WINDOW));
    let headEnd = findHeadEnd(text, known);
    if (headEnd < 0 && end > at + SCAN_WINDOW) {
      text = this.#partial + latin1(bytes, at, end);
      headEnd = findHeadEnd(text, known);
    }
    if (headEnd < 0) {
      this.#partial = text;
      // What can no longer become a head is refused now, not at the route's timeout.
      const hopeless = startsWrongAnswer(text) || hasBareLineEnd(text, known) || text.length > MAX_HEAD_BYTES;
      return hopeless ? this.#garbage(end) : end;
    }
    this.#partial = "";
    if (headEnd + 2 > MAX_HEAD_BYTES) return this.#garbage(end);
    const head = known === 0 ? headText(text, bytes, at) : headTextOf(text);
    if (this.#head.parse(head, headEnd) !== null) return this.#garbage(end);
    const next = at + headEnd + 2 - known;
    if (this.#head.status < 200) return this.#informed() ? next : this.#garbage(end);
    this.#open(next < end);
    return next;
  }

  /** 1xx: another head follows. 101 cannot come, since Upgrade is never forwarded. */
  #informed(): boolean {
    const { status, headers } = this.#head;
    if (status === 101 || ++this.#informational > MAX_INFORMATIONAL) return false;
    this.#request?.sink.upstreamInformational(status, headers);
    return true;
  }

  /** @param more bytes follow the head in the same read */
  #open(more: boolean): void {
    const request = this.#request;
    if (request === null) return;
    const head = this.#head;
    const bodyless = request.method === "HEAD" || head.status === 204 || head.status === 304;
    if (bodyless || head.contentLength === 0) {
      this.#complete(more);
      request.headReceived(head, true);
      return;
    }
    if (head.chunked) this.#body.openChunked();
    else if (head.contentLength > 0) this.#body.openLength(head.contentLength);
    else this.#body.openUntilClose();
    this.#state = "body";
    request.headReceived(head, false);
  }

  #readBody(bytes: Buffer, at: number, end: number): number {
    const request = this.#request;
    if (request === null) return end;
    const body = this.#body;
    const step = body.step(bytes, at, end);
    const next = body.at;
    if (step === Step.bad) return this.#garbage(end);
    if (step === Step.data) {
      const { from, to, last } = body;
      if (last) this.#complete(next < end);
      request.bodyReceived(bytes, from, to, last);
    } else if (step === Step.end) {
      this.#complete(next < end);
      const { trailers } = body;
      if (trailers === null || trailers.length === 0) request.bodyReceived(EMPTY, 0, 0, true);
      else request.trailersReceived(trailers);
    }
    return next;
  }

  /**
   * The answer is complete. The connection goes back before the answer is handed on, so that whatever the answer sets off
   * can use it. Not after surplus bytes, a close, or an answer to a request that is still being sent: the rest of that
   * request would be taken for the next one.
   */
  #complete(surplus: boolean): void {
    const reusable = !surplus && !this.#head.close && this.#request?.sent === true && !this.connection.lone;
    this.#forget();
    if (reusable) this.#cluster.release(this.connection);
    else this.connection.destroy();
  }

  #garbage(end: number): number {
    const request = this.#request;
    const started = this.#state === "body";
    this.abort();
    this.#cluster.metrics.protocolError.inc();
    request?.failed(started ? "upstream_reset_after_response_started" : "upstream_protocol_error", false);
    return end;
  }

  #forget(): void {
    this.#request = null;
    this.#state = "idle";
    this.#partial = "";
    this.#stash = null;
    this.writer.abandon();
    if (this.#held) {
      this.#held = false;
      this.connection.resume();
    }
  }
}

const EMPTY = Buffer.alloc(0);
