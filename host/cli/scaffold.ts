// Files of a new filter or project. Templates live in the SDK: sdk/template/<template>/ is a filter's folder,
// sdk/template/project/ what stands around it. `__name__` in file names and text becomes the filter's name, `__Name__` the
// same as a class name; a file `_gitignore` becomes `.gitignore`, which npm would not pack.
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { problemError } from "../base/problem.ts";
import { UsageError } from "./exit.ts";
import { inSdk } from "./sdk-folder.ts";

export interface Scaffold {
  readonly name: string;
  readonly template: string;
  /** Absolute; must not exist. */
  readonly folder: string;
  /** Where templates are; the SDK's by default. */
  readonly templates?: string;
}

/** Names of the contract; which of them there are, the SDK's folder says. */
const TEMPLATES = ["header", "body", "auth", "ratelimit", "ab", "tcp"];
/** The plain HTTP filter has two names. */
const ALIASES: Readonly<Record<string, string>> = { http: "header" };

/** `my-filter` -> `MyFilter`. */
export function toClassName(name: string): string {
  return name
    .split("-")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}

export function fill(text: string, name: string): string {
  return text.replaceAll("__name__", name).replaceAll("__Name__", toClassName(name));
}

/** The folder of a template. @throws UsageError */
function find(templates: string, wanted: string): string {
  const template = ALIASES[wanted] ?? wanted;
  const names = ["http", ...TEMPLATES];
  if (!names.includes(template)) {
    throw new UsageError(`there is no template "${wanted}"`, `templates: ${names.join(", ")}`);
  }
  const folder = join(templates, template);
  if (existsSync(join(folder, "assembly"))) return folder;
  const there = readdirSync(templates).filter((name) => existsSync(join(templates, name, "assembly")));
  throw new UsageError(`template "${template}" is not supported yet`, `there are: ${there.sort().join(", ")}`);
}

export interface Copied {
  /** Written, relative to the folder. */
  readonly written: readonly string[];
  /** Were there already and stay as they are. */
  readonly kept: readonly string[];
}

/** Copies a folder of templates; what is there already stays. */
export async function copyFilled(source: string, folder: string, fillIn: (text: string) => string): Promise<Copied> {
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const written: string[] = [];
  const kept: string[] = [];
  for (const file of files) {
    const name = fillIn(relative(source, file)).replace(/(^|\/)_gitignore$/, "$1.gitignore");
    const target = join(folder, name);
    if (existsSync(target)) kept.push(name);
    else {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, fillIn(await readFile(file, "utf8")));
      written.push(name);
    }
  }
  return { written: written.sort(), kept: kept.sort() };
}

/** Copies a template. Resolves to the files written, relative to the folder. @throws when the folder exists */
export async function copyTemplate(scaffold: Scaffold): Promise<readonly string[]> {
  const { name, folder } = scaffold;
  const source = find(scaffold.templates ?? inSdk("template"), scaffold.template);
  if (existsSync(folder)) {
    throw problemError("state", "exists", `${folder} exists already`, { hint: "choose another name" });
  }
  return (await copyFilled(source, folder, (text) => fill(text, name))).written;
}
