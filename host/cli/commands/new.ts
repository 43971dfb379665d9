// `sluice new <name>`: a filter from the SDK's template.
import { join } from "node:path";
import type { Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { copyTemplate } from "../scaffold.ts";

export const NAME = /^[a-z][a-z0-9-]{0,62}$/;

export const TEMPLATE_ARGS = {
  template: { type: "string", description: "header, body, auth, ratelimit, ab or tcp", default: "header" },
  yes: { type: "boolean", alias: "y", description: "Ask nothing (nothing is asked)" },
} as const;

async function run(context: Context): Promise<number> {
  const { args, terminal, cwd } = context;
  const name = args.text("name") ?? "";
  if (!NAME.test(name)) {
    throw new UsageError(
      `expected a name of small letters, digits and dashes, got "${name}"`,
      "for example: my-filter",
    );
  }
  const folder = join("filters", name);
  const files = await copyTemplate({ name, template: args.text("template") ?? "header", folder: join(cwd, folder) });
  if (terminal.json) terminal.object({ name, folder, files });
  else {
    terminal.data(files.map((file) => `  + ${join(folder, file)}`).join("\n"));
    terminal.note(
      `\nAdd it to your config:\n\n  filters:\n    - { name: ${name}, source: ./${folder}/assembly/index.ts }`,
    );
  }
  return EXIT.ok;
}

export const newFilter: Command = {
  name: "new",
  summary: "Add a filter from a template",
  args: { name: { type: "positional", description: "Name of the filter" }, ...TEMPLATE_ARGS },
  run,
};
