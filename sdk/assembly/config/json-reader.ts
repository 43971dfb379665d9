// A strict pull reader for JSON (RFC 8259) over UTF-8 bytes, for the generated config decoders. Every mistake becomes a
// value (`error`, with the JSON path), never a trap: after the first one all calls return defaults at once.
//
//   if (j.beginObject()) while (j.nextKey()) { if (j.key == "a") j.string(); else j.skip(); }
import { formatInt } from "../text/number";
import { decode } from "../text/utf8";
import { Frame } from "./json-frame";
import { JsonNumber } from "./json-number";
import { nearest } from "./suggest";

const QUOTE: u8 = 34;
const COMMA: u8 = 44;
const COLON: u8 = 58;
const OPEN_LIST: u8 = 91;
const BACKSLASH: u8 = 92;
const CLOSE_LIST: u8 = 93;
const OPEN: u8 = 123;
const CLOSE: u8 = 125;
/** Letter after a backslash and what it stands for, in turn. */
const ESCAPES = '""\\\\//b\bf\fn\nr\rt\t';
/** Deepest nesting accepted: configurations are flat, and recursion must end somewhere. */
const DEEPEST: i32 = 32;

export class JsonReader {
  /** The first mistake: `at /rules/3/percent: expected 0 to 100, got 120`. */
  error: string | null = null;
  private p: usize;
  private end: usize;
  private top: Frame | null = null;

  constructor(text: usize, size: usize) {
    this.p = text;
    this.end = text + size;
  }

  /** True when there is nothing but blanks: an empty configuration. */
  get blank(): bool {
    return this.peek() == 0 && this.p == this.end;
  }
  /** Name of the current member. */
  get key(): string {
    const frame = this.top;
    return frame ? frame.key : "";
  }
  /** Refuses the input; only the first reason is kept. */
  fail(reason: string): void {
    const frame = this.top;
    const path = frame ? frame.path() : "";
    if (this.error === null) this.error = path == "" ? reason : "at " + path + ": " + reason;
    this.p = this.end;
  }
  /** Refuses the current member, naming the closest of `known` (joined by commas). */
  unknownKey(known: string): void {
    const close = nearest(this.key, known);
    this.fail("unknown key" + didYouMean(close));
  }
  /** Enters an object. */
  beginObject(): bool {
    return this.begin(OPEN, "an object", false);
  }
  /** Steps to the next member, whose name is then `key`; false at the end of the object. */
  nextKey(): bool {
    if (this.error !== null) return false;
    const frame = this.top;
    if (frame === null || !this.next(frame, CLOSE)) return false;
    frame.key = this.string();
    if (this.error === null && !frame.note()) this.fail("duplicate key");
    if (this.peek() == COLON) this.p++;
    else this.fail("expected ':' after the key");
    return this.error === null;
  }
  /** Enters a list. */
  beginArray(): bool {
    return this.begin(OPEN_LIST, "a list", true);
  }
  /** Steps to the next item; false at the end of the list. */
  nextItem(): bool {
    const frame = this.top;
    return frame !== null && this.error === null && this.next(frame, CLOSE_LIST);
  }
  /** A string; "" after a mistake. */
  string(): string {
    if (this.peek() != QUOTE) {
      this.mismatch("a string");
      return "";
    }
    this.p++;
    let text = "";
    for (let start = this.p; this.error === null; start = this.p) {
      while (this.p < this.end && load<u8>(this.p) >= 32 && !isQuoteOrSlash(load<u8>(this.p))) this.p++;
      if (this.p > start) text += decode(start, this.p - start);
      if (this.p >= this.end) this.fail("a string without end");
      else if (load<u8>(this.p) == QUOTE) {
        this.p++;
        break;
      } else if (load<u8>(this.p) == BACKSLASH) text += this.escape();
      else this.fail("a control character in a string: write it as \\u00XX");
    }
    return text;
  }
  /** One of `values`, which are joined by commas. */
  oneOf(values: string): string {
    const text = this.string();
    if (this.error === null && !("," + values + ",").includes("," + text + ",")) {
      this.fail("expected one of " + values + ', got "' + text + '"' + didYouMean(nearest(text, values)));
    }
    return text;
  }
  /** true or false. */
  bool(): bool {
    this.peek();
    if (this.word("true")) return true;
    if (!this.word("false")) this.mismatch("true or false");
    return false;
  }
  /** Takes `null` if it stands here. */
  isNull(): bool {
    return this.peek() == 110 && this.word("null");
  }
  /** An integer in [low, high], exact; `expected` names the range in the error. */
  int(low: i64, high: i64, expected: string): i64 {
    const number = this.number(expected);
    if (number === null) return low;
    const value = number.signed();
    if (number.exact && value >= low && value <= high) return value;
    this.fail("expected " + expected + ", got " + number.text);
    return low;
  }
  /** An unsigned integer in [low, high], exact to 64 bits. */
  uint(low: u64, high: u64, expected: string): u64 {
    const number = this.number(expected);
    if (number === null) return low;
    const value = number.unsigned();
    if (number.exact && value >= low && value <= high) return value;
    this.fail("expected " + expected + ", got " + number.text);
    return low;
  }
  /** A number in [low, high]. */
  float(low: f64, high: f64, expected: string): f64 {
    const number = this.number(expected);
    if (number === null) return low;
    const value = F64.parseFloat(number.text);
    if (value >= low && value <= high && value - value == 0) return value;
    this.fail("expected " + expected + ", got " + number.text);
    return low;
  }
  /** Steps over one value of any kind, checking its syntax. */
  skip(): void {
    const c = this.peek();
    if (c == OPEN) {
      if (this.beginObject()) while (this.nextKey()) this.skip();
    } else if (c == OPEN_LIST) {
      if (this.beginArray()) while (this.nextItem()) this.skip();
    } else if (c == QUOTE) this.string();
    else if (c == 116 || c == 102) this.bool();
    else if (!this.isNull()) this.number("a value");
  }
  /** After the outermost value: nothing may follow. */
  finish(): void {
    if (this.error === null && !this.blank) this.fail("unexpected text after the end");
  }

