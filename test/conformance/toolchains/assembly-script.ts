// Builds the probe guest written with the SDK: guests/as, the raw imports and the dispatcher written from the table of
// functions, through the SDK's own build. It builds like any filter, so it has what the SDK allows: no WASI, no names of
// older ABI versions, one allocator, one way to start.
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Compiler } from "../../../sdk/build/index.ts";
import { HOST_FUNCTIONS } from "../../../sdk/build/host-functions.ts";
import { FUNCTIONS, type HostFunctionShape } from "../functions.ts";

const ROOT = join(import.meta.dirname, "../../..");
const SOURCES = join(import.meta.dirname, "../guests/as");
/** Inside the package, so that `@sluice/sdk` resolves. */
const FOLDER = join(ROOT, ".sluice/conformance/as");
const CACHE = join(ROOT, ".sluice/test-build");

/** What an SDK guest may import. */
export const isInSdk = ({ module, name }: HostFunctionShape): boolean => module === "env" && HOST_FUNCTIONS.has(name);

export async function buildAssemblyScript(): Promise<Uint8Array> {
  await mkdir(FOLDER, { recursive: true });
  await cp(SOURCES, FOLDER, { recursive: true });
  await writeFile(join(FOLDER, "env.ts"), imports());
  await writeFile(join(FOLDER, "dispatch.ts"), dispatch());
  const compiler = new Compiler({ cacheDir: CACHE });
  try {
    return (await compiler.compile(join(FOLDER, "index.ts"), { mode: "debug" })).wasm;
  } finally {
    await compiler.close();
  }
}

function imports(): string {
  const lines = FUNCTIONS.filter(isInSdk).map(({ name, params }) => {
    const list = [...params].map((letter, at) => `a${at}: ${letter === "I" ? "i64" : "usize"}`);
    return `export declare function ${name}(${list.join(", ")}): u32;`;
  });
  return lines.join("\n");
}

function dispatch(): string {
  const cases = FUNCTIONS.map((one, number) => {
    if (!isInSdk(one)) return "";
    const args = [...one.params].map((letter, at) => (letter === "I" ? `<i64><i32>arg(op, ${at})` : `arg(op, ${at})`));
    return `    case ${number}:\n      return env.${one.name}(${args.join(", ")});`;
  });
  return `import * as env from "./env";
import { arg, own } from "./interpreter";
export function dispatch(op: usize): u32 {
  const which = load<u32>(op);
  if (which >= 1000) return own(op, which - 1000);
  switch (which) {
${cases.filter((one) => one !== "").join("\n")}
  }
  return unreachable();
}
`;
}
