// Exit codes (surface.md 2.2), and the errors that carry one.
import { type Problem, toProblems } from "../base/problem.ts";

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  config: 3,
  filter: 4,
  unreachable: 5,
  interrupted: 130,
} as const;

/** The command line itself is wrong. */
export class UsageError extends Error {
  readonly hint: string;

  constructor(message: string, hint = "") {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
  }
}

/** Nobody answers at the admin address. */
export class UnreachableError extends Error {
  constructor(url: string, reason: string) {
    super(`no sluice answers at ${url} (${reason}); is it running? Name another with --admin host:port`);
    this.name = "UnreachableError";
  }
}

/** What a failed command ends with. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof UnreachableError) return EXIT.unreachable;
  return exitCodeOfProblems(toProblems(error));
}

/** The gravest kind decides: a filter that does not compile outranks a config that is odd. */
export function exitCodeOfProblems(problems: readonly Problem[]): number {
  const has = (...kinds: string[]): boolean => problems.some((problem) => kinds.includes(problem.kind));
  if (has("compile", "abi", "trap")) return EXIT.filter;
  if (has("config")) return EXIT.config;
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}
