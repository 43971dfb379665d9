// A problem somebody can fix: bad config, a compile error, a module that breaks the ABI, a trap. The same object goes to
// the terminal, the admin API and `--json` (surface.md 3.1).

export type ProblemKind = "config" | "compile" | "abi" | "trap" | "state";

export interface Problem {
  readonly kind: ProblemKind;
  /** Stable machine-readable name, for example `unknown_key`. */
  readonly code: string;
  /** What was given, what was expected. */
  readonly message: string;
  /** JSON pointer into the config (RFC 6901). */
  readonly pointer?: string;
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based, in characters. */
  readonly column?: number;
  readonly endColumn?: number;
  /** Source lines with a caret, ready to print. */
  readonly frame?: string;
  /** What to do. */
  readonly hint?: string;
}

/** Carries one or more problems up to whoever can show them. */
export class ProblemError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: { cause?: unknown }) {
    super(problems.map((problem) => problem.message).join("; "), options);
    this.name = "ProblemError";
    this.problems = problems;
  }
}

/** A {@link ProblemError} holding a single problem. */
export function problemError(
  kind: ProblemKind,
  code: string,
  message: string,
  more: Partial<Problem> = {},
): ProblemError {
  return new ProblemError([{ ...more, kind, code, message }]);
}

/** The problems inside any error; an unexpected error becomes one problem of kind `state`. */
export function toProblems(error: unknown): readonly Problem[] {
  if (error instanceof ProblemError) return error.problems;
  const message = error instanceof Error ? error.message : String(error);
  return [{ kind: "state", code: "internal_error", message }];
}

/** The terminal form of a problem, as surface.md 3.1 draws it. */
export function formatProblem(problem: Problem): string {
  const where = problem.line === undefined ? "" : `:${problem.line}:${problem.column ?? 1}`;
  const lines = [`error[${problem.kind}]: ${problem.message}`];
  if (problem.file !== undefined) lines.push(`  --> ${problem.file}${where}`);
  if (problem.frame !== undefined) lines.push(problem.frame);
  if (problem.hint !== undefined) lines.push(`  help: ${problem.hint}`);
  return lines.join("\n");
}
