// A suite as it is written, before anybody knows what its fields mean: what both readers produce and the binder takes.
import type { Range } from "./source.ts";

export interface RawField {
  readonly name: string;
  readonly nameRange: Range;
  readonly value: Raw;
}

export interface RawMessage {
  readonly kind: "message";
  readonly fields: readonly RawField[];
  readonly range: Range;
}

export type Raw =
  | RawMessage
  /** Quoted text: its bytes, escapes resolved. */
  | { readonly kind: "string"; readonly bytes: Buffer; readonly range: Range }
  /** A number as written, sign included. */
  | { readonly kind: "number"; readonly text: string; readonly range: Range }
  /** A bare word: true, an enum value. */
  | { readonly kind: "word"; readonly text: string; readonly range: Range }
  /** YAML's scalar: text, number, word, whichever the field wants. */
  | { readonly kind: "plain"; readonly text: string; readonly range: Range }
  | { readonly kind: "list"; readonly items: readonly Raw[]; readonly range: Range };
