// One expectation about a text: exact bytes or a whole-text RE2 expression, possibly inverted. Made once per suite, asked
// for every test.
import { toRegExp } from "./regex.ts";
import type { StringMatcher } from "./schema.ts";

export interface Matcher {
  readonly invert: boolean;
  /** What was asked for, for people: `"text"`, `/expression/`, `the file x`. */
  readonly words: string;
  /** The expected bytes of an exact match, for a diff. */
  readonly exact: Buffer | null;
  /** Whether `text` is what is described, invert left aside. */
  is(text: Buffer): boolean;
  /**
   * The same for a header line. Names have no case: what the matcher spells in its own way (`Set-Cookie: ...`) is compared
   * in that spelling, because the map of Google's runner keeps the case a name was created with and ours is lower-case.
   */
  isLine(name: string, value: string): boolean;
}

/** A sentence when the matcher cannot be. `file`: content of the file it names. */
export function toMatcher(given: StringMatcher, file: Buffer | undefined): Matcher | string {
  const invert = given.invert ?? false;
  if (given.regex !== undefined) return regexMatcher(given.regex, invert);
  const exact = file ?? given.exact;
  if (exact === undefined) return "a matcher needs one of exact, regex, file";
  const words = given.file === undefined ? JSON.stringify(exact.toString("utf8")) : `the file ${given.file}`;
  const line = exact.toString("latin1");
  return {
    invert,
    words,
    exact,
    is: (text) => text.equals(exact),
    isLine: (name, value) => lineOf(lowerName(line)) === `${name}: ${value}`,
  };
}

const lineOf = ({ name, rest }: { name: string; rest: string }): string => name + rest;

function lowerName(line: string): { name: string; rest: string } {
  const colon = line.indexOf(":", 1);
  return colon < 0 ? { name: line, rest: "" } : { name: line.slice(0, colon).toLowerCase(), rest: line.slice(colon) };
}

function regexMatcher(regex: string, invert: boolean): Matcher | string {
  try {
    const pattern = toRegExp(regex);
    const isText = (text: string): boolean => pattern.test(text);
    return {
      invert,
      words: `/${regex}/`,
      exact: null,
      is: (text) => isText(text.toString("utf8")),
      isLine: (name, value) => {
        const text = Buffer.from(value, "latin1").toString("utf8");
        return spellings(name, regex).some((spelled) => isText(`${spelled}: ${text}`));
      },
    };
  } catch (error) {
    return `/${regex}/ is no expression this runner can use: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** `name` itself, and every way the expression writes it. */
function spellings(name: string, regex: string): readonly string[] {
  const plain = regex.replaceAll("\\-", "-");
  const found = new Set([name]);
  const lower = plain.toLowerCase();
  for (let at = lower.indexOf(name); at >= 0; at = lower.indexOf(name, at + 1))
    found.add(plain.slice(at, at + name.length));
  return [...found];
}
