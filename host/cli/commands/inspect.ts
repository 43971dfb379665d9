// `sluice inspect <wasm>`: what a module is, wants and offers, without running it.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { problemError } from "../../base/problem.ts";
import type { Command, Context } from "../command.ts";
import { EXIT } from "../exit.ts";
import type { ModuleSummary } from "../parts.ts";
import { inspectAny } from "../take-apart.ts";

/** Reads a module named on the command line. */
export async function readModule(context: Context, path: string): Promise<Uint8Array> {
  try {
    return await readFile(resolve(context.cwd, path));
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw problemError("abi", "no_module", `${path} cannot be read (${reason})`, {
      hint: "build one with `sluice build`",
    });
  }
}

/** One entry of a list as text: names of imports and exports, whatever their other fields. */
function entryText(entry: unknown): string {
  if (typeof entry !== "object" || entry === null) return String(entry);
  const { module, name, kind } = entry as { module?: string; name?: string; kind?: string };
  return `${module === undefined ? "" : `${module}.`}${name ?? JSON.stringify(entry)}${kind === undefined ? "" : ` (${kind})`}`;
}

function draw(info: ModuleSummary, { terminal }: Context): void {
  for (const [key, value] of Object.entries(info)) {
    if (key === "problems" || key === "warnings") continue;
    if (Array.isArray(value)) {
      terminal.data(`${key} (${value.length})`);
      for (const entry of value) terminal.data(`  ${entryText(entry)}`);
    } else {
      const text = typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "-");
      terminal.data(`${key.padEnd(18)} ${text}`);
    }
  }
  for (const warning of info.warnings ?? []) terminal.note(`warning: ${warning}`);
}

async function run(context: Context): Promise<number> {
  const path = context.args.text("wasm") ?? "";
  const bytes = await readModule(context, path);
  const info = await inspectAny(bytes, path, context.cwd);
  if (context.terminal.json) context.terminal.object(info);
  else draw(info, context);
  const problems = info.problems ?? [];
  if (problems.length === 0) return EXIT.ok;
  context.terminal.problems(
    problems.map(({ message, hint }) => ({
      kind: "abi",
      code: "bad_module",
      message,
      file: path,
      ...(hint === undefined ? {} : { hint }),
    })),
  );
  return EXIT.filter;
}

export const inspect: Command = {
  name: "inspect",
  summary: "What a .wasm is, wants and offers",
  args: { wasm: { type: "positional", description: "Path of a module" } },
  run,
};
