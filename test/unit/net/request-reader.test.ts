import { describe, expect, test } from "vitest";
import type { HeaderList } from "../../../host/abi/headers.ts";
import { ERRORS } from "../../../host/base/errors.ts";
import { REJECTIONS, type Rejection } from "../../../host/net/http1/rejection.ts";
import type { RequestHead } from "../../../host/net/http1/request-head.ts";
import { RequestReader, type RequestSink } from "../../../host/net/http1/request-reader.ts";
import { REQUEST_VECTORS } from "../../fault/http1/request-vectors.ts";

const LIMITS = { maxHeaderBytes: 65_536, maxHeaders: 100 };

/** Writes down what the reader hands out; asks for the next request as soon as one is complete, unless told not to. */
class Recorder implements RequestSink {
  readonly reader = new RequestReader(this, LIMITS);
  readonly log: string[] = [];
  readonly heads: HeaderList[] = [];
  body = "";
  trailers: HeaderList = [];
  rejection: Rejection | null = null;
  eager = true;
  started = 0;

  headStarted(): void {
    this.started++;
  }

  requestHead(head: RequestHead, endStream: boolean): void {
    this.heads.push(head.headers);
    this.log.push(`${head.method} ${head.path} ${endStream}`);
    if (endStream && this.eager) this.reader.next();
  }

  requestBody(bytes: Buffer, from: number, to: number, last: boolean): void {
    this.body += bytes.latin1Slice(from, to);
    if (last) this.log.push(`body ${this.body}`);
    if (last && this.eager) this.reader.next();
  }

  requestTrailers(trailers: HeaderList): void {
    this.trailers = trailers;
    this.log.push(`trailers ${trailers.join("=")}`);
    if (this.eager) this.reader.next();
  }

  prefaceReceived(first: Buffer): void {
    this.log.push(`preface ${first.latin1Slice()}`);
  }

  requestRejected(rejection: Rejection): void {
    this.rejection = rejection;
    this.log.push(rejection);
  }

  feed(text: string): this {
    const lent = Buffer.from(text, "latin1");
    this.reader.feed(lent);
    // Its owner reads the next bytes into it.
    lent.fill("~");
    return this;
  }
}

const statusOf = (recorder: Recorder): number =>
  recorder.rejection === null ? 0 : ERRORS[REJECTIONS[recorder.rejection].code].status;
const headOf = (lines: string): HeaderList => {
  const recorder = new Recorder().feed(`GET /p?q HTTP/1.1\r\nHost: h\r\n${lines}\r\n`);
  expect(recorder.rejection).toBeNull();
  return recorder.heads[0]?.slice(8) ?? [];
};

