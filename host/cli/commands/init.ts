// `sluice init [dir]`: a project with a config and one filter, ready for `sluice dev`.
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { copyTemplate, projectConfig } from "../scaffold.ts";
import { NAME, TEMPLATE_ARGS } from "./new.ts";

/** The folder's name, if it can name a filter. */
function nameFor(folder: string): string {
  const plain = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "");
  return NAME.test(plain) ? plain : "my-filter";
}

async function run(context: Context): Promise<number> {
  const { args, terminal, cwd } = context;
  const shown = args.text("dir") ?? ".";
  const folder = resolve(cwd, shown);
  const config = join(folder, "sluice.yaml");
  if (existsSync(config))
    throw new UsageError(`${join(shown, "sluice.yaml")} exists already`, "add a filter with `sluice new <name>`");
  const name = nameFor(folder);
  await mkdir(folder, { recursive: true });
  const filter = join("filters", name);
  const files = await copyTemplate({ name, template: args.text("template") ?? "header", folder: join(folder, filter) });
  await writeFile(config, projectConfig(name));
  const all = ["sluice.yaml", ...files.map((file) => join(filter, file))];
  if (terminal.json) terminal.object({ name, folder, files: all });
  else {
    terminal.data(all.map((file) => `  + ${join(shown, file)}`).join("\n"));
    terminal.note(`\nNext:${shown === "." ? "" : ` cd ${shown} &&`} sluice dev`);
  }
  return EXIT.ok;
}

export const init: Command = {
  name: "init",
  summary: "Start a project with one filter",
  args: { dir: { type: "positional", required: false, description: "Folder, default this one" }, ...TEMPLATE_ARGS },
  run,
};
