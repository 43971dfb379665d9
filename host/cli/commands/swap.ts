// `sluice swap <filter>[@version]`: makes a version live, or rebuilds the filter from its source.
import type { SwapResult } from "../../control/types.ts";
import { AdminClient } from "../admin-client.ts";
import type { Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { timeoutMs, WAIT_ARGS } from "../wait.ts";

/** `gray@v3` -> name and version. */
export function parseTarget(text: string): { readonly name: string; readonly version?: string } {
  const [name = "", version] = text.split("@", 2);
  if (name === "" || version === "") throw new UsageError(`expected filter or filter@version, got "${text}"`);
  return version === undefined ? { name } : { name, version };
}

/** One line: what runs now, how long it took, what still runs on the old one. */
export function showSwap(result: SwapResult, { terminal }: Context): void {
  if (terminal.json) return terminal.object(result);
  const rest = result.inFlight === 0 ? "" : ` · ${result.inFlight} in flight finish on ${result.from}`;
  const took = `swapped in ${Math.round(result.millis)} ms on ${result.threads} threads`;
  terminal.data(`${result.filter}  ${result.from || "none"} → ${result.to}  ${took}${rest}`);
}

async function run(context: Context): Promise<number> {
  const { name, version } = parseTarget(context.args.text("filter") ?? "");
  const client = await AdminClient.for(context);
  const path = `/api/v1/filters/${encodeURIComponent(name)}:swap`;
  const body = version === undefined ? {} : { version };
  const result = await client.json<SwapResult>(path, { method: "POST", body, timeoutMs: timeoutMs(context) });
  showSwap(result, context);
  return EXIT.ok;
}

export const swap: Command = {
  name: "swap",
  summary: "Make a version live, or rebuild: sluice swap gray@v3",
  args: { filter: { type: "positional", description: "filter or filter@version" }, ...WAIT_ARGS },
  run,
};
