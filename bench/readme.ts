// The table in README.md, between its two markers: written by the program that measured it, so that no figure is typed.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { figure, type Report } from "./report.ts";
import { judge, type Row } from "./row.ts";
import { ROOT } from "./subjects/sluice.ts";

const MARKERS = /<!-- figures -->[\s\S]*<!-- \/figures -->/;
const FILE = join(ROOT, "README.md");

/** @throws when README.md has lost its markers */
export function writeReadme(report: Report): void {
  const text = readFileSync(FILE, "utf8");
  if (!MARKERS.test(text)) throw new Error("README.md has no <!-- figures --> ... <!-- /figures -->");
  writeFileSync(
    FILE,
    text.replace(MARKERS, () => `<!-- figures -->\n\n${markdown(report)}\n\n<!-- /figures -->`),
  );
}

export function markdown({ rows, machine, node, generator }: Report): string {
  const head = ["", "what", "against", "min", "median", "gate", "stretch", ""];
  const cells = rows.map((row) => [
    row.id === "-" ? "" : row.id,
    row.what,
    row.peer,
    figure(row.value, row),
    figure(row.median, row),
    goal(row.gate, row),
    goal(row.stretch, row),
    judge(row),
  ]);
  const lines = [head, head.map((_, at) => (at >= 3 && at <= 6 ? "---:" : "---")), ...cells];
  return `${lines.map((line) => `| ${line.join(" | ")} |`).join("\n")}\n\n${machine}, Node ${node}, ${generator}.`;
}

const goal = (value: number | null, row: Row): string => (value === null ? "" : figure(value, row));
