// `sluice filters`: what is loaded and live.
import type { FilterStatus } from "../../control/types.ts";
import type { Command } from "../command.ts";
import { READ_ARGS, runView, type View } from "../read.ts";

interface Filters {
  readonly filters: readonly FilterStatus[];
}

const inFlight = (filter: FilterStatus): number => filter.versions.reduce((sum, one) => sum + one.inFlight, 0);

const view: View<Filters> = {
  load: (client) => client.json<Filters>("/api/v1/filters"),
  draw({ filters }, { terminal }, isWide) {
    const columns = ["NAME", "LIVE", "BUILD", "IN FLIGHT", "POLICY", "EXPERIMENT", "STATE"];
    const rows = filters.map((one) => [
      one.name,
      one.version || "-",
      one.build || "-",
      inFlight(one),
      one.failurePolicy,
      one.experiment || "-",
      one.problems.length === 0 ? "ok" : "newest source refused",
      ...(isWide ? [one.sha256.slice(0, 12), one.source] : []),
    ]);
    terminal.table(isWide ? [...columns, "SHA256", "SOURCE"] : columns, rows);
    for (const problem of filters.flatMap((one) => one.problems)) terminal.warning(problem);
  },
};

export const filters: Command = {
  name: "filters",
  summary: "Filters and their versions",
  args: READ_ARGS,
  run: (context) => runView(view, context),
};
