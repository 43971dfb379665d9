// The results for people: one row per section of the ABI reference, one column per cell, and what failed.
import type { CellResult, MatrixResult } from "./run-matrix.ts";

const cellOf = ({ guest, plane }: CellResult): string => `${guest} ${plane}`;

export function tableOf({ cases, skipped }: MatrixResult): string {
  const cells = [...new Set(cases.map(cellOf))];
  const sections = [...new Set(cases.map(({ section }) => section))].sort(bySection);
  const rows = [["section", ...cells]];
  for (const section of sections) {
    const own = cases.filter((one) => one.section === section);
    rows.push([section, ...cells.map((cell) => tally(own.filter((one) => cellOf(one) === cell)))]);
  }
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const failures = cases
    .filter(({ status }) => status === "fail")
    .map((one) => `FAIL ${one.id} (${one.section}, ${cellOf(one)}): ${one.detail}`);
  return [...lines, ...failures, ...skipped.map(({ guest, reason }) => `skipped: ${guest}: ${reason}`)].join("\n");
}

/** One line: how many cases, cells and failures. */
export function summaryOf({ cases, skipped }: MatrixResult): string {
  const ids = new Set(cases.map(({ id }) => id)).size;
  const failed = cases.filter(({ status }) => status === "fail").length;
  const without = skipped.map(({ guest, reason }) => `, without ${guest}: ${reason}`).join("");
  return `conformance: ${ids} cases, ${cases.length} runs, ${failed} failed${without}`;
}

function tally(results: readonly CellResult[]): string {
  if (results.length === 0) return "-";
  const passed = results.filter(({ status }) => status === "pass").length;
  return passed === results.length ? String(passed) : `${passed}/${results.length}`;
}

const bySection = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });
