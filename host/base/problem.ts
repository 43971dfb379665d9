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
  return [fileProblem(error) ?? { kind: "state", code: "internal_error", message: messageOf(error) }];
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What the system says of a file, in words, and what to do. */
const FILE_ERRORS: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  EACCES: ["this user has no permission", "give this user the permission, or name another place"],
  EPERM: ["this user has no permission", "give this user the permission, or name another place"],
  EROFS: ["the file system is read-only", "name a place on another one"],
  ENOTDIR: ["a part of the path is a file, not a folder", "name another place"],
  ENOSPC: ["the disk is full", "free some room"],
  EDQUOT: ["the disk quota is used up", "free some room"],
};

function fileProblem(error: unknown): Problem | null {
  const { code = "", path, syscall = "" } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  const known = FILE_ERRORS[code];
  if (known === undefined || path === undefined) return null;
  const [why, hint] = known;
  return { kind: "state", code: code.toLowerCase(), message: `cannot ${syscall} ${path}: ${why}`, hint };
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
