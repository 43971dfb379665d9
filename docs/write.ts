// `npm run docs`: writes the generated pages, docs/config-reference.md from the configuration's schema and
// docs/filter-reference.md from the filters' manifests and schemas. A test compares them.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, optionsTable } from "../sdk/testing/index.ts";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
}

/** One section per top-level key; how values are written is said once. */
export function configReference(): string {
  const schema = JSON.parse(read("schema/sluice.schema.json")) as Node;
  const sections = Object.entries(schema.properties ?? {}).map(([name, node]) => {
    const table = optionsTable({ properties: { [name]: node } });
    return `\n## ${name}\n\n${node.description ?? ""}\n\n${table}`;
  });
  return `# Configuration

Every key of \`sluice.yaml\`, from \`schema/sluice.schema.json\` (written by \`npm run docs\`). YAML or JSON; unknown keys are errors,
each with line, column and a caret. Durations \`250ms\`, \`5s\`, \`2h\`; sizes \`64kB\`, \`16MiB\`; \`\${NAME}\` is an environment
variable; paths are relative to the file. \`[]\` stands for every item of a list, \`NAME\` for any key of a map.
${sections.join("")}`;
}

interface Description {
  readonly name: string;
  readonly version: string;
  readonly phases: readonly string[];
  readonly permissions: readonly string[];
  readonly budget: number;
}

/** What the filters that come with sluice are, want and take. */
export async function filterReference(): Promise<string> {
  const sections: string[] = [];
  for (const folder of globSync("filters/*/", { cwd: ROOT }).sort()) {
    const described = JSON.parse(read(join(folder, "filter.json"))) as Description;
    const { schema, info } = await build(join(ROOT, folder));
    const summary = read(join(folder, "README.md")).split("\n\n")[1] ?? "";
    const { name, version, phases, permissions, budget } = described;
    sections.push(`\n## [${name}](../${folder.replaceAll("\\", "/").replace(/\/$/, "")}/README.md) ${version}

${summary}

- phases: ${phases.join(", ")}; ${info.kind}
- at most ${budget} bytes of code and data
- extras of sluice, with a fallback elsewhere: ${info.extras.map((one) => `\`${one}\``).join(", ") || "none"}
- host functions: ${permissions.map((one) => `\`${one}\``).join(", ")}

${optionsTable(schema ?? {})}`);
  }
  return `# Filters

What comes with sluice, from each filter's \`filter.json\` and the schema its build derives from the configuration class (written by
\`npm run docs\`).
${sections.join("")}`;
}

if (import.meta.main) {
  writeFileSync(join(ROOT, "docs/config-reference.md"), configReference());
  writeFileSync(join(ROOT, "docs/filter-reference.md"), await filterReference());
}
