// One stream of a client: carries one exchange. Holds the answer's head until its first piece or the end of the turn, so
// that a small answer is HEADERS and one DATA with END_STREAM; writes no more than the client takes; tells a stream that was
// broken off from one that ended.
//
//   head -> exchange -> over (the rest of the answer leaves, the rest of the request is dropped) -> closed
import { constants, type ServerHttp2Stream } from "node:http2";
import { type HeaderList, NOTHING_PARSED } from "../../abi/headers.ts";
import type { ErrorCode } from "../../base/errors.ts";
import { Deadline, type DeadlineOwner } from "../../base/timer-wheel.ts";
import type { ClientSide, ListenerContext, ResponseStart } from "../client-side.ts";
import type { Exchange } from "../exchange.ts";
import { newExchange } from "../upgrade/new-exchange.ts";
import type { ConnectionFacts } from "../facts.ts";
import type { Rejection } from "../http1/rejection.ts";
import type { IncomingHead } from "../incoming-head.ts";
import { type TurnTask, atTurnEnd, inTurn, turnTimeMs } from "../turn.ts";
import { breakOff } from "./break-off.ts";
import type { FloodGuard } from "./flood-guard.ts";
import { answerList, informationalFields, receivedTrailers, switchList } from "./lists.ts";
import { ownedBytes } from "./owned-bytes.ts";
import { type WholeAnswer, rejected, turnedAway } from "./refusal.ts";
import { sendTrailers } from "./send-trailers.ts";

/** How often a stream whose exchange is over is looked at, until it is closed. */
const LINGER_MS = 1000;
/** The date is the upstream's to say. Not in the types. */
const NO_DATE = { sendDate: false };
const EMPTY = Buffer.alloc(0);

export interface StreamOwner {
  readonly connection: ConnectionFacts;
  readonly context: ListenerContext;
  readonly guard: FloodGuard;
  /** The client broke it off. */
  streamReset(): void;
  streamClosed(stream: ServerStream): void;
}

export class ServerStream implements ClientSide, DeadlineOwner, TurnTask {
  readonly connection: ConnectionFacts;
  readonly #owner: StreamOwner;
  readonly #context: ListenerContext;
  readonly #stream: ServerHttp2Stream;
  readonly #deadline = new Deadline(this);
  #exchange: Exchange | null = null;
  #isHead = false;
  /** Extended CONNECT: any 2xx would say that the tunnel is open. */
  #asksTunnel = false;
  /** The request has been read to its end. */
  #complete: boolean;
  #requestTrailers: HeaderList | null = null;
  /** The answer's head, not sent yet; without a length. */
  #held: HeaderList | null = null;
  /** Length announced or to be announced, counted down; -1 = none. */
  #left = -1;
  /** The body of an answer that must not have one (HEAD, 204, 304) is dropped. */
  #bodyless = false;
  #answerTrailers: HeaderList = [];
  /** The last byte of the answer has been given to the stream. */
  #ended = false;
  #waitsForTrailers = false;
  /** We broke it off, or the client did and that has been counted. */
  #broken = false;
  /** Monotonic ms by which a client must have taken the rest of its answer. */
  #untilMs = Infinity;

