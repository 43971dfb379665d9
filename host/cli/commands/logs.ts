// `sluice logs`: follows what happens: swaps, compile errors, faults, log lines of filters.
import { AdminClient } from "../admin-client.ts";
import type { Command, Context } from "../command.ts";
import { formatEvent } from "../events.ts";
import { followUntilInterrupted } from "../follow.ts";

async function follow(context: Context, signal: AbortSignal): Promise<void> {
  const { args, terminal } = context;
  const query = new URLSearchParams({ replay: String(args.integer("replay", 0, 1000) ?? 50) });
  for (const name of ["filter", "type"]) {
    const value = args.text(name);
    if (value !== undefined) query.set(name, value);
  }
  for await (const event of (await AdminClient.for(context)).events(query, signal)) {
    terminal.data(terminal.json ? JSON.stringify(event) : formatEvent(event, terminal));
  }
}

const run = (context: Context): Promise<number> => followUntilInterrupted((signal) => follow(context, signal));

export const logs: Command = {
  name: "logs",
  summary: "Follow what happens",
  args: {
    filter: { type: "string", description: "Only of this filter", valueHint: "name" },
    type: { type: "string", description: "Only these kinds, by comma: swap,fault,log", valueHint: "kinds" },
    replay: { type: "string", description: "Past events first (default 50)", valueHint: "n" },
  },
  run,
};
