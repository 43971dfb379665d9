// What stands around the first filter of a folder: the config with its `$schema`, package.json, compiler targets, editor
// files. Nothing that is there already is overwritten; a package.json only gets what it lacks.
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { problemError } from "../base/problem.ts";
import { copyFilled, fill } from "./scaffold.ts";
import { inSdk } from "./sdk-folder.ts";
import { VERSION } from "./version.ts";

/** Used where no vitest is installed yet: the one the testing kit is tested with. */
const VITEST = "5.1.1";

export interface Project {
  /** Of the first filter. */
  readonly name: string;
  readonly folder: string;
  readonly template: string;
}

export interface Written {
  /** Relative to the project's folder. */
  readonly files: readonly string[];
  /** Existing files that were added to. */
  readonly changed: readonly string[];
}

/** A folder with filters or a config is a project; `new` adds to it and leaves the rest alone. */
export const isProject = (folder: string): boolean =>
  existsSync(join(folder, "sluice.yaml")) || existsSync(join(folder, "filters"));

/** Writes the files of a project. */
export async function writeProject({ name, folder, template }: Project): Promise<Written> {
  const fillIn = (text: string): string =>
    fill(text, name).replaceAll("__version__", VERSION).replaceAll("__vitest__", VITEST);
  const source = inSdk("template/project");
  const hadPackage = existsSync(join(folder, "package.json"));
  const { written } = await copyFilled(source, folder, fillIn);
  const manifest = fillIn(await readFile(join(source, "package.json"), "utf8"));
  const changed = hadPackage && (await completePackage(folder, manifest)) ? ["package.json"] : [];
  await writeFile(join(folder, "sluice.yaml"), projectConfig(name, template));
  return { files: ["sluice.yaml", ...written].sort(), changed };
}

interface PackageFile {
  [key: string]: unknown;
  type?: string;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** Adds missing scripts and packages; resolves to whether anything was missing. */
async function completePackage(folder: string, template: string): Promise<boolean> {
  const path = join(folder, "package.json");
  const wanted = JSON.parse(template) as PackageFile;
  const before = await readFile(path, "utf8");
  const own = parsePackage(before, path);
  const known = { ...own.dependencies, ...own.devDependencies };
  const missing = Object.entries(wanted.devDependencies ?? {}).filter(([name]) => known[name] === undefined);
  // `npm init` writes a test script that only fails.
  const scripts = Object.entries(own.scripts ?? {}).filter(([, text]) => !text.includes("no test specified"));
  own.type = "module";
  own.scripts = { ...wanted.scripts, ...Object.fromEntries(scripts) };
  if (missing.length > 0) own.devDependencies = { ...own.devDependencies, ...Object.fromEntries(missing) };
  const after = `${JSON.stringify(own, null, 2)}\n`;
  if (after === before) return false;
  await writeFile(path, after);
  return true;
}

function parsePackage(text: string, path: string): PackageFile {
  try {
    return JSON.parse(text) as PackageFile;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw problemError("state", "bad_package", `${path} is not JSON: ${why}`, { hint: "mend it, then try again" });
  }
}

/** Whether packages have still to be fetched before `npm test` can run. */
export function needsInstall(folder: string): boolean {
  const require = createRequire(join(folder, "package.json"));
  return !["vitest/package.json", "@sluice/sdk/package.json"].every((name) => {
    try {
      return require.resolve(name) !== "";
    } catch {
      return false;
    }
  });
}

const HTTP_LISTENER = (name: string): string => `listeners:
  - name: public
    address: 127.0.0.1:8080
    filters: [${name}]
    routes:
      # Your server instead: route: { cluster: app }, with the cluster below.
      - { name: default, match: { prefix: / }, directResponse: { status: 200, body: "hello from sluice" } }

# clusters:
#   - { name: app, endpoints: [{ address: 127.0.0.1:3000 }] }
`;

const APP_LISTENER = (name: string, listener: string): string => `listeners:
  - name: public
    address: 127.0.0.1:8080
    filters: [${name}]
${listener}
`;

const TCP = `    protocol: tcp
    tcp: { cluster: app }

clusters:
  - name: app
    endpoints: [{ address: 127.0.0.1:3000 }] # your server`;

const AUTH = `    routes:
      - { name: default, match: { prefix: / }, directResponse: { status: 200, body: "hello from sluice" } }

clusters:
  - name: auth # asked by the filter
    endpoints: [{ address: 127.0.0.1:3001 }]`;

/** A config that runs one filter. HTTP answers by itself until there is a server to name; TCP needs one. */
export function projectConfig(name: string, template = "header"): string {
  const special = template === "tcp" ? TCP : template === "auth" ? AUTH : null;
  return `# yaml-language-server: $schema=./node_modules/sluice/schema/sluice.schema.json
apiVersion: sluice.dev/v1alpha1
admin: { address: 127.0.0.1:9901 }

${special === null ? HTTP_LISTENER(name) : APP_LISTENER(name, special)}
filters:
  - name: ${name}
    source: ./filters/${name}/assembly/index.ts
`;
}
