// `sluice rollback <filter>`: back to the version that was live before.
import type { SwapResult } from "../../control/types.ts";
import { AdminClient } from "../admin-client.ts";
import type { Command, Context } from "../command.ts";
import { EXIT } from "../exit.ts";
import { timeoutMs, WAIT_ARGS } from "../wait.ts";
import { showSwap } from "./swap.ts";

async function run(context: Context): Promise<number> {
  const name = encodeURIComponent(context.args.text("filter") ?? "");
  const client = await AdminClient.for(context);
  const ask = { method: "POST", timeoutMs: timeoutMs(context) } as const;
  showSwap(await client.json<SwapResult>(`/api/v1/filters/${name}:rollback`, ask), context);
  return EXIT.ok;
}

export const rollback: Command = {
  name: "rollback",
  summary: "Back to the version that was live before",
  args: { filter: { type: "positional", description: "Name of the filter" }, ...WAIT_ARGS },
  run,
};
