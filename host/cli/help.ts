// `sluice help`: the table, by what one wants to do.
import { TABLE, type TableEntry } from "./table.ts";
import { VERSION } from "./version.ts";

const GROUPS: readonly (readonly [TableEntry["group"], string])[] = [
  ["run", "Run"],
  ["author", "Write filters"],
  ["control", "Control a running sluice"],
  ["read", "Look at a running sluice"],
  ["tool", "Tools"],
];

function section(group: TableEntry["group"], title: string): string {
  const lines = TABLE.filter((entry) => entry.group === group).map(
    (entry) => `  ${entry.name.padEnd(12)}${entry.summary}`,
  );
  return `${title}\n${lines.join("\n")}`;
}

/** The overview. */
export function helpText(): string {
  const sections = GROUPS.map(([group, title]) => section(group, title));
  return [
    `sluice ${VERSION}: traffic filters in AssemblyScript, live on save`,
    "",
    "usage: sluice <command> [options]",
    "",
    sections.join("\n\n"),
    "",
    "sluice <command> --help shows its options. Start with: sluice demo",
    "",
  ].join("\n");
}
