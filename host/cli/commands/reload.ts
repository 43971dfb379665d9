// `sluice reload`: the running proxy reads its config file again, or with -c takes this one.
import type { LoadResult } from "../../control/types.ts";
import { AdminClient } from "../admin-client.ts";
import type { Command, Context } from "../command.ts";
import { readConfigFile } from "../config-file.ts";
import { EXIT } from "../exit.ts";
import { timeoutMs, WAIT_ARGS } from "../wait.ts";

async function ask(context: Context): Promise<LoadResult> {
  const client = await AdminClient.for(context);
  const limit = { method: "POST", timeoutMs: timeoutMs(context) } as const;
  if (context.args.text("config") === undefined) return client.json<LoadResult>("/api/v1/reload", limit);
  const { text } = await readConfigFile(context);
  return client.json<LoadResult>("/load", { ...limit, body: text });
}

async function run(context: Context): Promise<number> {
  const result = await ask(context);
  const { terminal } = context;
  for (const warning of result.warnings) terminal.warning(warning);
  if (terminal.json) terminal.object(result);
  else terminal.data(result.changes.length === 0 ? "nothing changed" : result.changes.join("\n"));
  return EXIT.ok;
}

export const reload: Command = { name: "reload", summary: "Read the config again", args: WAIT_ARGS, run };
