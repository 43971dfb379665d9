// Raw fields + the schema -> a typed suite. Every field that is unknown, of the wrong type, said twice or at odds with
// another is a problem with its place; all of them are reported at once.
import { type Problem, ProblemError } from "../base/problem.ts";
import { suggestion } from "../config/suggest.ts";
import type { Raw, RawField, RawMessage } from "./raw.ts";
import {
  type EnumType,
  type FieldType,
  type MessageType,
  type ScalarName,
  type SingleType,
  TEST_SUITE,
  type TestSuite,
} from "./schema.ts";
import type { Range, Source } from "./source.ts";

const BOUNDS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};
const TRUE = new Set(["true", "True", "t", "1"]);
const FALSE = new Set(["false", "False", "f", "0"]);

class Binder {
  readonly problems: Problem[] = [];
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  message(raw: RawMessage, type: MessageType): Record<string, unknown> {
    const bound: Record<string, unknown> = { at: raw.range };
    for (const [name, field] of Object.entries(type.fields)) if (field.type === "many") bound[name] = [];
    const seen = new Map<string, RawField>();
    for (const field of raw.fields) {
      const known = Object.hasOwn(type.fields, field.name) ? type.fields[field.name] : undefined;
      if (known === undefined) this.#unknown(field, type);
      else this.#field(bound, field, known, seen.get(field.name));
      seen.set(field.name, field);
    }
    for (const group of type.oneofs) this.#oneOf(group, seen);
    return bound;
  }

  #unknown({ name, nameRange }: RawField, type: MessageType): void {
    const hint = suggestion(name, Object.keys(type.fields));
    this.#add("unknown_key", `unknown field "${name}" in ${type.name}`, nameRange, hint);
  }

  #field(bound: Record<string, unknown>, field: RawField, type: FieldType, before: RawField | undefined): void {
    const { name, nameRange, value } = field;
    if (type.type === "many") {
      const items = value.kind === "list" ? value.items : [value];
      (bound[name] as unknown[]).push(...items.map((item) => this.#value(item, type.of, name)));
      return;
    }
    if (before !== undefined) this.#add("duplicate_key", `"${name}" is set twice, but it is not a list`, nameRange);
    bound[name] = this.#value(value, type, name);
  }

  #oneOf(group: readonly string[], seen: ReadonlyMap<string, RawField>): void {
    const [first, second] = [...seen.values()].filter(({ name }) => group.includes(name));
    if (first === undefined || second === undefined) return;
    const words = `"${second.name}" excludes "${first.name}": only one of ${group.join(", ")} may be set`;
    this.#add("conflict", words, second.nameRange);
  }

  #value(raw: Raw, type: SingleType, name: string): unknown {
    if (type.type === "message") {
      if (raw.kind === "message") return this.message(raw, type);
      this.#wrong(raw, name, `a ${type.name} in braces`);
      return this.message({ kind: "message", fields: [], range: raw.range }, type);
    }
    return type.type === "enum" ? this.#enum(raw, type, name) : this.#scalar(raw, type.type, name);
  }

  #enum(raw: Raw, type: EnumType, name: string): string | undefined {
    const text = raw.kind === "string" ? raw.bytes.toString() : "text" in raw ? raw.text : null;
    const names = Object.keys(type.values);
    const found = names.find((one) => one === text || String(type.values[one]) === text);
    if (found !== undefined) return found;
    if (text === null) this.#wrong(raw, name, `one of ${names.join(", ")}`);
    else this.#add("bad_value", `${name}: there is no ${type.name} "${text}"`, raw.range, suggestion(text, names));
    return undefined;
  }

  #scalar(raw: Raw, type: ScalarName, name: string): unknown {
    if (type === "bytes" || type === "string") {
      const bytes = raw.kind === "string" ? raw.bytes : raw.kind === "plain" ? Buffer.from(raw.text) : null;
      if (bytes === null) return this.#wrong(raw, name, "a string");
      return type === "bytes" ? bytes : bytes.toString("utf8");
    }
    const text = "text" in raw ? raw.text : "";
    if (type === "bool") {
      if (TRUE.has(text) || FALSE.has(text)) return TRUE.has(text);
      return this.#wrong(raw, name, "true or false");
    }
    return this.#integer(raw, text, type, name);
  }

  #integer(raw: Raw, text: string, type: ScalarName, name: string): number | undefined {
    const value = toBigInt(text);
    if (value === null || raw.kind === "word") return this.#wrong(raw, name, "a whole number");
    const [min, max] = BOUNDS[type] ?? [0n, 0n];
    if (value >= min && value <= max && BigInt(Number(value)) === value) return Number(value);
    this.#add("bad_value", `${name}: ${text} does not fit ${type}`, raw.range);
    return undefined;
  }

  #wrong(raw: Raw, name: string, wanted: string): undefined {
    const got = raw.kind === "message" ? "a message" : "text" in raw ? raw.text : `a ${raw.kind}`;
    this.#add("wrong_type", `${name}: expected ${wanted}, got ${got}`, raw.range);
  }

  #add(code: string, message: string, range: Range, hint = ""): void {
    this.problems.push(this.#source.problem(code, message, range, hint));
  }
}

/** Decimal, octal (`017`) and hexadecimal, as the text format has them. */
function toBigInt(text: string): bigint | null {
  const [, sign = "", digits = ""] = /^(-?)(0[xX][0-9A-Fa-f]+|[0-9]+)$/.exec(text) ?? [];
  if (digits === "") return null;
  const isOctal = /^0[0-7]+$/.test(digits);
  const value = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  return sign === "-" ? -value : value;
}

/** @throws ProblemError with every problem, in file order */
export function bindSuite(raw: RawMessage, source: Source): TestSuite {
  const binder = new Binder(source);
  // The table says what came out; nothing else could have.
  const suite = binder.message(raw, TEST_SUITE) as unknown as TestSuite;
  if (binder.problems.length > 0) throw new ProblemError(binder.problems);
  return suite;
}
