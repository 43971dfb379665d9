// Keeps a filter's README true: the options table is made from the schema that the build derives from the config class,
// and the examples are read out of it to be run. `vitest -u` writes the table.
import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { PATTERNS } from "../build/transforms/units.ts";

interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly $comment?: string;
  readonly default?: unknown;
}

const START = "<!-- options -->";
const END = "<!-- /options -->";
const EXAMPLES: Readonly<Record<string, string>> = { Duration: "`250ms`", Size: "`16MiB`", Rate: "`100/s`" };

/** The README of a filter folder, as it is and as its options table should make it. */
export async function readmeOf(
  folder: string,
  schema: object | null,
): Promise<{ readonly path: string; readonly text: string }> {
  const path = join(folder, "README.md");
  const text = await readFile(path, "utf8");
  const [before, after] = [text.indexOf(START), text.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`${path}: the lines ${START} and ${END} are missing`);
  const table = optionsTable(Object(schema) as Schema);
  return { path, text: `${text.slice(0, before)}${START}\n\n${table}\n${text.slice(after)}` };
}

/** `pluginConfig` of every YAML block of the README, in order. */
export async function readmeExamples(folder: string): Promise<readonly unknown[]> {
  const text = await readFile(join(folder, "README.md"), "utf8");
  const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((block) => parse(block[1] ?? "") as unknown);
  return blocks.map((block) => (Object(block) as { pluginConfig?: unknown }).pluginConfig ?? block);
}

/** One row per option, in the columns' widths that the formatter wants. */
export function optionsTable(schema: object): string {
  const rows = [["option", "value", "default", "meaning"], ...optionRows(schema as Schema, "")];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[], fill = " "): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width, fill)).join(" | ")} |\n`;
  const [head = [], ...body] = rows;
  return line(head) + line([], "-") + body.map((row) => line(row)).join("");
}

function optionRows(schema: Schema, prefix: string): readonly string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, option]) => {
    const at = prefix + name;
    const inner = innerOf(option);
    const row = [
      `\`${at}\``,
      valueWords(option),
      defaultWords(option),
      (option.description ?? "").replaceAll("|", "\\|"),
    ];
    return inner === null ? [row] : [row, ...optionRows(inner.schema, at + inner.step)];
  });
}

/** The object a value holds, and how to write the way into it. */
function innerOf(option: Schema): { readonly schema: Schema; readonly step: string } | null {
  const { items, additionalProperties: values } = option;
  if (option.properties !== undefined) return { schema: option, step: "." };
  if (items?.properties !== undefined) return { schema: items, step: "[]." };
  return typeof values === "object" && values.properties !== undefined ? { schema: values, step: ".NAME." } : null;
}

function valueWords(option: Schema): string {
  if (option.enum !== undefined) return option.enum.map((one) => `\`${String(one)}\``).join(", ");
  const unit = Object.entries(PATTERNS).find(([, pattern]) => pattern === option.pattern)?.[0];
  if (unit !== undefined) return `${unit.toLowerCase()}, ${option.$comment ?? `such as ${EXAMPLES[unit] ?? ""}`}`;
  const type = Array.isArray(option.type) ? option.type[0] : option.type;
  if (type === "array")
    return `list of ${option.items?.properties === undefined ? valueWords(option.items ?? {}) : "objects"}`;
  if (type === "object") return option.properties === undefined ? "map by NAME" : "object";
  return option.minimum === undefined ? String(type) : `${type} ${option.minimum}-${option.maximum ?? ""}`;
}

function defaultWords(option: Schema): string {
  if (option.default === undefined || option.default === null) return "";
  return `\`${JSON.stringify(option.default)}\``;
}
