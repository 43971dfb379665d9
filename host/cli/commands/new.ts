// `sluice new <name>`: a filter from the SDK's template; in an empty folder with everything around it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { problemError } from "../../base/problem.ts";
import type { Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { isProject, needsInstall, writeProject, type Written } from "../project.ts";
import { copyTemplate } from "../scaffold.ts";

export const NAME = /^[a-z][a-z0-9-]{0,62}$/;

export const TEMPLATE_ARGS = {
  template: { type: "string", description: "http (or header), body, auth or tcp", default: "header" },
  yes: { type: "boolean", alias: "y", description: "Ask nothing (nothing is asked)" },
} as const;

interface Made extends Written {
  readonly name: string;
  /** Absolute. */
  readonly project: string;
  /** As one would type it. */
  readonly shown: string;
}

/** The filter, and with `isNew` what stands around it. Used by `new` and `init`. */
export async function make(name: string, template: string, project: string, isNew: boolean): Promise<Written> {
  const folder = join("filters", name);
  if (existsSync(join(project, folder))) {
    const hint = `choose another name, or remove ${folder}`;
    throw problemError("state", "exists", `there is a filter "${name}" already: ${folder}`, { hint });
  }
  const own = await copyTemplate({ name, template, folder: join(project, folder) });
  const around = isNew ? await writeProject({ name, template, folder: project }) : { files: [], changed: [] };
  return { files: [...around.files, ...own.map((file) => join(folder, file))], changed: around.changed };
}

/** What was made, and what to type next. */
export function tell({ terminal }: Context, made: Made): void {
  const { name, files, changed, project, shown } = made;
  if (terminal.json) {
    terminal.object({ name, folder: join("filters", name), files, changed });
    return;
  }
  const lines = [
    ...files.map((file) => `  + ${join(shown, file)}`),
    ...changed.map((file) => `  ~ ${join(shown, file)}`),
  ];
  terminal.data(lines.join("\n"));
  if (!files.includes("sluice.yaml")) {
    terminal.note(
      `\nAdd it to your config:\n\n  filters:\n    - { name: ${name}, source: ./filters/${name}/assembly/index.ts }`,
    );
    return;
  }
  const steps = [
    shown === "." ? "" : `cd ${shown}`,
    needsInstall(project) ? "npm install" : "",
    "npm test",
    "npm run dev",
  ];
  terminal.note(`\nNext:\n${steps.flatMap((step) => (step === "" ? [] : [`  ${step}`])).join("\n")}`);
}

async function run(context: Context): Promise<number> {
  const { args, cwd } = context;
  const name = args.text("name") ?? "";
  if (!NAME.test(name)) {
    throw new UsageError(
      `expected a name of small letters, digits and dashes, got "${name}"`,
      "for example: my-filter",
    );
  }
  const made = await make(name, args.text("template") ?? "header", cwd, !isProject(cwd));
  tell(context, { ...made, name, project: cwd, shown: "." });
  return EXIT.ok;
}

export const newFilter: Command = {
  name: "new",
  summary: "Add a filter from a template",
  args: { name: { type: "positional", description: "Name of the filter" }, ...TEMPLATE_ARGS },
  run,
};
