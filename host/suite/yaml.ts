// YAML and JSON -> raw fields: the same suite in other clothes. Positions are kept, so that every problem has its line.
// Loaded only for such files.
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Scalar } from "yaml";
import { ProblemError } from "../base/problem.ts";
import type { Raw, RawField, RawMessage } from "./raw.ts";
import type { Range, Source } from "./source.ts";

interface Ranged {
  readonly range?: readonly [number, number, number] | null;
}

const rangeOf = ({ range }: Ranged): Range => (range ? { start: range[0], end: range[1] } : { start: 0, end: 1 });

class Walk {
  readonly #source: Source;
  readonly #document: Document;

  constructor(source: Source, document: Document) {
    this.#source = source;
    this.#document = document;
  }

  /** Null = YAML's null, which stands for an absent field. */
  value(node: unknown, depth = 0): Raw | null {
    const here = isAlias(node) ? node.resolve(this.#document) : node;
    if (isMap(here)) return this.#message(here, depth);
    if (isScalar(here)) return scalar(here);
    if (!isSeq(here)) return null;
    const items = here.items.map((item) => this.value(item, depth + 1)).filter((item) => item !== null);
    return { kind: "list", items, range: rangeOf(here) };
  }

  #message(map: Ranged & { readonly items: readonly { key: unknown; value: unknown }[] }, depth: number): RawMessage {
    const range = rangeOf(map);
    if (depth > 100) throw this.#source.error("syntax", "nested more than 100 deep", range);
    const fields: RawField[] = [];
    for (const { key, value } of map.items) {
      if (!isScalar(key)) throw this.#source.error("syntax", "a key must be a word", range);
      const raw = this.value(value, depth + 1);
      // proto3's JSON writes lowerCamelCase, the text format snake_case: one name here.
      const name = String(key.value).replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      if (raw !== null) fields.push({ name, nameRange: rangeOf(key), value: raw });
    }
    return { kind: "message", fields, range };
  }
}

function scalar(node: Scalar): Raw | null {
  const range = rangeOf(node);
  if (node.value === null) return null;
  // Published suites quote numbers and booleans too: the field says what a scalar is, not its quotes.
  const isBare = node.type === undefined || node.type === "PLAIN";
  return { kind: "plain", text: (isBare ? node.source : undefined) ?? String(node.value), range };
}

/** @throws ProblemError naming every syntax error */
export function parseYaml(source: Source): RawMessage {
  const document = parseDocument(source.text, { prettyErrors: false, merge: false });
  if (document.errors.length > 0) {
    throw new ProblemError(
      document.errors.map(({ message, pos }) => source.problem("syntax", message, { start: pos[0], end: pos[1] })),
    );
  }
  const root = new Walk(source, document).value(document.contents);
  if (root === null) return { kind: "message", fields: [], range: { start: 0, end: 1 } };
  if (root.kind !== "message") throw source.error("syntax", "a suite is an object with `env` and `test`", root.range);
  return root;
}
