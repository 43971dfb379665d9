// Where things stand in a config text: from a path into the document to a line, a column and a frame with a caret.
// Everything that reports a problem goes through here, so that all problems look alike (surface.md 3.1).
import type { Problem } from "../base/problem.ts";
import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from "yaml";
import { secretRanges } from "./redact.ts";

export type Path = readonly (string | number)[];

export interface Range {
  /** Character offset, 0-based. */
  readonly start: number;
  readonly end: number;
}

/** `listeners[0].routes[1].match`; "" for the whole file. */
export function toDotted(path: Path): string {
  const parts = path.map((part, at) => {
    if (typeof part === "number") return `[${part}]`;
    if (!/^[\w-]+$/.test(part)) return `["${part}"]`;
    return at === 0 ? part : `.${part}`;
  });
  return parts.join("");
}

/** RFC 6901. */
export function toPointer(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The path behind a JSON pointer, indices of lists as numbers where `value` has a list there. */
export function fromPointer(pointer: string, value: unknown): Path {
  const path: (string | number)[] = [];
  let here = value;
  for (const raw of pointer.split("/").slice(1)) {
    const part = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(here) ? Number(part) : part);
    here = typeof here === "object" && here !== null ? Reflect.get(here, part) : undefined;
  }
  return path;
}

/** A config text with its document, and the only maker of {@link Problem}s about it. */
export class Places {
  readonly #text: string;
  readonly #file: string;
  readonly #document: Document;
  readonly #counter: LineCounter;
  /** The text for frames: as long as the real one, secrets blotted out. */
  #shown: string | null = null;

  constructor(text: string, file: string, document: Document, counter: LineCounter) {
    this.#text = text;
    this.#file = file;
    this.#document = document;
    this.#counter = counter;
  }

  /** A problem about what stands at `path`; `at: "key"` underlines the key, the default its value. */
  problem(
    code: string,
    message: string,
    where: { readonly path: Path; readonly at?: "key" | "value"; readonly hint?: string },
  ): Problem {
    // A sentence about a key names the key itself, so the place is the object it stands in.
    const name = toDotted(where.at === "key" ? where.path.slice(0, -1) : where.path);
    const range = this.#rangeOf(where.path, where.at ?? "value");
    return {
      ...this.problemAt(code, name === "" ? message : `${name}: ${message}`, range),
      pointer: toPointer(where.path),
      ...(where.hint === undefined ? {} : { hint: where.hint }),
    };
  }

  /** A problem about a stretch of text: syntax errors have no path. Only its first line is underlined. */
  problemAt(code: string, message: string, range: Range): Problem {
    const { line, col } = this.#counter.linePos(range.start);
    const source = this.#safeText().split(/\r?\n/)[line - 1] ?? "";
    const width = Math.max(1, Math.min(range.end - range.start, source.trimEnd().length - (col - 1)));
    const gutter = " ".repeat(String(line).length + 1);
    return {
      kind: "config",
      code,
      message,
      file: this.#file,
      line,
      column: col,
      endColumn: col + width,
      frame: ` ${line} | ${source}\n${gutter} | ${" ".repeat(col - 1)}${"^".repeat(width)}`,
    };
  }

  /** Frames reach logs and the event stream, and a token may stand on the very line that is wrong. */
  #safeText(): string {
    this.#shown ??= secretRanges(this.#document).reduce(
      (text, [start, end]) => text.slice(0, start) + text.slice(start, end).replaceAll(/\S/g, "*") + text.slice(end),
      this.#text,
    );
    return this.#shown;
  }

  #rangeOf(path: Path, at: "key" | "value"): Range {
    let node: unknown = this.#document.contents;
    let found = this.#span(node);
    for (const [index, part] of path.entries()) {
      const step = this.#step(node, part);
      // What is missing (or came in through a merge key) is shown at the nearest thing that is there.
      if (step === null) return found;
      const wantsKey = step.key !== null && (index === path.length - 1 ? at === "key" : false);
      found = wantsKey ? this.#span(step.key) : this.#span(step.value ?? step.key);
      node = step.value;
    }
    return found;
  }

  #step(node: unknown, part: string | number): { key: Node | null; value: unknown } | null {
    const here = isAlias(node) ? node.resolve(this.#document) : node;
    if (isSeq(here)) {
      const item = here.items[Number(part)];
      return item === undefined ? null : { key: null, value: item };
    }
    if (!isMap(here)) return null;
    const pair = here.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
    return pair === undefined || !isScalar(pair.key) ? null : { key: pair.key, value: pair.value };
  }

  #span(node: unknown): Range {
    const range = isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? node.range : undefined;
    return range ? { start: range[0], end: range[1] } : { start: 0, end: 1 };
  }
}

/** Orders problems as a reader meets them in the file. */
export function inFileOrder(problems: readonly Problem[]): readonly Problem[] {
  const rank = (problem: Problem): number => (problem.line ?? 0) * 100_000 + (problem.column ?? 0);
  return [...problems].sort((a, b) => rank(a) - rank(b));
}
