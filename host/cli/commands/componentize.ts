// `sluice componentize <file>`: a component from JavaScript, from a core module of the filter world, or around any
// proxy-wasm module.
import { readFile, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { basename, extname, resolve } from "node:path";
import type { Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { loadComponents, loadInspect } from "../parts.ts";
import { inSdk } from "../sdk-folder.ts";
import { readModule } from "./inspect.ts";

const SCRIPTS = [".js", ".mjs", ".ts"];

async function make(context: Context, file: string): Promise<Uint8Array> {
  const { Jco, componentizeCore, componentizeProxyWasm, componentizeScript, worldExportsOf } = await loadComponents();
  const jco = new Jco();
  const input = { file: basename(file), wit: await readFile(inSdk("wit/sluice-filter.wit"), "utf8"), jco };
  try {
    if (SCRIPTS.includes(extname(file))) return await componentizeScript(await readScript(context, file), input);
    const bytes = await readModule(context, file);
    const { kind, abiVersion } = (await loadInspect())(bytes);
    if (kind === "component") throw new UsageError(`${file} is a component already`, "`sluice wit` prints its world");
    const isFilter = kind === "core" && abiVersion === null && worldExportsOf(bytes).length > 0;
    const encoding = context.args.text("encoding") === "utf8" ? "utf8" : "utf16";
    return isFilter ? await componentizeCore(bytes, encoding, input) : await componentizeProxyWasm(bytes, input);
  } finally {
    jco.close();
  }
}

async function readScript(context: Context, file: string): Promise<string> {
  const source = Buffer.from(await readModule(context, file)).toString("utf8");
  return extname(file) === ".ts" ? stripTypeScriptTypes(source) : source;
}

async function run(context: Context): Promise<number> {
  const { args, terminal, cwd } = context;
  const file = args.text("file") ?? "";
  const out = args.text("out") ?? `${basename(file, extname(file))}.component.wasm`;
  const component = await make(context, file);
  await writeFile(resolve(cwd, out), component);
  if (terminal.json) terminal.object({ file: out, size: component.length });
  else terminal.data(`${out}  ${component.length} bytes`);
  return EXIT.ok;
}

export const componentize: Command = {
  name: "componentize",
  summary: "Make a component of a script or a module",
  args: {
    file: { type: "positional", description: "A .js or .ts filter, or a core .wasm" },
    out: { type: "string", alias: "o", description: "Where to write, default NAME.component.wasm", valueHint: "file" },
    encoding: {
      type: "enum",
      options: ["utf16", "utf8"],
      description: "Of texts in a core filter module; utf16 (AssemblyScript) is the default",
    },
  },
  run,
};