  constructor(stream: ServerHttp2Stream, owner: StreamOwner, endStream: boolean) {
    this.connection = owner.connection;
    this.#owner = owner;
    this.#context = owner.context;
    this.#stream = stream;
    this.#complete = endStream;
    stream.on("error", () => {});
    stream.on("close", () => inTurn(() => this.#closed()));
  }

  begin(head: IncomingHead): void {
    const context = this.#context;
    const stream = this.#stream;
    if (stream.closed) return;
    this.#isHead = head.method === "HEAD";
    this.#asksTunnel = head.upgrade !== "";
    const exchange = newExchange(this, context, head, turnTimeMs(context.clock));
    this.#exchange = exchange;
    if (!this.#complete && head.upgrade === "") this.#read(stream);
    exchange.begin(head, this.#complete);
    this.deadlinesChanged();
  }

  /** Answers a head that breaks the rules. */
  reject(rejection: Rejection): void {
    this.#answer(rejected(this.#context, this.connection, rejection));
  }

  /** There is too much to do for one more request. */
  turnAway(code: ErrorCode, head: IncomingHead): void {
    this.#isHead = head.method === "HEAD";
    this.#answer(turnedAway(this.#context, this.connection, code, head));
  }

  /** An answer without an exchange. */
  #answer({ headers, body }: WholeAnswer): void {
    const endStream = body.length === 0;
    this.sendHead(headers, { endStream, length: body.length, parsed: NOTHING_PARSED, upgrade: "" });
    if (!endStream) this.sendBytes(body, true);
    this.exchangeOver();
  }

  sendInformational(status: number, headers: HeaderList): void {
    const fields = informationalFields(status, headers);
    if (fields === null || this.#stream.closed) return;
    try {
      this.#stream.additionalHeaders(fields);
    } catch {
      // Nobody needs an informational answer.
    }
  }

  sendHead(headers: HeaderList, { endStream, length, parsed, upgrade }: ResponseStart): boolean {
    const status = Number(headers[1]);
    const list = upgrade === "" ? answerList(headers, parsed) : switchList(headers);
    if (list === null || (upgrade === "" && !(status >= 200 && status <= 599))) return false;
    // node:http2 lets 205 have no body either (RFC 9110 15.3.6).
    if (this.#asksTunnel && upgrade === "" && status < 300) return false;
    this.#bodyless = this.#isHead || status === 204 || status === 205 || status === 304;
    this.#left = status === 204 || status === 205 ? -1 : endStream && !this.#bodyless ? 0 : length;
    this.#held = list;
    if (endStream || this.#bodyless) this.#respond(true);
    else atTurnEnd(this);
    return true;
  }

  sendText(text: string, last: boolean): boolean {
    return this.#bodyless || this.#send(text, last);
  }

  sendBytes(bytes: Buffer, last: boolean): boolean {
    return this.#bodyless || this.#send(bytes, last);
  }

  sendTrailers(trailers: HeaderList): boolean {
    if (this.#bodyless) return true;
    this.#respond(false);
    if (this.#left > 0) return false;
    this.#answerTrailers = trailers;
    this.#end();
    return true;
  }

  openTunnel(): void {
    if (this.#complete) this.#exchange?.requestBody(EMPTY, 0, 0, true);
    else this.#read(this.#stream);
  }

  holdRequest(hold: boolean): void {
    if (this.#complete) return;
    if (hold) this.#stream.pause();
    else this.#stream.resume();
  }

  abort(): void {
    this.#break(constants.NGHTTP2_INTERNAL_ERROR);
  }

  deadlinesChanged(): void {
    if (this.#exchange !== null) this.#context.wheel.schedule(this.#deadline, this.#exchange.deadlines.nextMs);
  }

  exchangeOver(): void {
    this.#exchange = null;
    if (this.#stream.closed) return;
    const { wheel, options } = this.#context;
    this.#untilMs = wheel.nowMs + options.limits.idleTimeoutMs;
    // Nearly always all is said and the stream closes in this turn: a deadline moved later costs nothing.
    if (this.#complete && !this.#waitsForTrailers) {
      wheel.schedule(this.#deadline, this.#untilMs);
      return;
    }
    // A request that nobody reads any more flows, so that its end, or a bound on it, comes.
    if (!this.#complete) this.#stream.resume();
    wheel.schedule(this.#deadline, wheel.nowMs + LINGER_MS);
  }

  deadlineReached(_deadline: Deadline, nowMs: number): void {
    inTurn(() => {
      if (this.#exchange === null) this.#linger(nowMs);
      else {
        this.#exchange.expire(nowMs);
        this.deadlinesChanged();
      }
    });
  }

  turnEnded(): void {
    // The body comes in later turns: announce what is known now.
    this.#respond(false);
  }

  #read(stream: ServerHttp2Stream): void {
    stream.on("data", (chunk: Buffer) => {
      this.#owner.guard.data(chunk.length);
      inTurn(() => this.#exchange?.requestBody(ownedBytes(chunk), 0, chunk.length, false));
    });
    stream.on("trailers", (_headers, _flags, raw) => {
      this.#requestTrailers = receivedTrailers(raw ?? []);
      if (this.#requestTrailers === null) inTurn(() => this.#exchange?.fail("request_header_too_large"));
    });
    stream.on("end", () => inTurn(() => this.#requestEnded(stream)));
  }

  /** node:http2 ends streams that are broken off as well: then `close` follows, and nothing is complete. */
  #requestEnded(stream: ServerHttp2Stream): void {
    if (stream.closed) return;
    this.#complete = true;
    const trailers = this.#requestTrailers;
    if (trailers === null || trailers.length === 0) this.#exchange?.requestBody(EMPTY, 0, 0, true);
    else this.#exchange?.requestTrailers(trailers);
  }

  #send(piece: string | Buffer, last: boolean): boolean {
    const { length } = piece;
    // The whole body is here: its length is what it has, and no trailers follow.
    const whole = this.#held !== null && last;
    if (whole && this.#left < 0) this.#left = length;
    if (this.#left >= 0 && (length > this.#left || (last && length !== this.#left))) return false;
    this.#respond(whole);
    if (this.#left >= 0) this.#left -= length;
    const stream = this.#stream;
    if (stream.closed) return true;
    if (length > 0 && !stream.write(piece, "latin1") && !last) this.#blocked(stream);
    if (last) this.#end();
    return true;
  }

  /** Sends a held head. @param whole no trailers can follow */
  #respond(whole: boolean): void {
    const list = this.#held;
    if (list === null) return;
    this.#held = null;
    if (this.#left >= 0) list.push("content-length", String(this.#left));
    const endStream = this.#bodyless || (whole && this.#left === 0);
    this.#ended = endStream;
    this.#waitsForTrailers = !whole && !endStream;
    const stream = this.#stream;
    if (stream.closed) return;
    // node:http2 resets a stream that nobody has read as soon as its answer is written, before the client has all of it. Not
    // so when the last frame is known by then, and that way it is closed with less ado.
    if (!whole && this.#complete) stream.resume();
    if (this.#waitsForTrailers) stream.once("wantTrailers", () => this.#lastWords(stream));
    try {
      stream.respond(list, { endStream, waitForTrailers: this.#waitsForTrailers, ...NO_DATE });
    } catch {
      // Lists are checked; should node:http2 still find something, it costs this stream.
      this.abort();
    }
  }

  #lastWords(stream: ServerHttp2Stream): void {
    this.#waitsForTrailers = false;
    sendTrailers(stream, this.#answerTrailers);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stream.end();
  }

  #blocked(stream: ServerHttp2Stream): void {
    this.#exchange?.clientBlocked(true);
    stream.once("drain", () => inTurn(() => this.#exchange?.clientBlocked(false)));
  }

  #linger(nowMs: number): void {
    const stream = this.#stream;
    const sent = this.#ended && !this.#waitsForTrailers && stream.writableFinished;
    // RFC 9113 8.1: the answer is complete, the rest of the request is not wanted.
    if (sent) this.#break(constants.NGHTTP2_NO_ERROR);
    else if (nowMs >= this.#untilMs) this.#break(constants.NGHTTP2_CANCEL);
    else this.#context.wheel.schedule(this.#deadline, nowMs + LINGER_MS);
  }

  #break(code: number): void {
    this.#broken = true;
    this.#held = null;
    breakOff(this.#stream, code);
  }

  #closed(): void {
    this.#context.wheel.cancel(this.#deadline);
    const exchange = this.#exchange;
    this.#exchange = null;
    if (!this.#broken && (exchange !== null || this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR)) {
      this.#broken = true;
      this.#owner.streamReset();
    }
    exchange?.clientGone();
    this.#owner.streamClosed(this);
  }
}
