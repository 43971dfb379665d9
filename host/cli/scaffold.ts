// Files of a new filter or project. Templates live in the SDK (sdk/template/<template>/, or sdk/template/ for the plain
// one); `__name__` in file names and text becomes the filter's name, `__Name__` the same as a class name.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { problemError } from "../base/problem.ts";
import { UsageError } from "./exit.ts";
import { PACKAGE_ROOT } from "./version.ts";

export interface Scaffold {
  readonly name: string;
  readonly template: string;
  /** Absolute; must not exist. */
  readonly folder: string;
  /** Where templates are; the SDK's by default. */
  readonly templates?: string;
}

const TEMPLATES = ["header", "body", "auth", "ratelimit", "ab", "tcp"];

/** `my-filter` -> `MyFilter`. */
export function toClassName(name: string): string {
  return name
    .split("-")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}

function fill(text: string, name: string): string {
  return text.replaceAll("__name__", name).replaceAll("__Name__", toClassName(name));
}

/** The folder of a template. `header` may be the plain one. */
function find(templates: string, template: string): string {
  if (!TEMPLATES.includes(template)) {
    throw new UsageError(`there is no template "${template}"`, `templates: ${TEMPLATES.join(", ")}`);
  }
  const own = join(templates, template);
  if (existsSync(own)) return own;
  if (template === "header" && existsSync(join(templates, "assembly"))) return templates;
  if (template === "header") throw problemError("state", "no_template", `no template is installed in ${templates}`);
  throw new UsageError(`template "${template}" is not supported yet`, "use --template header");
}

/** Copies a template. Resolves to the files written, relative to the folder. @throws when the folder exists */
export async function copyTemplate(scaffold: Scaffold): Promise<readonly string[]> {
  const source = find(scaffold.templates ?? join(PACKAGE_ROOT, "sdk/template"), scaffold.template);
  if (existsSync(scaffold.folder)) {
    throw problemError("state", "exists", `${scaffold.folder} exists already`, { hint: "choose another name" });
  }
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const written: string[] = [];
  for (const file of files) {
    const name = fill(relative(source, file), scaffold.name);
    const target = join(scaffold.folder, name);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, fill(await readFile(file, "utf8"), scaffold.name));
    written.push(name);
  }
  return written.sort();
}

/** A config that runs one filter in front of a server on port 3000. */
export function projectConfig(name: string): string {
  return `# yaml-language-server: $schema=./node_modules/sluice/schema/sluice.schema.json
apiVersion: sluice.dev/v1alpha1
admin: { address: 127.0.0.1:9901 }

listeners:
  - name: public
    address: 127.0.0.1:8080
    filters: [${name}]
    routes:
      - { name: default, match: { prefix: / }, route: { cluster: app } }

clusters:
  - name: app
    endpoints: [{ address: 127.0.0.1:3000 }]   # your server

filters:
  - name: ${name}
    source: ./filters/${name}/assembly/index.ts
`;
}
