// One client connection speaking HTTP/1.1: reads requests in order, carries one exchange at a time, writes answers, keeps
// the connection as long as both sides may. Owns the socket.
//
//   idle <-> exchange -> closing (FIN sent, input dropped until the client's FIN or a short wait) -> closed
import type { Socket } from "node:net";
import { type HeaderList, NOTHING_PARSED } from "../../abi/headers.ts";
import type { ErrorCode } from "../../base/errors.ts";
import { Deadline, type DeadlineOwner } from "../../base/timer-wheel.ts";
import type { ClientSide, ListenerContext, ResponseStart } from "../client-side.ts";
import type { Exchange } from "../exchange.ts";
import { type ConnectionFacts, type RequestSummary, summaryOf } from "../facts.ts";
import { copyBytes } from "../latin1.ts";
import { readInto } from "../lent-reads.ts";
import type { OpenConnection } from "../protocol.ts";
import { type TurnTask, atTurnEnd, enterTurn, inTurn, leaveTurn, turnTimeMs } from "../turn.ts";
import { newExchange } from "../upgrade/new-exchange.ts";
import { answerFraming, answerLines, isEndless, writeAnswer } from "./answer-head.ts";
import { mustClose } from "./keep-alive.ts";
import { MessageWriter, type WriterOwner } from "./message-writer.ts";
import { CLOSE, KEEP_ALIVE, statusLine } from "./reasons.ts";
import { LINGER_MS, refuse } from "./refusal.ts";
import { REJECTIONS, type Rejection } from "./rejection.ts";
import type { RequestHead } from "./request-head.ts";
import { RequestReader, type RequestSink } from "./request-reader.ts";
import { checkedLines } from "./serialize.ts";

export class Http1Connection implements ClientSide, RequestSink, WriterOwner, DeadlineOwner, TurnTask {
  readonly connection: ConnectionFacts;
  readonly #socket: Socket;
  readonly #context: ListenerContext;
  readonly #reader: RequestReader;
  readonly #writer: MessageWriter;
  readonly #deadline = new Deadline(this);
  #exchange: Exchange | null = null;
  #requests = 0;
  /** Monotonic ms of the first byte of an unfinished head; -1 = there is none. */
  #headMs = -1;
  /** Coarse monotonic ms of the end of the last exchange. */
  #idleSinceMs = 0;
  /** The current answer is the last. */
  #last = false;
  #closing = false;
  /** The client has sent FIN. */
  #ended = false;
  /** The client speaks no HTTP any more (upgrade/exchange.ts). */
  #tunnel = false;
  #fin = false;
  #held = false;
  /** The client does not read as fast as we write. */
  #blocked = false;
  #paused = false;
  /** Has taken the socket over: the client speaks HTTP/2. */
  #successor: OpenConnection | null = null;

