// What a person reads and what a program reads.
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { usesWrk } from "./measure/load.ts";
import { type Row, judge } from "./row.ts";

export interface Report {
  readonly rows: readonly Row[];
  readonly machine: string;
  readonly node: string;
  readonly generator: string;
  readonly commit: string;
}

export function reportOf(rows: readonly Row[]): Report {
  const [cpu] = cpus();
  return {
    rows,
    machine: `${cpus().length} x ${cpu?.model.trim() ?? "unknown"}, ${process.platform}-${process.arch}`,
    node: process.version,
    generator: usesWrk ? "wrk" : "bench/measure/generator.ts",
    commit: commit(),
  };
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : " with changes";
    return git("rev-parse", "--short", "HEAD") + changed;
  } catch {
    return "unknown";
  }
}

const HEAD = ["id", "what", "against", "min", "median", "gate", "stretch", ""] as const;

export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.id,
    row.what,
    row.peer,
    figure(row.value, row),
    figure(row.median, row),
    row.gate === null ? "" : figure(row.gate, row),
    row.stretch === null ? "" : figure(row.stretch, row),
    judge(row),
  ]);
  const lines = [[...HEAD], ...cells];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const isNumber = (column: number): boolean => column >= 3 && column <= 6;
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function figure(value: number, { unit }: Row): string {
  const digits = unit === "ms" || unit === "%" || unit === "MB" ? 0 : 2;
  return `${value.toFixed(digits)}${unit === "" ? "" : ` ${unit}`}`;
}
