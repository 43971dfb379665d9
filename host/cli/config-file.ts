// Finds and reads the config file a command means.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { problemError } from "../base/problem.ts";
import type { Context } from "./command.ts";

export const DEFAULT_CONFIG = "sluice.yaml";

export interface ConfigFile {
  readonly text: string;
  /** As given, for messages. */
  readonly path: string;
}

/** @throws ProblemError when it cannot be read */
export async function readConfigFile(context: Context): Promise<ConfigFile> {
  const path = context.args.text("config") ?? DEFAULT_CONFIG;
  try {
    return { path, text: await readFile(resolve(context.cwd, path), "utf8") };
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const message = isMissing ? `there is no ${path} here` : `${path} cannot be read: ${String(error)}`;
    const hint = "name one with -c, make one with `sluice init`, or see `sluice demo`, which needs none";
    throw problemError("config", "no_config", message, { hint });
  }
}
