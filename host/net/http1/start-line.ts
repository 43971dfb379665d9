// The first line of a message, in one loop over its bytes (RFC 9112 3 and 4). Strict: single spaces, no control character, no
// byte above 0x7e in a target.
import { LOWER_TOKEN } from "./chars.ts";
import type { HeadText } from "./head-text.ts";
import type { Rejection } from "./rejection.ts";

const LF = 10;
const CR = 13;
const SPACE = 32;
const HASH = 35;
const TAB = 9;
const DELETE = 127;
const ZERO = 48;

export class RequestLine {
  method = "";
  target = "";
  /** "HTTP/1.0" or "HTTP/1.1". */
  protocol = "";
  /** Index behind the line's CRLF in the text. */
  end = 0;

  /** The line that begins at `from`, in a text that ends with CRLF. */
  parse(source: HeadText, from: number): Rejection | null {
    const { bytes, text, base } = source;
    const start = base + from;
    // Both loops stop at the CR that ends the text.
    let at = start;
    let code = bytes[at] as number;
    while (LOWER_TOKEN[code] !== 0) code = bytes[++at] as number;
    if (code !== SPACE || at === start) return "bad_request_line";
    const targetAt = ++at;
    code = bytes[at] as number;
    while (code > SPACE && code < DELETE && code !== HASH) code = bytes[++at] as number;
    if (code !== SPACE) return code === CR || code === LF ? "bad_request_line" : "bad_target";
    if (at === targetAt) return "bad_request_line";
    this.method = methodOf(text.slice(from, targetAt - 1 - base));
    this.target = text.slice(targetAt - base, at - base);
    return this.#version(source, at + 1);
  }

  #version({ bytes, text, base }: HeadText, at: number): Rejection | null {
    const minor = bytes[at + 7];
    const known = text.startsWith("HTTP/1.", at - base) && (minor === ZERO || minor === ZERO + 1);
    if (known && bytes[at + 8] === CR && bytes[at + 9] === LF) {
      this.protocol = minor === ZERO ? "HTTP/1.0" : "HTTP/1.1";
      this.end = at + 10 - base;
      return null;
    }
    return /^HTTP\/[0-9]\.[0-9]\r\n/.test(text.slice(at - base, at - base + 10)) ? "bad_version" : "bad_request_line";
  }
}

/** The two methods of nearly all traffic as constants: comparing them later is comparing pointers. */
const methodOf = (method: string): string => (method === "GET" ? "GET" : method === "POST" ? "POST" : method);

export class StatusLine {
  /** 100 to 599. */
  status = 0;
  http10 = false;
  /** Index behind the line's CRLF in the text. */
  end = 0;

  /**
   * `HTTP/1.x SP 3DIGIT [SP reason]` at the beginning of a text that ends with CRLF. The second space may be missing when
   * there is no reason, as many servers send it.
   */
  parse({ bytes, text, base }: HeadText): Rejection | null {
    const minor = bytes[base + 7];
    if (!text.startsWith("HTTP/1.") || (minor !== ZERO && minor !== ZERO + 1) || bytes[base + 8] !== SPACE) {
      return "bad_status_line";
    }
    this.http10 = minor === ZERO;
    this.status = 0;
    let at = base + 9;
    for (; at < base + 12; at++) {
      const digit = (bytes[at] as number) - ZERO;
      if (!(digit >= 0 && digit <= 9)) return "bad_status_line";
      this.status = this.status * 10 + digit;
    }
    let code = bytes[at] as number;
    if (this.status < 100 || this.status > 599 || (code !== SPACE && code !== CR)) return "bad_status_line";
    while ((code >= SPACE && code !== DELETE) || code === TAB) code = bytes[++at] as number;
    this.end = at + 2 - base;
    return code === CR && bytes[at + 1] === LF ? null : "bad_status_line";
  }
}

const STATUS_TEXT: readonly string[] = Array.from({ length: 500 }, (_, at) => String(at + 100));

/** @param status 100 to 599 */
export const statusText = (status: number): string => STATUS_TEXT[status - 100] ?? String(status);
