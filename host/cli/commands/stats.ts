// `sluice stats`: metrics, as the admin API has them.
import { toStatsText } from "../../admin/stats.ts";
import type { MetricSample } from "../../observe/samples.ts";
import type { Command } from "../command.ts";
import { READ_ARGS, runView, type View } from "../read.ts";

interface Stats {
  readonly stats: readonly MetricSample[];
}

const view = (part: string | undefined): View<Stats> => ({
  load: (client) => {
    const query = new URLSearchParams({ format: "json", ...(part === undefined ? {} : { filter: part }) });
    return client.json<Stats>(`/stats?${query}`);
  },
  draw: ({ stats }, { terminal }) => terminal.data(toStatsText(stats)),
});

export const stats: Command = {
  name: "stats",
  summary: "Metrics",
  args: {
    part: { type: "positional", required: false, description: "Only series whose name contains this" },
    ...READ_ARGS,
  },
  run: (context) => runView(view(context.args.text("part")), context),
};