describe("every vector", () => {
  test.each(REQUEST_VECTORS)("$name -> $status", ({ text, status }) => {
    expect(statusOf(new Recorder().feed(text))).toBe(status);
  });

  test.each(REQUEST_VECTORS.filter(({ text }) => text.length < 6000))("$name, byte by byte", ({ text, status }) => {
    const recorder = new Recorder();
    for (const char of text) recorder.feed(char);
    expect(statusOf(recorder)).toBe(status);
  });

  test("nothing is interpreted behind an error", () => {
    for (const { text, status } of REQUEST_VECTORS) {
      if (status === 0) continue;
      const recorder = new Recorder().feed(`${text}GET /poison HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(recorder.log.join()).not.toContain("/poison");
    }
  });
});

describe("the head", () => {
  test("begins with the pseudo headers and has no host", () => {
    const { heads } = new Recorder().feed("GET /p?q HTTP/1.1\r\nX-A: 1\r\nHost: h:80\r\nx-b:2\r\n\r\n");
    const pseudo = [":method", "GET", ":scheme", "http", ":authority", "h:80", ":path", "/p?q"];
    expect(heads).toEqual([[...pseudo, "x-a", "1", "x-b", "2"]]);
  });

  test("loses what is hop-by-hop, and what Connection names", () => {
    const lines =
      "Connection: close, X-Hop , keep-alive\r\nX-Hop: 1\r\nx-hop: 2\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n" +
      "Upgrade: h2c\r\nHTTP2-Settings: x\r\nX-End: 1\r\n";
    expect(headOf(lines)).toEqual(["x-end", "1"]);
  });

  test("keeps te only as `trailers`", () => {
    expect(headOf("TE: gzip, trailers;q=1\r\nConnection: te\r\n")).toEqual(["te", "trailers"]);
    expect(headOf("TE: gzip\r\n")).toEqual([]);
  });

  test("loses what only proxies may say", () => {
    expect(headOf("X-Envoy-Original-Path: /\r\nx-sluice-arm: b\r\nX-Other: 1\r\n")).toEqual(["x-other", "1"]);
  });

  test("keeps repeated headers and their order, and every byte from 0x80", () => {
    expect(headOf("A: 1\r\nB: \x80\xff\r\nA: 2\r\n")).toEqual(["a", "1", "b", "\x80\xff", "a", "2"]);
  });

  test("takes the authority of an absolute-form target, and its path", () => {
    const { heads } = new Recorder().feed("GET HTTP://A?x HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(heads[0]?.slice(4, 8)).toEqual([":authority", "a", ":path", "/?x"]);
  });

  test("names that share a hash slot stay apart", () => {
    const names = Array.from({ length: 5000 }, (_, at) => `x-${at.toString(36)}`);
    for (const name of names) expect(headOf(`${name.toUpperCase()}: v\r\n`)).toEqual([name, "v"]);
  });
});

describe("bodies and pipelining", () => {
  const POST = "POST / HTTP/1.1\r\nHost: a\r\n";

  test("a body is cut at its length, and the next request follows", () => {
    const text = `${POST}Content-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: a\r\n\r\n`;
    expect(new Recorder().feed(text).log).toEqual(["POST / false", "body abc", "GET /2 true"]);
  });

  test("chunks and trailers come out decoded, at any cut", () => {
    const text = `${POST}Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0a\r\n0123456789\r\n0\r\nT: 1\r\nHost: b\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n`;
    for (let cut = 1; cut < text.length; cut++) {
      const recorder = new Recorder().feed(text.slice(0, cut)).feed(text.slice(cut));
      expect(recorder.body).toBe("abc0123456789");
      expect(recorder.log).toEqual(["POST / false", "trailers t=1", "GET /2 true"]);
    }
  });

  test("ten thousand chunks of one byte in one read are one piece of the body", () => {
    const pieces: number[] = [];
    const recorder = new Recorder();
    const { requestBody } = recorder;
    recorder.requestBody = (bytes, from, to, last) => {
      pieces.push(to - from);
      requestBody.call(recorder, bytes, from, to, last);
    };
    const chunks = Array.from({ length: 10_000 }, (_, at) => `1\r\n${at % 10}\r\n`).join("");
    recorder.feed(`${POST}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(pieces).toEqual([10_000, 0]);
    expect(recorder.body).toBe("0123456789".repeat(1000));
    expect(recorder.log.at(-1)).toBe("GET /2 true");
  });

  test("what came before a bad chunk in the same read is handed out, and nothing behind it", () => {
    const recorder = new Recorder().feed(`${POST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\nx\r\nfg\r\n`);
    expect(recorder.body).toBe("abcde");
    expect(recorder.rejection).toBe("bad_chunk");
  });

  test("a request waits until the one before it is done", () => {
    const recorder = new Recorder();
    recorder.eager = false;
    recorder.feed("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(recorder.log).toEqual(["GET /1 true"]);
    expect(recorder.reader.stashedBytes).toBeGreaterThan(0);
    recorder.reader.next();
    expect(recorder.log).toEqual(["GET /1 true", "GET /2 true"]);
    expect(recorder.reader.stashedBytes).toBe(0);
  });

  test("ten thousand pipelined requests do not grow the stack", () => {
    const recorder = new Recorder().feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(10_000));
    expect(recorder.log).toHaveLength(10_000);
  });

  test("while held nothing of the body is handed out", () => {
    const recorder = new Recorder();
    recorder.reader.hold(true);
    recorder.feed(`${POST}Content-Length: 3\r\n\r\nab`).feed("c");
    expect(recorder.body).toBe("");
    recorder.reader.hold(false);
    expect(recorder.log).toEqual(["POST / false", "body abc"]);
  });

  test("an unfinished head is announced once", () => {
    const recorder = new Recorder().feed("GET / HT").feed("TP/1.1\r\n");
    expect(recorder.started).toBe(1);
    expect(recorder.reader.idle).toBe(false);
  });

  test("the end of the connection inside a body is an error, between requests it is not", () => {
    const cut = new Recorder().feed(`${POST}Content-Length: 3\r\n\r\nab`);
    cut.reader.end();
    expect(cut.rejection).toBe("incomplete_request");
    const whole = new Recorder().feed(`${POST}Content-Length: 3\r\n\r\nabc`);
    whole.reader.end();
    expect(whole.rejection).toBeNull();
  });
});
