// `sluice init [dir]`: a project with a config and one filter, ready for `npm test` and `sluice dev`.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { make, NAME, tell, TEMPLATE_ARGS } from "./new.ts";

/** The folder's name, if it can name a filter. */
function nameFor(folder: string): string {
  const plain = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "");
  return NAME.test(plain) ? plain : "my-filter";
}

async function run(context: Context): Promise<number> {
  const { args, cwd } = context;
  const shown = args.text("dir") ?? ".";
  const project = resolve(cwd, shown);
  if (existsSync(join(project, "sluice.yaml")))
    throw new UsageError(`${join(shown, "sluice.yaml")} exists already`, "add a filter with `sluice new <name>`");
  const name = nameFor(project);
  await mkdir(project, { recursive: true });
  const made = await make(name, args.text("template") ?? "header", project, true);
  tell(context, { ...made, name, project, shown });
  return EXIT.ok;
}

export const init: Command = {
  name: "init",
  summary: "Start a project with one filter",
  args: { dir: { type: "positional", required: false, description: "Folder, default this one" }, ...TEMPLATE_ARGS },
  run,
};
