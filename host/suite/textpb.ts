// Protobuf text format -> raw fields (textformat-spec, "Syntax Elements"): what `.textpb` suites are written in. Knows the
// grammar and no schema; bind.ts gives the fields their meaning.
import type { ProblemError } from "../base/problem.ts";
import type { Raw, RawField, RawMessage } from "./raw.ts";
import { Scanner, type Token } from "./scanner.ts";
import type { Range, Source } from "./source.ts";

/** Deeper nesting is refused: no suite has it, and the reader calls itself. */
const MAX_DEPTH = 100;
const CLOSING: Readonly<Record<string, string>> = { "{": "}", "<": ">" };

class Parser {
  readonly #source: Source;
  readonly #scanner: Scanner;
  #token: Token;
  #depth = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#scanner = new Scanner(source);
    this.#token = this.#scanner.next();
  }

  document(): RawMessage {
    const fields = this.#fields("");
    return { kind: "message", fields, range: { start: 0, end: this.#source.text.length } };
  }

  /** Fields up to `close`, or the end of the file. */
  #fields(close: string): RawField[] {
    const fields: RawField[] = [];
    while (!this.#atEnd(close)) {
      fields.push(this.#field());
      if (this.#is(";") || this.#is(",")) this.#take();
    }
    return fields;
  }

  #atEnd(close: string): boolean {
    if (this.#token.kind === "end" && close !== "") throw this.#expected(`"${close}"`);
    return this.#token.kind === "end" || (close !== "" && this.#is(close));
  }

  #field(): RawField {
    if (this.#is("[")) throw this.#error("extensions and Any values are no part of a suite", this.#token.range);
    if (this.#token.kind !== "word") throw this.#expected("a field name");
    const name = this.#take();
    const hasColon = this.#is(":");
    if (hasColon) this.#take();
    // Only messages and lists of messages go without the colon.
    const value = this.#value();
    if (!hasColon && !isMessages(value)) throw this.#error(`expected ":" after "${name.text}"`, name.range);
    return { name: name.text, nameRange: name.range, value };
  }

  #value(): Raw {
    if (this.#is("[")) return this.#list();
    return this.#is("{") || this.#is("<") ? this.#message() : this.#scalar();
  }

  #message(): RawMessage {
    const open = this.#take();
    if (++this.#depth > MAX_DEPTH) throw this.#error(`nested more than ${MAX_DEPTH} deep`, open.range);
    const fields = this.#fields(CLOSING[open.text] ?? "}");
    this.#depth--;
    const close = this.#take();
    return { kind: "message", fields, range: { start: open.range.start, end: close.range.end } };
  }

  #list(): Raw {
    const open = this.#take();
    const items: Raw[] = [];
    while (!this.#is("]")) {
      if (this.#is("[")) throw this.#error("a list holds no lists", this.#token.range);
      items.push(this.#value());
      if (this.#is(",")) this.#take();
      else if (!this.#is("]")) throw this.#expected('"," or "]"');
      else break;
      if (this.#is("]")) throw this.#expected("a value");
    }
    const close = this.#take();
    return { kind: "list", items, range: { start: open.range.start, end: close.range.end } };
  }

  #scalar(): Raw {
    const first = this.#token;
    if (first.kind === "string") return this.#string();
    if (this.#is("-")) this.#take();
    const { kind, text, range } = this.#token;
    if (kind !== "number" && kind !== "word") throw this.#expected("a value");
    this.#take();
    const isSigned = first.text === "-";
    const whole: Range = { start: first.range.start, end: range.end };
    if (kind === "word" && isSigned && !/^(?:inf|infinity|nan)$/i.test(text))
      throw this.#error(`"-${text}" is no value`, whole);
    return { kind, text: isSigned ? `-${text}` : text, range: whole };
  }

  /** Neighbouring strings are one string. */
  #string(): Raw {
    const { start } = this.#token.range;
    const parts: Buffer[] = [];
    let end = start;
    while (this.#token.kind === "string") {
      const token = this.#take();
      parts.push(token.bytes);
      ({ end } = token.range);
    }
    return { kind: "string", bytes: Buffer.concat(parts), range: { start, end } };
  }

  #is(mark: string): boolean {
    return this.#token.kind === "mark" && this.#token.text === mark;
  }

  #take(): Token {
    const token = this.#token;
    this.#token = this.#scanner.next();
    return token;
  }

  #expected(what: string): ProblemError {
    const { kind, text, range } = this.#token;
    const got = kind === "end" ? "the end of the file" : kind === "string" ? "a string" : `"${text}"`;
    return this.#error(`expected ${what}, got ${got}`, range);
  }

  #error(message: string, range: Range): ProblemError {
    return this.#source.error("syntax", message, range);
  }
}

const isMessages = (value: Raw): boolean =>
  value.kind === "message" || (value.kind === "list" && value.items.every((item) => item.kind === "message"));

/** @throws ProblemError for the first thing that is not text format */
export function parseTextpb(source: Source): RawMessage {
  return new Parser(source).document();
}
