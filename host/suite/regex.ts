// RE2's syntax -> a JavaScript RegExp that matches whole texts (https://github.com/google/re2/wiki/Syntax). Suites are
// written for RE2; what the two understand differently is translated, what JavaScript has and RE2 lacks (or the other way
// round) is refused by name, so that no expression silently means something else.

/** What stands inside the brackets for `[:name:]`. */
const POSIX: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7F",
  blank: "\\t ",
  cntrl: "\\x00-\\x1F\\x7F",
  digit: "0-9",
  graph: "\\x21-\\x7E",
  lower: "a-z",
  print: "\\x20-\\x7E",
  punct: "\\x21-\\x2F\\x3A-\\x40\\x5B-\\x60\\x7B-\\x7E",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};
/** Escapes that differ, outside and inside of brackets. \s has no vertical tab and no Unicode spaces in RE2. */
const ESCAPES: Readonly<Record<string, string>> = {
  d: "[0-9]",
  D: "[^0-9]",
  w: "[0-9A-Za-z_]",
  W: "[^0-9A-Za-z_]",
  s: "[\\t\\n\\f\\r ]",
  S: "[^\\t\\n\\f\\r ]",
  a: "\\x07",
};
const ANCHORS: Readonly<Record<string, string>> = { A: "(?<![^])", z: "(?![^])", b: "\\b", B: "\\B" };
const PLAIN_ESCAPES = "tnrfv";

interface Group {
  /** `(?s)`: the dot matches a line end too. */
  dotAll: boolean;
  /** Modifiers opened inside this group, as written: `i`, `im`. Closed and reopened around `|`. */
  readonly opened: string[];
}

class Translator {
  readonly #text: string;
  #at = 0;
  #out = "";
  readonly #groups: Group[] = [{ dotAll: false, opened: [] }];

  constructor(text: string) {
    this.#text = text;
  }

  translate(): string {
    while (this.#at < this.#text.length) this.#step();
    if (this.#groups.length > 1) throw new SyntaxError("a group is not closed");
    return this.#out + ")".repeat(this.#group.opened.length);
  }

  get #group(): Group {
    return this.#groups.at(-1) ?? { dotAll: false, opened: [] };
  }

  #step(): void {
    const char = this.#text[this.#at] ?? "";
    if (char === "\\") this.#out += this.#escape();
    else if (char === "[") this.#out += this.#class();
    else if (char === "(") this.#open();
    else if (char === ")") this.#close();
    else if (char === "|") this.#alternative();
    else if (char === "." || char === "{" || char === "}" || char === "]") this.#special(char);
    else this.#pass(char);
  }

