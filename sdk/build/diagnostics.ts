// From offsets in a source text to lines, columns and a frame a person can read.
import type { Diagnostic } from "./types.ts";

/** A source as the compiler saw it. */
export interface SourceText {
  readonly path: string;
  readonly text: string;
}

/** A diagnostic for [start, end) (UTF-16 offsets) of `source`. */
export function diagnosticAt(
  source: SourceText,
  range: { readonly start: number; readonly end: number },
  what: { readonly message: string; readonly code?: number; readonly category?: Diagnostic["category"] },
): Diagnostic {
  const before = source.text.slice(0, range.start);
  const line = before.split("\n").length;
  const lineStart = before.lastIndexOf("\n") + 1;
  const rest = source.text.indexOf("\n", lineStart);
  const lineEnd = rest < 0 ? source.text.length : rest;
  const end = Math.max(Math.min(range.end, lineEnd), range.start + 1);
  const place = { line, column: range.start - lineStart + 1, endColumn: end - lineStart + 1 };
  const text = source.text.slice(lineStart, lineEnd).replace("\r", "");
  return {
    message: what.message,
    code: what.code ?? 0,
    category: what.category ?? "error",
    file: source.path,
    ...place,
    frame: frameOf(text, place),
  };
}

/** A diagnostic about a whole file. */
export function diagnosticOf(file: string, message: string): Diagnostic {
  return { message, code: 0, category: "error", file, line: 0, column: 0, endColumn: 0, frame: "" };
}

function frameOf(text: string, at: { line: number; column: number; endColumn: number }): string {
  const gutter = String(at.line);
  // Tabs stay tabs, so that the caret stands below the right character in any terminal.
  const indent = text.slice(0, at.column - 1).replace(/[^\t]/g, " ");
  return `${gutter} | ${text}\n${" ".repeat(gutter.length)} | ${indent}${"^".repeat(at.endColumn - at.column)}`;
}
