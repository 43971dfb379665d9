// `sluice clusters`: endpoints and what they do.
import type { EndpointStatus } from "../../control/types.ts";
import type { Command } from "../command.ts";
import { READ_ARGS, runView, type View } from "../read.ts";

interface Clusters {
  readonly clusters: readonly EndpointStatus[];
}

const view: View<Clusters> = {
  load: (client) => client.json<Clusters>("/clusters?format=json"),
  draw({ clusters }, { terminal }, isWide) {
    const columns = ["CLUSTER", "ENDPOINT", "ACTIVE", "REQUESTS", "FAILURES"];
    const rows = clusters.map((one) => [
      one.cluster,
      one.address,
      one.active,
      one.requests,
      one.failures,
      ...(isWide ? [one.connections, one.idle, one.weight] : []),
    ]);
    terminal.table(isWide ? [...columns, "CONNECTIONS", "IDLE", "WEIGHT"] : columns, rows);
  },
};

export const clusters: Command = {
  name: "clusters",
  summary: "Endpoints and what they do",
  args: READ_ARGS,
  run: (context) => runView(view, context),
};