  #pass(char: string): void {
    this.#at += char.length;
    this.#out += char;
  }

  #special(char: string): void {
    // A brace that opens no count is a character in RE2, an error in JavaScript.
    const count = this.#match(/\{\d+(?:,\d*)?\}/y);
    if (count !== null) return this.#pass(count);
    this.#at++;
    const dot = this.#group.dotAll ? "[^]" : "[^\\n]";
    this.#out += char === "." ? dot : `\\${char}`;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0] ?? null;
  }

  #open(): void {
    const look = this.#match(/\(\?<?[=!]/y);
    if (look !== null) throw new SyntaxError(`RE2 has no look-around: ${look}...)`);
    const flags = /\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/y;
    flags.lastIndex = this.#at;
    const found = flags.exec(this.#text);
    if (found !== null) return this.#flags(found);
    const named = this.#match(/\(\?P?<\w+>/y) ?? "(";
    this.#at += named.length;
    this.#out += named.replace("?P<", "?<");
    this.#groups.push({ dotAll: this.#group.dotAll, opened: [] });
  }

  /** `(?i)`, `(?s-m:...)`: s is ours to do, i and m are JavaScript's modifiers. */
  #flags([whole, on = "", off = "", end = ""]: RegExpExecArray): void {
    const strange = [...on, ...off].find((flag) => !"ims".includes(flag));
    if (strange !== undefined) throw new SyntaxError(`the flag "${strange}" is not supported: ${whole}`);
    this.#at += whole.length;
    const dotAll = off.includes("s") ? false : on.includes("s") || this.#group.dotAll;
    const letters = on.replaceAll("s", "");
    const without = off.replaceAll("s", "");
    const opening = letters === "" && without === "" ? "" : `${letters}${without === "" ? "" : `-${without}`}`;
    if (end === ":") {
      this.#out += `(?${opening}:`;
      this.#groups.push({ dotAll, opened: [] });
      return;
    }
    this.#group.dotAll = dotAll;
    if (opening === "") return;
    this.#group.opened.push(opening);
    this.#out += `(?${opening}:`;
  }

  #close(): void {
    if (this.#groups.length === 1) throw new SyntaxError('unexpected ")"');
    this.#out += ")".repeat(this.#group.opened.length + 1);
    this.#groups.pop();
    this.#at++;
  }

  #alternative(): void {
    const { opened } = this.#group;
    this.#out += `${")".repeat(opened.length)}|${opened.map((flags) => `(?${flags}:`).join("")}`;
    this.#at++;
  }

  #escape(): string {
    const char = this.#text[this.#at + 1] ?? "";
    const anchor = ANCHORS[char];
    if (anchor !== undefined) return this.#taken(2, anchor);
    if (char === "Q") return this.#quoted();
    if (char === "C") throw new SyntaxError("\\C (a single byte) is not supported");
    return this.#charEscape();
  }

  /** An escape that may stand in brackets too. */
  #charEscape(): string {
    const property = this.#match(/\\[pP](?:[A-Z]|\{\^?\w+\})/y);
    if (property !== null) return this.#taken(property.length, toProperty(property));
    const code = this.#match(/\\(?:x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]{1,6}\}|0[0-7]{0,2}|[1-7][0-7]{2})/y);
    if (code !== null) return this.#taken(code.length, toCodePoint(code));
    const char = this.#text[this.#at + 1] ?? "";
    const known = ESCAPES[char];
    if (known !== undefined) return this.#taken(2, known);
    if (PLAIN_ESCAPES.includes(char) && char !== "") return this.#taken(2, `\\${char}`);
    if (/[1-9]/.test(char)) throw new SyntaxError(`RE2 has no back-references: \\${char}`);
    if (char === "" || /[0-9A-Za-z]/.test(char)) throw new SyntaxError(`unknown escape "\\${char}"`);
    return this.#taken(1 + char.length, literal(char));
  }

  #taken(length: number, out: string): string {
    this.#at += length;
    return out;
  }

  #quoted(): string {
    const end = this.#text.indexOf("\\E", this.#at);
    const inner = this.#text.slice(this.#at + 2, end < 0 ? undefined : end);
    return this.#taken(end < 0 ? this.#text.length - this.#at : inner.length + 4, [...inner].map(literal).join(""));
  }

  #class(): string {
    const start = this.#match(/\[\^?/y) ?? "[";
    this.#at += start.length;
    let inner = "";
    for (let first = true; ; first = false) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new SyntaxError("a [ is not closed");
      if (char === "]" && !first) break;
      inner += this.#member(char);
    }
    return this.#taken(1, `${start}${inner}]`);
  }

  #member(char: string): string {
    const named = this.#match(/\[:\^?\w+:\]/y);
    if (named !== null) return this.#taken(named.length, toPosix(named));
    if (char === "\\") return this.#charEscape();
    return this.#taken(1, char === "-" ? this.#dash() : literal(char));
  }

  /** A dash is a range between two characters, else itself. */
  #dash(): string {
    const before = this.#text[this.#at - 1];
    const after = this.#text[this.#at + 1];
    return before === "[" || before === "^" || after === "]" ? "\\-" : "-";
  }
}

function toPosix(text: string): string {
  const isNegated = text[2] === "^";
  const name = text.slice(isNegated ? 3 : 2, -2);
  const inner = POSIX[name];
  if (inner === undefined) throw new SyntaxError(`unknown class ${text}`);
  return `[${isNegated ? "^" : ""}${inner}]`;
}

function toProperty(text: string): string {
  const isNegated = (text[1] === "P") !== text.includes("^");
  const name = text.slice(2).replaceAll(/[{}^]/g, "");
  return `\\${isNegated ? "P" : "p"}{${name.length <= 2 ? name : `Script=${name}`}}`;
}

function toCodePoint(text: string): string {
  const digits = text.replaceAll(/[\\x{}]/g, "");
  const value = Number.parseInt(digits, text.includes("x") ? 16 : 8);
  return `\\u{${value.toString(16)}}`;
}

/** A character that means itself, under JavaScript's `v` flag inside and outside of brackets. */
const literal = (char: string): string => (/[!-/:-@[-^`{-~]/.test(char) ? `\\x${hex(char)}` : char);
const hex = (char: string): string => char.charCodeAt(0).toString(16).padStart(2, "0");

/** @throws SyntaxError saying what is wrong or unknown */
export function toRegExp(re2: string): RegExp {
  return new RegExp(`^(?:${new Translator(re2).translate()})$`, "v");
}
