// Everything the commands write: data on stdout, messages on stderr, colours only where somebody looks. Nothing else in
// this room touches a stream.
import { type InspectColor, styleText } from "node:util";
import { formatProblem, type Problem } from "../base/problem.ts";

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface TerminalOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
}

export type Cell = string | number;

/** https://no-color.org: set and not empty means no colours, whatever its value. */
export function wantsColor(stream: Output, env: Readonly<Record<string, string | undefined>>): boolean {
  return stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

export class Terminal {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly #options: TerminalOptions;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.json = options.json;
    this.quiet = options.quiet;
  }

  /** Whether a person looks at stdout. */
  get isTty(): boolean {
    return this.#options.stdout.isTTY === true;
  }

  /** Data: what a pipe wants. */
  data(text: string): void {
    this.#options.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** Data as JSON. */
  object(value: unknown): void {
    this.data(JSON.stringify(value, null, 2));
  }

  /** A message to a person; `--quiet` drops it. */
  note(text: string): void {
    if (!this.quiet) this.#options.stderr.write(`${text}\n`);
  }

  /** A failure; never dropped. */
  error(text: string): void {
    this.#options.stderr.write(`${text}\n`);
  }

  /** Problems as surface.md 3.1 draws them, or as JSON on stderr under --json. */
  problems(problems: readonly Problem[]): void {
    if (this.json) this.#options.stderr.write(`${JSON.stringify({ problems })}\n`);
    else this.error(problems.map((problem) => this.#painted(problem)).join("\n\n"));
  }

  /** A warning in the same form. */
  warning(problem: Problem): void {
    if (this.quiet || this.json) return;
    this.note(this.#painted(problem).replace("error[", "warning["));
  }

  /** Colours text for stdout. */
  paint(style: InspectColor | readonly InspectColor[], text: string): string {
    return this.#options.color ? styleText([style].flat() as InspectColor[], text, { validateStream: false }) : text;
  }

  /** Columns padded to their widest cell; numbers to the right. */
  table(columns: readonly string[], rows: readonly (readonly Cell[])[]): void {
    const widths = columns.map((name, at) => Math.max(name.length, ...rows.map((row) => String(row[at] ?? "").length)));
    const line = (cells: readonly Cell[]): string =>
      cells
        .map((cell, at) => pad(cell, widths[at] ?? 0))
        .join("  ")
        .trimEnd();
    this.data([this.paint("bold", line(columns)), ...rows.map(line)].join("\n"));
  }

  /** Clears the screen before a repeated view. */
  clear(): void {
    if (this.isTty) this.#options.stdout.write("\u001b[2J\u001b[H");
  }

  #painted(problem: Problem): string {
    const text = formatProblem(problem);
    if (!this.#options.color) return text;
    const head = text.split(":", 1)[0] ?? "";
    return `${this.paint(["red", "bold"], head)}${text.slice(head.length)}`;
  }
}

function pad(cell: Cell, width: number): string {
  return typeof cell === "number" ? String(cell).padStart(width) : cell.padEnd(width);
}