  constructor(socket: Socket, context: ListenerContext, connection: ConnectionFacts) {
    this.#socket = socket;
    this.#context = context;
    this.connection = connection;
    this.#reader = new RequestReader(this, context.options.limits, connection.scheme, context.options.connect);
    socket.setDefaultEncoding("latin1");
    this.#writer = new MessageWriter(socket, this);
    this.#idle(context.clock.monotonicMs());
    readInto(socket, (bytes, length) => this.#received(bytes, length));
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#halfClosed());
    socket.on("close", () => this.#closed());
    // `close` follows and says all there is to say.
    socket.on("error", () => {});
  }

  closeIfIdle(nowMs: number, quietMs: number): void {
    this.#successor?.closeIfIdle(nowMs, quietMs);
    if (this.#exchange !== null || this.#closing || !this.#reader.idle || nowMs - this.#idleSinceMs < quietMs) return;
    inTurn(() => this.#close());
  }

  destroy(): void {
    this.#socket.destroy();
  }

  headStarted(): void {
    const { clock, wheel, options } = this.#context;
    this.#headMs = turnTimeMs(clock);
    wheel.schedule(this.#deadline, this.#headMs + options.limits.headerTimeoutMs);
  }

  requestHead(head: RequestHead, endStream: boolean): void {
    const context = this.#context;
    const overload = context.admission.refusal();
    if (overload !== null) {
      context.metrics.rejected(overload);
      return this.#refuse(overload, undefined, summaryOf(head));
    }
    const startMs = this.#headMs < 0 ? turnTimeMs(context.clock) : this.#headMs;
    this.#headMs = -1;
    this.#requests++;
    this.#last = false;
    const exchange = newExchange(this, context, head, startMs);
    this.#exchange = exchange;
    exchange.begin(head, endStream);
    this.deadlinesChanged();
  }

  requestBody(bytes: Buffer, from: number, to: number, last: boolean): void {
    if (this.#exchange !== null) this.#exchange.requestBody(copyBytes(bytes, from, to), 0, to - from, last);
    else if (last) this.#reader.next();
  }

  requestTrailers(trailers: HeaderList): void {
    if (this.#exchange !== null) this.#exchange.requestTrailers(trailers);
    else this.#reader.next();
  }

  requestRejected(rejection: Rejection): void {
    this.#context.metrics.rejected(rejection);
    const { code, sentence } = REJECTIONS[rejection];
    if (this.#exchange === null) this.#refuse(code, sentence);
    else this.#exchange.fail(code, sentence);
  }

  /** Only as the first thing on a connection: behind a request it is an attack or an accident. */
  prefaceReceived(first: Buffer): void {
    if (this.#requests === 0) this.#successor = this.#context.http2.open(this.#socket, this.connection, first);
    if (this.#successor === null) return this.requestRejected("bad_version");
    this.#closing = true;
    this.#context.wheel.cancel(this.#deadline);
  }

  sendInformational(status: number, headers: HeaderList): void {
    this.#writer.whole(`${statusLine(status)}${checkedLines(headers, NOTHING_PARSED) ?? ""}\r\n`);
  }

  sendHead(headers: HeaderList, start: ResponseStart): boolean {
    const exchange = this.#exchange;
    const lines = answerLines(headers, start);
    if (exchange === null || lines === null) return false;
    const { http10, method } = this.#reader.head;
    this.#tunnel = start.upgrade !== "";
    const framing = this.#tunnel ? "raw" : answerFraming(method, headers[1], http10);
    this.#last =
      this.#tunnel || isEndless(framing, start) || mustClose(this.#context, this.#reader, exchange, this.#requests);
    const connection = this.#tunnel ? "" : this.#last ? CLOSE : http10 ? KEEP_ALIVE : "";
    writeAnswer(this.#writer, lines + connection, start, framing);
    return true;
  }

  openTunnel(): void {
    this.#reader.tunnel();
    if (this.#ended) this.#reader.end();
  }

  sendText(text: string, last: boolean): boolean {
    return this.#writer.text(text, last) && this.#given(last);
  }

  sendBytes(bytes: Buffer, last: boolean): boolean {
    return this.#writer.bytes(bytes, last) && this.#given(last);
  }

  sendTrailers(trailers: HeaderList): boolean {
    return this.#writer.trailers(trailers);
  }

  holdRequest(hold: boolean): void {
    if (this.#held === hold) return;
    this.#held = hold;
    // Whoever lets go is in the middle of something that comes before what was held back.
    if (!hold) return atTurnEnd(this);
    this.#reader.hold(true);
    this.#settle();
  }

  abort(): void {
    this.#closing = true;
    this.#reader.close();
    this.#writer.abandon();
    this.#socket.resetAndDestroy();
  }

  deadlinesChanged(): void {
    if (this.#exchange !== null) this.#context.wheel.schedule(this.#deadline, this.#exchange.deadlines.nextMs);
  }

  exchangeOver(): void {
    this.#exchange = null;
    this.#held = false;
    this.#reader.hold(false);
    if (this.#closing) return;
    if (this.#last) return this.#close();
    this.#idle(this.#context.wheel.nowMs);
    // With answers piling up for a client that does not read, the next request waits.
    if (!this.#blocked) this.#reader.next();
    this.#settle();
  }

  writeBlocked(): void {
    this.#blocked = true;
    this.#exchange?.clientBlocked(true);
    this.#settle();
  }

  deadlineReached(_deadline: Deadline, nowMs: number): void {
    inTurn(() => {
      const exchange = this.#exchange;
      if (exchange !== null) {
        exchange.expire(nowMs);
        this.deadlinesChanged();
      } else if (this.#headMs >= 0 && !this.#closing) {
        this.#context.metrics.rejected("request_timeout");
        this.#refuse("request_timeout", "the request head was not received in time");
      } else this.#socket.destroy();
    });
  }

  turnEnded(): void {
    if (this.#closing || this.#fin) this.#socket.end();
    if (this.#closing || this.#held) return;
    this.#reader.hold(false);
    this.#settle();
  }

  #received(bytes: Buffer, length: number): void {
    if (this.#closing) return;
    enterTurn();
    try {
      this.#reader.feed(bytes, length);
      this.#settle();
    } finally {
      leaveTurn();
    }
  }

  #drained(): void {
    inTurn(() => {
      this.#blocked = false;
      if (this.#exchange === null) this.#reader.next();
      else this.#exchange.clientBlocked(false);
      this.#settle();
    });
  }

  // A client may send its request and FIN, and read on; a request cut short is none.
  #halfClosed(): void {
    inTurn(() => {
      this.#ended = true;
      this.#reader.end();
      this.#settle();
    });
  }

  #closed(): void {
    inTurn(() => {
      this.#closing = true;
      this.#reader.close();
      this.#context.wheel.cancel(this.#deadline);
      this.#exchange?.clientGone();
    });
  }

  /** After anything that reads: pause or go on, and close when the client has said its last. */
  #settle(): void {
    if (this.#closing) return;
    if (this.#ended && this.#exchange === null && this.#reader.drained) return this.#close();
    // In a tunnel neither direction waits for the other.
    const isFull = this.#reader.stashedBytes > this.#context.options.limits.bufferBytes;
    const pause = this.#held || isFull || (this.#blocked && !this.#tunnel);
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#socket.pause();
    else this.#socket.resume();
  }

  /** In a tunnel the upstream's end is ours, behind what this turn has written; the client may go on. */
  #given(last: boolean): true {
    this.#fin ||= last && this.#tunnel;
    if (this.#fin) atTurnEnd(this);
    return true;
  }

  #idle(nowMs: number): void {
    this.#idleSinceMs = nowMs;
    this.#context.wheel.schedule(this.#deadline, nowMs + this.#context.options.limits.idleTimeoutMs);
  }

  /** Answers a request that never became an exchange, and closes. */
  #refuse(code: ErrorCode, sentence?: string, request?: RequestSummary): void {
    const startMs = this.#headMs < 0 ? turnTimeMs(this.#context.clock) : this.#headMs;
    this.#writer.whole(refuse(this.connection, this.#context, { code, sentence, startMs, request }));
    this.#close();
  }

  #close(): void {
    this.#closing = true;
    this.#reader.close();
    this.#context.wheel.schedule(this.#deadline, this.#context.clock.monotonicMs() + LINGER_MS);
    if (this.#paused) this.#socket.resume();
    // What this turn has written leaves before the FIN.
    atTurnEnd(this);
  }
}