  /** Refuses the value here because of its kind. */
  private mismatch(expected: string): void {
    this.fail("expected " + expected + ", got " + this.kind());
  }
  private kind(): string {
    const c = this.peek();
    if (c == QUOTE) return "a string";
    if (c == OPEN) return "an object";
    if (c == OPEN_LIST) return "a list";
    if (c == 116 || c == 102) return "true or false";
    if (c == 110) return "null";
    if (c == 45 || (c >= 48 && c <= 57)) return "a number";
    return this.p >= this.end ? "the end" : "a syntax error";
  }
  private begin(bracket: u8, expected: string, isList: bool): bool {
    const outer = this.top;
    if (this.peek() != bracket) this.mismatch(expected);
    else if (outer && outer.depth == DEEPEST) this.fail("nested deeper than 32");
    if (this.error !== null) return false;
    this.p++;
    this.top = new Frame(isList, outer);
    return true;
  }
  /** Steps over the comma, or out of the object or list. */
  private next(frame: Frame, close: u8): bool {
    const c = this.peek();
    if (c == close) {
      this.p++;
      this.top = frame.outer;
      return false;
    }
    if (++frame.index > 0) {
      if (c != COMMA) {
        this.fail(frame.isList ? "expected ',' or ']'" : "expected ',' or '}'");
        return false;
      }
      this.p++;
      if (this.peek() == close) this.fail("a comma before the end");
    }
    return this.error === null;
  }
  private number(expected: string): JsonNumber | null {
    const first = this.peek();
    const number = first == 45 || (first >= 48 && first <= 57) ? JsonNumber.scan(this.p, this.end) : null;
    if (number === null) {
      this.mismatch(expected);
      return null;
    }
    this.p += number.text.length;
    return number;
  }
  private escape(): string {
    const c: u8 = this.p + 1 < this.end ? load<u8>(this.p, 1) : 0;
    this.p += 2;
    if (c == 117) return this.unicode();
    let i = 0;
    while (i < ESCAPES.length && ESCAPES.charCodeAt(i) != c) i += 2;
    if (i == ESCAPES.length) this.fail("an unknown escape in a string");
    return ESCAPES.charAt(i + 1);
  }
  /** One UTF-16 unit: surrogate pairs arrive as two of them, as in JavaScript. */
  private unicode(): string {
    let unit = 0;
    for (let i = 0; i < 4; i++) {
      const digit = this.p < this.end ? hexValue(load<u8>(this.p++)) : -1;
      if (digit < 0) {
        this.fail("four hex digits must follow \\u");
        return "";
      }
      unit = (unit << 4) | digit;
    }
    return String.fromCharCode(unit);
  }
  private word(text: string): bool {
    if (this.p + text.length > this.end) return false;
    for (let i = 0; i < text.length; i++) if (load<u8>(this.p + i) != <u8>text.charCodeAt(i)) return false;
    this.p += text.length;
    return true;
  }
  /** The next byte that is not blank, 0 at the end. */
  private peek(): u8 {
    for (; this.p < this.end; this.p++) {
      const c = load<u8>(this.p);
      if (c != 32 && c != 10 && c != 13 && c != 9) return c;
    }
    return 0;
  }
}

function didYouMean(name: string): string {
  return name == "" ? "" : ', did you mean "' + name + '"?';
}

function isQuoteOrSlash(c: u8): bool {
  return c == QUOTE || c == BACKSLASH;
}

function hexValue(c: u8): i32 {
  if (c >= 48 && c <= 57) return c - 48;
  const letter = c | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
