// Protobuf text format, characters -> tokens (https://protobuf.dev/reference/protobuf/textformat-spec, "Lexical Elements").
// Comments and white space vanish here; strings come out as bytes. Called by textpb.ts.
import type { Range, Source } from "./source.ts";

export interface Token {
  readonly kind: "word" | "number" | "string" | "mark" | "end";
  /** As written; for strings without meaning. */
  readonly text: string;
  readonly bytes: Buffer;
  readonly range: Range;
}

const NO_BYTES = Buffer.alloc(0);
const SPACE = /(?:[ \t\r\n\f\v]|#[^\n]*)*/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
/** More than a number may be: what is wrong is then shown whole. */
const NUMBER = /(?:[0-9]|\.[0-9])(?:[eE][+-][0-9]|[0-9A-Za-z_.])*/y;
const LEGAL_NUMBER =
  /^(?:0[xX][0-9A-Fa-f]+|0[0-7]+|0|[1-9][0-9]*|(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eEfF]))(?:[eE][+-]?[0-9]+)?[fF]?)$/;
const MARKS = "{}<>[]:;,-./";

const SIMPLE: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '"': 34,
  "'": 39,
  "?": 63,
  "\\": 92,
};
const NUMERIC = /[0-7]{1,3}|[xX][0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}/y;
const MAX_CODE_POINT = 0x10_ffff;

export class Scanner {
  readonly #source: Source;
  #at = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  /** @throws ProblemError for what is no token */
  next(): Token {
    this.#at += this.#match(SPACE)?.length ?? 0;
    const start = this.#at;
    const first = this.#source.text[start];
    if (first === undefined) return this.#token("end", "", start);
    if (first === '"' || first === "'") return this.#string(first);
    const word = this.#match(WORD);
    if (word !== null) return this.#token("word", word, start);
    const number = this.#match(NUMBER);
    if (number !== null) return this.#number(number);
    if (MARKS.includes(first)) return this.#token("mark", first, start);
    throw this.#source.error("syntax", `unexpected character ${JSON.stringify(first)}`, { start, end: start + 1 });
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source.text)?.[0] ?? null;
  }

  #token(kind: Token["kind"], text: string, start: number, bytes = NO_BYTES): Token {
    this.#at = Math.max(this.#at, start + text.length);
    return { kind, text, bytes, range: { start, end: this.#at } };
  }

  #number(text: string): Token {
    const start = this.#at;
    if (LEGAL_NUMBER.test(text)) return this.#token("number", text, start);
    throw this.#source.error("syntax", `"${text}" is no number`, { start, end: start + text.length });
  }

  #string(quote: string): Token {
    const start = this.#at++;
    const parts: Buffer[] = [];
    for (;;) {
      const char = this.#source.text[this.#at];
      if (char === undefined || char === "\n")
        throw this.#source.error(
          "syntax",
          "the string does not end on its line",
          { start, end: this.#at },
          STRING_HINT,
        );
      if (char === quote) break;
      parts.push(char === "\\" ? this.#escape() : this.#plain(quote));
    }
    this.#at++;
    return this.#token("string", "", start, Buffer.concat(parts));
  }

  /** Everything up to the next quote, backslash or line end. */
  #plain(quote: string): Buffer {
    const { text } = this.#source;
    const start = this.#at;
    while (this.#at < text.length && !`${quote}\\\n`.includes(text[this.#at] ?? "")) this.#at++;
    return Buffer.from(text.slice(start, this.#at));
  }

  #escape(): Buffer {
    const start = this.#at++;
    const numeric = this.#match(NUMERIC);
    if (numeric !== null) return this.#numeric(numeric, start);
    const char = this.#source.text[this.#at++] ?? "";
    const byte = SIMPLE[char];
    if (byte !== undefined) return Buffer.from([byte]);
    throw this.#source.error("syntax", `unknown escape "\\${char}"`, { start, end: this.#at }, "a backslash is \\\\");
  }

  #numeric(digits: string, start: number): Buffer {
    this.#at += digits.length;
    const isOctal = /^[0-7]/.test(digits);
    const value = isOctal ? Number.parseInt(digits, 8) : Number.parseInt(digits.slice(1), 16);
    if (!/^[uU]/.test(digits) && value <= 0xff) return Buffer.from([value]);
    const isScalar = value <= MAX_CODE_POINT && (value < 0xd800 || value > 0xdfff);
    if (!isOctal && isScalar) return Buffer.from(String.fromCodePoint(value));
    throw this.#source.error("syntax", `"\\${digits}" is no character`, { start, end: this.#at });
  }
}

const STRING_HINT = "strings of several lines are written as several strings, one after the other";
