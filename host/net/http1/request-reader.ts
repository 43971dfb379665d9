// The client's bytes -> requests, one at a time. Keeps what arrived early (a pipelined request, a body nobody wants yet)
// until it is asked for, and interprets nothing behind an error.
//
//   head -> body -> done -> (next) -> head ...        closed from everywhere
//                       -> (tunnel) -> bytes as they come, until the client ends
import type { HeaderList } from "../../abi/headers.ts";
import { copyBytes, latin1 } from "../latin1.ts";
import { BodyReader } from "./body-reader.ts";
import { Step } from "./chunked-decoder.ts";
import { SCAN_WINDOW, findHeadEnd, hasBareLineEnd, startsWrong } from "./head-scan.ts";
import { headText, headTextOf } from "./head-text.ts";
import type { Rejection } from "./rejection.ts";
import { RequestHead } from "./request-head.ts";

/** Who gets the requests. May call `hold`, `next` and `close` of the reader at any time. */
export interface RequestSink {
  /** The first bytes of a head that is not complete yet. */
  headStarted(): void;
  requestHead(head: RequestHead, endStream: boolean): void;
  /** The bytes [from, to) are lent. */
  requestBody(bytes: Buffer, from: number, to: number, last: boolean): void;
  /** Ends the request. */
  requestTrailers(trailers: HeaderList): void;
  /** The reader has closed itself. */
  requestRejected(rejection: Rejection): void;
  /**
   * The client has HTTP/2 in mind: its preface began where a request was expected. The reader has closed itself.
   * @param first the preface and all that followed it
   */
  prefaceReceived(first: Buffer): void;
}

const NOTHING = Buffer.alloc(0);
/** As far as it looks like a request (RFC 9113 3.4). */
const PREFACE = "PRI * HTTP/2.0\r\n\r\n";

type State = "head" | "body" | "done" | "tunnel" | "closed";

export class RequestReader {
  readonly head: RequestHead;
  readonly #sink: RequestSink;
  readonly #maxHeaderBytes: number;
  readonly #body = new BodyReader();
  #state: State = "head";
  /** Text of an unfinished head. */
  #partial = "";
  #stash: Buffer | null = null;
  #held = false;
  #pumping = false;
  /** In a tunnel: the client has said all. */
  #ended = false;

  constructor(
    sink: RequestSink,
    limits: { readonly maxHeaderBytes: number; readonly maxHeaders: number },
    scheme = "http",
    connect = false,
  ) {
    this.#sink = sink;
    this.#maxHeaderBytes = limits.maxHeaderBytes;
    this.head = new RequestHead({ maxHeaders: limits.maxHeaders, scheme, connect });
  }

  /** The current request has been read to its end. */
  get complete(): boolean {
    return this.#state === "done";
  }

  /** Between two requests, with nothing of the next one here. */
  get idle(): boolean {
    return this.drained && this.#partial === "";
  }

