// Child processes of the bench: found on the PATH, pinned to a core, ended by their own handle.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Where proxies and upstream run, and where the load comes from. One core: everything shares it. */
export const PROXY_CORE = 0;
export const LOAD_CORE = availableParallelism() > 1 ? 1 : 0;

export function isInstalled(command: string): boolean {
  try {
    // nginx lives in a folder that is often not on a user's PATH.
    execFileSync("sh", ["-c", `command -v ${command}`], { env: searchPath(), stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function searchPath(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin` };
}

const hasTaskset = isInstalled("taskset");

export interface Launch {
  readonly core: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Output goes to this file. Default: nowhere. */
  readonly logFile?: string;
}

/** Starts `command` on one core. */
export function launch(command: readonly string[], { core, env = {}, logFile }: Launch): ChildProcess {
  const pinned = hasTaskset ? ["taskset", "-c", String(core), ...command] : command;
  const [file = "", ...args] = pinned;
  const output = logFile === undefined ? "ignore" : openSync(logFile, "a");
  return spawn(file, args, { env: { ...searchPath(), ...env }, stdio: ["ignore", output, output] });
}

/** What `command` prints. @throws when it fails */
export async function outputOf(command: readonly string[], core: number): Promise<string> {
  const pinned = hasTaskset ? ["taskset", "-c", String(core), ...command] : command;
  const [file = "", ...args] = pinned;
  const child = spawn(file, args, { env: searchPath(), stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}:\n${text}`);
  return text;
}

/** Ends it in order, after 10 s by force. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(force);
}
