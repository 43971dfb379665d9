// The text of a suite file, and the only maker of problems about it: line, column and a frame with a caret, as the config
// reader draws them (surface.md 3.1). Both readers (text format, YAML) and the binder report through here.
import { type Problem, ProblemError } from "../base/problem.ts";

/** A stretch of text: character offsets, 0-based. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export class Source {
  readonly file: string;
  readonly text: string;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  problem(code: string, message: string, range: Range, hint = ""): Problem {
    const before = this.text.slice(0, range.start);
    const line = before.split("\n").length;
    const column = range.start - before.lastIndexOf("\n");
    const shown = (this.text.slice(range.start - column + 1).split(/\r?\n/, 1)[0] ?? "").trimEnd();
    const width = Math.max(1, Math.min(range.end - range.start, shown.length - (column - 1)));
    const gutter = " ".repeat(String(line).length + 1);
    return {
      kind: "config",
      code,
      message,
      file: this.file,
      line,
      column,
      endColumn: column + width,
      frame: ` ${line} | ${shown}\n${gutter} | ${" ".repeat(column - 1)}${"^".repeat(width)}`,
      ...(hint === "" ? {} : { hint }),
    };
  }

  /** For what leaves nothing more to read. */
  error(code: string, message: string, range: Range, hint = ""): ProblemError {
    return new ProblemError([this.problem(code, message, range, hint)]);
  }
}
