// A strict pull reader for JSON (RFC 8259) over UTF-8 bytes. Every mistake becomes a value (`error`, with the JSON path),
// never a trap: after the first one all calls return defaults at once. For the generated config decoders:
//   if (j.beginObject()) while (j.nextKey()) { if (j.is("a")) j.string(); else j.skip(); }
import { scratch } from "../scratch";
import { hexDigit } from "../text/hex";
import { decode, encode, encodedSize } from "../text/utf8";
import { Frame } from "./json-frame";
import { JsonNumber } from "./json-number";
import { didYouMean } from "./suggest";

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
const DEEPEST: i32 = 32; // configurations are flat, and recursion must end somewhere

/** Lives in scratch memory: use it within the callback that made it. */
@unmanaged
export class JsonReader {
  private p: usize;
  private end: usize;
  private top: Frame | null;
  private reason: usize;
  private reasonSize: usize;

  /** A reader over `size` bytes of text. */
  static over(text: usize, size: usize): JsonReader {
    const json = changetype<JsonReader>(scratch(offsetof<JsonReader>()));
    json.p = text;
    json.end = text + size;
    json.top = null;
    json.reason = 0;
    return json;
  }

  /** Whether there was a mistake. */
  get failed(): bool {
    return this.reason != 0;
  }
  /** The first mistake: `at /rules/3/percent: expected 0-100, got 120`. */
  get error(): string | null {
    return this.reason ? decode(this.reason, this.reasonSize) : null;
  }
  /** True when there is nothing but blanks: an empty configuration. */
  get blank(): bool {
    return this.peek() == 0 && this.p == this.end;
  }
  /** The text not read yet, as it is: for a configuration that is no JSON, taken in an overridden `Config.read`. */
  get remaining(): string {
    return decode(this.p, this.end - this.p);
  }
  /** Name of the current member. */
  get key(): string {
    const frame = this.top;
    return frame ? decode(frame.key, frame.size) : "";
  }
  /** Whether the current member has this name. */
  is(name: string): bool {
    const frame = this.top;
    if (frame === null) return false;
    const bytes = encode(name);
    return frame.size == encodedSize && memory.compare(frame.key, bytes, frame.size) == 0;
  }
  /** Refuses the input; only the first reason is kept. */
  fail(reason: string): void {
    this.p = this.end;
    if (this.reason) return;
    const frame = this.top;
    const path = frame ? frame.path() : "";
    this.reason = encode(path.length ? "at " + path + ": " + reason : reason);
    this.reasonSize = encodedSize;
  }
  /** Refuses the current member, naming the closest of `known` (joined by commas). */
  unknownKey(known: string): void {
    this.fail("unknown key" + didYouMean(this.key, known));
  }
  /** Enters an object. */
  beginObject(): bool {
    return this.begin(OPEN, "an object", false);
  }
  /** Steps to the next member, whose name is then `key`; false at the end of the object. */
  nextKey(): bool {
    const frame = this.top;
    if (this.failed || frame === null || !this.next(frame, CLOSE)) return false;
    this.readKey(frame);
    if (this.failed) return false;
    if (!frame.note()) this.fail("duplicate key");
    if (this.peek() == COLON) this.p++;
    else this.fail("expected ':' after the key");
    return !this.failed;
  }
  /** Enters a list. */
  beginArray(): bool {
    return this.begin(OPEN_LIST, "a list", true);
  }
  /** Steps to the next item; false at the end of the list. */
  nextItem(): bool {
    const frame = this.top;
    return frame !== null && !this.failed && this.next(frame, CLOSE_LIST);
  }
  /** A string; "" after a mistake. */
  string(): string {
    if (this.peek() != QUOTE) {
      this.mismatch("a string");
      return "";
    }
    this.p++;
    let text = "";
    for (;;) {
      const start = this.p;
      const stop = this.plain();
      const part = decode(start, this.p - start);
      text = text.length ? text + part : part;
      if (stop == QUOTE) {
        this.p++;
        return text;
      }
      if (stop != BACKSLASH) break;
      text = text + this.escape();
    }
    this.fail(this.p >= this.end ? "a string without end" : "a control character in a string: write it as \\u00XX");
    return "";
  }
  /** One of `values`, which are joined by commas. */
  oneOf(values: string): string {
    const text = this.string();
    if (!this.failed && !("," + values + ",").includes("," + text + ",")) {
      this.fail("expected one of " + values + ', got "' + text + '"' + didYouMean(text, values));
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
    this.outside(expected, number);
    return low;
  }
  /** An unsigned integer in [low, high], exact to 64 bits. */
  uint(low: u64, high: u64, expected: string): u64 {
    const number = this.number(expected);
    if (number === null) return low;
    const value = number.unsigned();
    if (number.exact && value >= low && value <= high) return value;
    this.outside(expected, number);
    return low;
  }
  /** A number in [low, high]. */
  float(low: f64, high: f64, expected: string): f64 {
    const number = this.number(expected);
    if (number === null) return low;
    const value = F64.parseFloat(number.text);
    if (value >= low && value <= high) return value;
    this.outside(expected, number);
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
    if (!this.blank) this.fail("unexpected text after the end");
  }

  /** Refuses the value here because of its kind. */
  private mismatch(expected: string): void {
    this.fail("expected " + expected + ", got " + this.kind());
  }
  private outside(expected: string, number: JsonNumber): void {
    this.fail("expected " + expected + ", got " + number.text);
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
    if (this.failed) return false;
    this.p++;
    this.top = Frame.open(isList, outer);
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
    if (++frame.index == 0) return true;
    if (c != COMMA) {
      this.fail(frame.isList ? "expected ',' or ']'" : "expected ',' or '}'");
      return false;
    }
    this.p++;
    if (this.peek() == close) this.fail("a comma before the end");
    return !this.failed;
  }
  /** The key as bytes: in place, or decoded when it holds escapes. */
  private readKey(frame: Frame): void {
    const start = this.peek() == QUOTE ? this.p + 1 : 0;
    this.p++;
    if (start && this.plain() == QUOTE) {
      frame.key = start;
      frame.size = this.p++ - start;
      return;
    }
    this.p = start ? start - 1 : this.p - 1;
    const text = this.string();
    if (this.failed) return;
    frame.key = encode(text);
    frame.size = encodedSize;
  }
  /** Steps over plain characters of a string; the byte that ends them, 0 for the end and for control characters. */
  private plain(): u8 {
    for (; this.p < this.end; this.p++) {
      const c = load<u8>(this.p);
      if (c == QUOTE || c == BACKSLASH) return c;
      if (c < 32) return 0;
    }
    return 0;
  }
  private number(expected: string): JsonNumber | null {
    const first = this.peek();
    const number = first == 45 || (first >= 48 && first <= 57) ? JsonNumber.scan(this.p, this.end) : null;
    if (number === null) this.mismatch(expected);
    else this.p += number.size;
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
      const digit = this.p < this.end ? hexDigit(load<u8>(this.p++)) : -1;
      if (digit < 0) this.fail("four hex digits must follow \\u");
      unit = (unit << 4) | (digit & 15);
    }
    return String.fromCharCode(unit);
  }
  private word(text: string): bool {
    const bytes = encode(text);
    const size = encodedSize;
    if (this.p + size > this.end || memory.compare(this.p, bytes, size) != 0) return false;
    this.p += size;
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
