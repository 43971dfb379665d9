// The flags of the runner (`sluice run x.wasm`, `sluice serve x.wasm`): what the program is given, in wasmtime's words.
import { statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { parseCount, parseSizeBytes } from "../base/units.ts";
import type { GrantedFolder, Grants } from "../runner/grants.ts";
import type { Context } from "./command.ts";
import { UsageError } from "./exit.ts";

export const RUNNER_ARGS = {
  fuel: { type: "string", description: "Points for the run, or per request or callback", valueHint: "n" },
  "max-memory": { type: "string", description: "Cap of its memory, such as 64MiB", valueHint: "size" },
  wasm: { type: "string", alias: "W", description: "wasmtime's spelling: -W max-memory-size=64MiB", valueHint: "k=v" },
  env: { type: "string", description: "Environment of the program, repeatable", valueHint: "name=value" },
  dir: { type: "string", description: "Folder it may read, repeatable; :rw to write", valueHint: "host::guest[:rw]" },
} as const;

/** No cap: all that 32 bits can address. */
const ALL_MEMORY = 4 * 1024 ** 3;
/** A counter is a wasm i32. */
const MAX_FUEL = 2 ** 31 - 1;

/** Everything the program gets. @throws UsageError */
export function readGrants(context: Context, wasm: string): Grants {
  const { args } = context;
  return {
    args: [basename(wasm), ...args.rest],
    env: readEnv(context),
    folders: args.list("dir").map((text) => readFolder(text, context.cwd)),
    fuel: readFuel(context),
    memoryBytes: readMemory(context) ?? ALL_MEMORY,
  };
}

export function readFuel({ args }: Context): number | null {
  const text = args.text("fuel");
  if (text === undefined || text === "none") return null;
  const points = parseCount(text);
  if (points !== null && Number.isInteger(points) && points > 0 && points <= MAX_FUEL) return points;
  throw new UsageError(`--fuel: expected a count from 1 to ${MAX_FUEL}, such as 10M, or none, got "${text}"`);
}

/** Undefined when nothing was said. */
export function readMemory({ args }: Context): number | undefined {
  const spelled = args.list("wasm").map((pair) => {
    const [name, value = ""] = pair.split("=");
    if (name !== "max-memory-size") throw new UsageError(`-W: expected max-memory-size=SIZE, got "${pair}"`);
    return value;
  });
  const text = args.text("max-memory") ?? spelled.at(-1);
  if (text === undefined) return undefined;
  const bytes = /^\d+$/.test(text) ? Number(text) : parseSizeBytes(text);
  if (bytes !== null && bytes >= 65_536 && bytes <= ALL_MEMORY) return bytes;
  throw new UsageError(`--max-memory: expected a size from 64KiB to 4GiB, got "${text}"`);
}

export function readEnv({ args }: Context): Readonly<Record<string, string>> {
  const pairs = args.list("env").map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1) throw new UsageError(`--env: expected name=value, got "${pair}"`);
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

/** `./data::/data:rw`; without `::` the guest's name is the host's. */
function readFolder(text: string, cwd: string): GrantedFolder {
  const writable = text.endsWith(":rw");
  const [host = "", guest = host] = (writable ? text.slice(0, -3) : text).split("::");
  const path = resolve(cwd, host);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return { host: path, guest, writable };
  throw new UsageError(`--dir: ${path} is no folder`, "write --dir HOST::GUEST, with :rw behind it to let it write");
}