  /** Between two requests, and no further one is here as a whole. */
  get drained(): boolean {
    return this.#state === "head" && this.#stash === null && !this.#pumping;
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  /** Body bytes of the current request still to come: 0 when complete, Infinity when unknown. */
  get bodyLeft(): number {
    return this.#state === "body" ? this.#body.left : 0;
  }

  /** Bytes that arrived before they were wanted. */
  get stashedBytes(): number {
    return this.#stash?.length ?? 0;
  }

  /** `bytes` up to `length` are lent: what is not worked off now is copied. */
  feed(bytes: Buffer, length = bytes.length): void {
    if (this.#state === "closed") return;
    const stash = this.#stash;
    this.#stash = null;
    if (stash !== null) this.#pumpOwned(Buffer.concat([stash, bytes.subarray(0, length)]));
    else {
      const at = this.#pump(bytes, length);
      if (this.#keeps(at, length)) this.#stash = copyBytes(bytes, at, length);
    }
  }

  /** While held no body is handed out. Does not stop the socket: that is the caller's part. */
  hold(hold: boolean): void {
    this.#held = hold;
    if (!hold) this.#pumpStash();
  }

  /** The exchange is over and its request complete: the next one may come. */
  next(): void {
    if (this.#state !== "done") return;
    this.#state = "head";
    this.#pumpStash();
  }

  /** The request is complete, and what follows it is no HTTP: it is handed out as it comes. */
  tunnel(): void {
    if (this.#state !== "done") return;
    this.#state = "tunnel";
    this.#pumpStash();
  }

  /** Nothing more is read from this client. */
  close(): void {
    this.#state = "closed";
    this.#stash = null;
    this.#partial = "";
  }

  /** The client will send no more. What is in the stash is still worked off. */
  end(): void {
    if (this.#state === "body") this.#reject("incomplete_request");
    else if (this.#state === "tunnel") {
      this.#ended = true;
      this.#endTunnel();
    }
  }

  #pumpStash(): void {
    const stash = this.#stash;
    if (stash === null || this.#pumping) return;
    this.#stash = null;
    this.#pumpOwned(stash);
    if (this.#ended) this.#endTunnel();
  }

  #endTunnel(): void {
    if (this.#stash !== null || this.#state !== "tunnel") return;
    this.#state = "done";
    this.#sink.requestBody(NOTHING, 0, 0, true);
  }

  #pumpOwned(bytes: Buffer): void {
    const at = this.#pump(bytes, bytes.length);
    if (this.#keeps(at, bytes.length)) this.#stash = at === 0 ? bytes : bytes.subarray(at);
  }

  #keeps(at: number, end: number): boolean {
    return at < end && this.#state !== "closed";
  }

  /**
   * How far it came. A loop, not a recursion: a thousand pipelined requests with local answers must not grow the call stack.
   */
  #pump(bytes: Buffer, end: number): number {
    let at = 0;
    this.#pumping = true;
    while (at < end) {
      if (this.#state === "head") at = this.#readHead(bytes, at, end);
      else if (this.#state === "body" && !this.#held) at = this.#readBody(bytes, at, end);
      else if (this.#state === "tunnel" && !this.#held) {
        this.#sink.requestBody(bytes, at, end, false);
        at = end;
      } else break;
    }
    this.#pumping = false;
    return at;
  }

  #readHead(bytes: Buffer, at: number, length: number): number {
    const known = this.#partial.length;
    let window = Math.min(length, at + SCAN_WINDOW);
    let text = this.#partial + latin1(bytes, at, window);
    let end = findHeadEnd(text, known);
    if (end < 0 && window < length) {
      window = Math.min(length, at + this.#maxHeaderBytes + 4);
      text = this.#partial + latin1(bytes, at, window);
      end = findHeadEnd(text, known);
    }
    if (end < 0) return this.#unfinished(text, known, length);
    this.#partial = "";
    if (end + 2 > this.#maxHeaderBytes) return this.#reject("header_too_large");
    // One empty line before a request is allowed (RFC 9112 2.2).
    const head = known === 0 ? headText(text, bytes, at) : headTextOf(text);
    const refused = this.head.parse(head, text.startsWith("\r\n") ? 2 : 0, end);
    if (refused !== null)
      return text.startsWith(PREFACE) ? this.#leave(bytes, at - known, length) : this.#reject(refused);
    const next = at + end + 2 - known;
    this.#open();
    return next;
  }

  /** Looked for in what is no HTTP/1.1 only, so that requests do not pay for it. @param at of the preface; may lie before 0 */
  #leave(bytes: Buffer, at: number, length: number): number {
    const rest = copyBytes(bytes, at + PREFACE.length, length);
    this.close();
    this.#sink.prefaceReceived(Buffer.concat([Buffer.from(PREFACE), rest]));
    return length;
  }

  #unfinished(text: string, known: number, end: number): number {
    if (startsWrong(text)) return this.#reject("bad_request_line");
    if (hasBareLineEnd(text, known)) return this.#reject("bare_line_end");
    if (text.length > this.#maxHeaderBytes) return this.#reject("header_too_large");
    this.#partial = text;
    if (known === 0) this.#sink.headStarted();
    return end;
  }

  #open(): void {
    const { head } = this;
    if (head.chunked) this.#body.openChunked();
    else if (head.contentLength > 0) this.#body.openLength(head.contentLength);
    // The state is set first: the sink may answer, and ask for the next request, before it returns.
    this.#state = head.hasBody ? "body" : "done";
    this.#sink.requestHead(head, !head.hasBody);
  }

  #readBody(bytes: Buffer, at: number, end: number): number {
    const body = this.#body;
    const step = body.step(bytes, at, end);
    if (step === Step.bad) return this.#reject(body.rejection);
    const next = body.at;
    if (step === Step.data) {
      const { from, to, last } = body;
      if (last) this.#state = "done";
      this.#sink.requestBody(bytes, from, to, last);
    } else if (step === Step.end) {
      this.#state = "done";
      const { trailers } = body;
      if (trailers === null || trailers.length === 0) this.#sink.requestBody(bytes, 0, 0, true);
      else this.#sink.requestTrailers(trailers);
    }
    return next;
  }

  #reject(rejection: Rejection): number {
    this.close();
    this.#sink.requestRejected(rejection);
    return 0;
  }
}
