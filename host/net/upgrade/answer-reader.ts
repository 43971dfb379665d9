// The upstream's answer to a request that asks for another protocol: heads first, then either raw bytes (after 101) or a body
// that is framed like any. As strict as upstream-session.ts; used for one answer, by UpgradeCall.
import { BodyReader } from "../http1/body-reader.ts";
import { Step } from "../http1/chunked-decoder.ts";
import { findHeadEnd, hasBareLineEnd, startsWrongAnswer } from "../http1/head-scan.ts";
import { headTextOf } from "../http1/head-text.ts";
import { ResponseHead } from "../http1/response-head.ts";
import { latin1 } from "../latin1.ts";

/** An answer's head: bytes and fields (reliability.md 3.4). */
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_HEADERS = 100;
const MAX_INFORMATIONAL = 8;
const EMPTY = Buffer.alloc(0);

export interface AnswerSink {
  answerInformed(head: ResponseHead): void;
  answerHead(head: ResponseHead, endStream: boolean): void;
  /** The bytes [from, to) are lent. After 101 `last` never comes. */
  answerBody(bytes: Buffer, from: number, to: number, last: boolean): void;
  /** It is no answer, or not to what was asked. Nothing follows. */
  answerBroken(): void;
}

export class AnswerReader {
  readonly #sink: AnswerSink;
  readonly #method: string;
  readonly #upgrade: string;
  readonly #head = new ResponseHead({ maxHeaders: MAX_HEADERS });
  readonly #body = new BodyReader();
  #state: "head" | "body" | "open" | "over" = "head";
  #partial = "";
  #informational = 0;

  /** @param upgrade what was asked for, lower-case */
  constructor(sink: AnswerSink, method: string, upgrade: string) {
    this.#sink = sink;
    this.#method = method;
    this.#upgrade = upgrade;
  }

  /** The end of the connection is the end of the body. */
  get endsWithConnection(): boolean {
    return this.#state === "body" && this.#body.endsWithConnection;
  }

  feed(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "head") at = this.#readHead(bytes, at);
      else if (this.#state === "body") at = this.#readBody(bytes, at);
      else if (this.#state === "open") return this.#sink.answerBody(bytes, at, bytes.length, false);
      else return;
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const known = this.#partial.length;
    const text = this.#partial + latin1(bytes, at, bytes.length);
    const end = findHeadEnd(text, known);
    if (end < 0) {
      this.#partial = text;
      const hopeless = startsWrongAnswer(text) || hasBareLineEnd(text, known) || text.length > MAX_HEAD_BYTES;
      return hopeless ? this.#broken(bytes.length) : bytes.length;
    }
    this.#partial = "";
    const head = this.#head;
    if (end + 2 > MAX_HEAD_BYTES || head.parse(headTextOf(text), end) !== null) return this.#broken(bytes.length);
    const next = at + end + 2 - known;
    if (head.status === 101) return this.#switch(next, bytes.length);
    if (head.status >= 200) this.#open();
    else if (++this.#informational > MAX_INFORMATIONAL) return this.#broken(bytes.length);
    else this.#sink.answerInformed(head);
    return next;
  }

  /** To what was asked for, and nothing else. */
  #switch(next: number, end: number): number {
    if (this.#head.upgrade.toLowerCase() !== this.#upgrade) return this.#broken(end);
    this.#state = "open";
    this.#sink.answerHead(this.#head, false);
    return next;
  }

  #open(): void {
    const head = this.#head;
    const bodyless = this.#method === "HEAD" || head.status === 204 || head.status === 304;
    const isEmpty = bodyless || head.contentLength === 0;
    if (head.chunked) this.#body.openChunked();
    else if (head.contentLength > 0) this.#body.openLength(head.contentLength);
    else this.#body.openUntilClose();
    this.#state = isEmpty ? "over" : "body";
    this.#sink.answerHead(head, isEmpty);
  }

  #readBody(bytes: Buffer, at: number): number {
    const body = this.#body;
    const step = body.step(bytes, at, bytes.length);
    if (step === Step.bad) return this.#broken(bytes.length);
    const next = body.at;
    if (step === Step.data) {
      if (body.last) this.#state = "over";
      this.#sink.answerBody(bytes, body.from, body.to, body.last);
    } else if (step === Step.end) {
      // Trailers are left out: a client that asked for another protocol does not wait for any.
      this.#state = "over";
      this.#sink.answerBody(EMPTY, 0, 0, true);
    }
    return next;
  }

  #broken(end: number): number {
    this.#state = "over";
    this.#sink.answerBroken();
    return end;
  }
}
