// `sluice wit <wasm>`: the world of a component, as WIT text.
import type { Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { loadComponents, loadInspect } from "../parts.ts";
import { readModule } from "./inspect.ts";

async function run(context: Context): Promise<number> {
  const path = context.args.text("wasm") ?? "";
  const bytes = await readModule(context, path);
  const { kind } = (await loadInspect())(bytes);
  if (kind !== "component")
    throw new UsageError(
      `${path} is ${kind === "core" ? "a core module" : "not WebAssembly"}; only components have a world`,
    );
  const jco = new (await loadComponents()).Jco();
  try {
    const { wit } = await jco.transpile(bytes, path);
    if (context.terminal.json) context.terminal.object({ wit });
    else context.terminal.data(wit.trimEnd());
  } finally {
    jco.close();
  }
  return EXIT.ok;
}

export const wit: Command = {
  name: "wit",
  summary: "The world of a component",
  args: { wasm: { type: "positional", description: "Path of a component" } },
  run,
};
