// Chunked transfer coding, decoded step by step without callbacks: each step says where the data of the read lies, which it
// has moved together in the reader's own block. Strict (RFC 9112 7.1): 1 to 13 hex digits, CRLF only, bounded extensions and trailers.
import type { HeaderList } from "../../abi/headers.ts";
import { latin1 } from "../latin1.ts";
import { FIELD_VALUE, LOWER_TOKEN } from "./chars.ts";
import type { Rejection } from "./rejection.ts";
import { MAX_TRAILER_BYTES, parseTrailers } from "./trailers.ts";

/** Outcome of a step of a body reader. */
export const Step = {
  /** All input is used up. */
  more: 0,
  /** `from`, `to` bound a run of data. */
  data: 1,
  /** The body is over; `trailers` is set when there were some. */
  end: 2,
  /** `rejection` says why. */
  bad: 3,
} as const;

/** Extension bytes per message (reliability.md 3.1). */
const MAX_EXTENSION_BYTES = 4096;
/** 13 hex digits stay below 2^53. */
const MAX_SIZE_DIGITS = 13;
const CR = 13;
const LF = 10;
const QUOTE = 34;
const SEMICOLON = 59;
const EQUALS = 61;
const BACKSLASH = 92;

/** An extension is `;name`, `;name=value` or `;name="value"`; empty names and values are none. */
type State =
  | "size"
  | "name"
  | "value"
  | "quoted"
  | "escaped"
  | "unquoted"
  | "sizeLf"
  | "data"
  | "dataCr"
  | "dataLf"
  | "trailers";

export class ChunkedDecoder {
  from = 0;
  to = 0;
  /** Where the next step begins. */
  at = 0;
  trailers: HeaderList | null = null;
  rejection: Rejection = "bad_chunk";
  #state: State = "size";
  #size = 0;
  #digits = 0;
  #extensionBytes = 0;
  /** Characters of the current extension name or value. */
  #partBytes = 0;
  #trailerText = "";
  #broken = false;

  /** Makes it ready for another body. */
  reset(): void {
    this.trailers = null;
    this.rejection = "bad_chunk";
    this.#state = "size";
    this.#size = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#trailerText = "";
    this.#broken = false;
  }

  /** Goes on at `at` in `bytes`, which hold input up to `end`. */
  step(bytes: Buffer, at: number, end: number): number {
    if (this.#broken) return Step.bad;
    while (at < end) {
      if (this.#state === "data") return this.#data(bytes, at, end);
      if (this.#state === "trailers") return this.#trailers(bytes, at, end);
      if (!this.#accept(bytes[at] as number)) return Step.bad;
      at++;
    }
    this.at = at;
    return Step.more;
  }

  /**
   * All the data of this read as one run: what lies in further chunks moves up behind the first, over the framing between
   * them. A body in chunks of one byte must not be ten thousand pieces per read for everybody behind us.
   */
  #data(bytes: Buffer, at: number, end: number): number {
    this.from = at;
    this.to = at;
    while (this.#state === "data" && at < end) {
      const length = Math.min(this.#size, end - at);
      if (this.to !== at) bytes.copyWithin(this.to, at, at + length);
      this.to += length;
      this.#size -= length;
      if (this.#size === 0) this.#state = "dataCr";
      at = this.#between(bytes, at + length, end);
    }
    this.at = at;
    return Step.data;
  }

  /** From one run of data to the next. An error waits for the next step: what came before it was right. */
  #between(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && this.#state !== "data" && this.#state !== "trailers" && !this.#broken) {
      if (this.#accept(bytes[at] as number)) at++;
      else this.#broken = true;
    }
    return at;
  }

  /** One byte outside data and trailers. */
  #accept(byte: number): boolean {
    switch (this.#state) {
      case "size":
        return this.#sizeByte(byte);
      case "sizeLf":
        this.#state = this.#size === 0 ? "trailers" : "data";
        this.#digits = 0;
        return byte === LF;
      case "dataCr":
        this.#state = "dataLf";
        return byte === CR;
      case "dataLf":
        this.#state = "size";
        return byte === LF;
      default:
        return ++this.#extensionBytes <= MAX_EXTENSION_BYTES && this.#extension(byte);
    }
  }

  /** One byte of a chunk extension (RFC 9112 7.1.1, without its optional white space). Nobody reads them; all are dropped. */
  #extension(byte: number): boolean {
    const token = LOWER_TOKEN[byte] !== 0;
    switch (this.#state) {
      case "quoted":
        if (byte === QUOTE) this.#state = "unquoted";
        else if (byte === BACKSLASH) this.#state = "escaped";
        return FIELD_VALUE[byte] === 1;
      case "escaped":
        this.#state = "quoted";
        return FIELD_VALUE[byte] === 1;
      case "unquoted":
        return this.#endExtension(byte);
    }
    if (token) {
      this.#partBytes++;
      return true;
    }
    if (this.#state === "value" && byte === QUOTE && this.#partBytes === 0) {
      this.#state = "quoted";
      return true;
    }
    if (this.#partBytes === 0) return false;
    if (this.#state === "name" && byte === EQUALS) return this.#begin("value");
    return this.#endExtension(byte);
  }

  #endExtension(byte: number): boolean {
    if (byte === SEMICOLON) return this.#begin("name");
    this.#state = "sizeLf";
    return byte === CR;
  }

  #begin(state: "name" | "value"): boolean {
    this.#state = state;
    this.#partBytes = 0;
    return true;
  }

  #sizeByte(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit;
      return ++this.#digits <= MAX_SIZE_DIGITS;
    }
    if (byte === SEMICOLON) this.#begin("name");
    else if (byte === CR) this.#state = "sizeLf";
    else return false;
    return this.#digits > 0;
  }

  #trailers(bytes: Buffer, at: number, end: number): number {
    const before = this.#trailerText.length;
    const text = this.#trailerText + latin1(bytes, at, Math.min(end, at + MAX_TRAILER_BYTES + 4 - before));
    // Either nothing but the final CRLF, or lines and an empty line.
    const bare = text.startsWith("\r\n");
    const last = bare ? 0 : text.indexOf("\r\n\r\n");
    if (last < 0) return this.#moreTrailers(text, end);
    this.at = at + last + (bare ? 2 : 4) - before;
    if (bare) return Step.end;
    const trailers = parseTrailers(text.slice(0, last + 2));
    if (typeof trailers === "string") this.rejection = trailers;
    else this.trailers = trailers;
    return typeof trailers === "string" ? Step.bad : Step.end;
  }

  #moreTrailers(text: string, end: number): number {
    this.#trailerText = text;
    this.at = end;
    if (/(?:^|[^\r])\n|\r[^\n]/.test(text)) return Step.bad;
    if (text.length <= MAX_TRAILER_BYTES) return Step.more;
    this.rejection = "trailers_too_large";
    return Step.bad;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
