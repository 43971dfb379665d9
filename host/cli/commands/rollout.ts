// `sluice rollout get|promote|pause|resume|abort [experiment]`: a stepped rollout, watched and steered.
import type { ExperimentReport } from "../../control/report-types.ts";
import type { ExperimentStatus } from "../../control/types.ts";
import { AdminClient } from "../admin-client.ts";
import type { Command, Context } from "../command.ts";
import { drawReport } from "../draw-report.ts";
import { EXIT, UsageError } from "../exit.ts";
import { READ_ARGS, runView, type View } from "../read.ts";

const BASE = "/api/v1/experiments";
const ACTIONS = ["get", "promote", "pause", "resume", "abort"];

const pathOf = ({ name }: ExperimentStatus): string => `${BASE}/${encodeURIComponent(name)}`;

/** By its name or its filter's; without either the only one that is open. */
async function find(client: AdminClient, wanted: string | undefined): Promise<ExperimentStatus> {
  const { experiments } = await client.json<{ experiments: readonly ExperimentStatus[] }>(BASE);
  const open = experiments.filter(({ state }) => state === "running" || state === "held");
  const named = experiments.filter(({ name, filter }) => name === wanted || filter === wanted);
  const found = wanted === undefined ? open : [...named.filter((one) => open.includes(one)), ...named.toReversed()];
  const [first, second] = found;
  if (first !== undefined && (wanted !== undefined || second === undefined)) return first;
  const names = experiments.map(({ name }) => name).join(", ");
  if (first !== undefined) throw new UsageError("several experiments are open, name one", `they are: ${names}`);
  const message = wanted === undefined ? "no experiment is open" : `there is no experiment "${wanted}"`;
  throw new UsageError(message, names === "" ? "start one: sluice ab FILTER --variants v1,v2" : `known: ${names}`);
}

const viewOf = (wanted: string | undefined): View<ExperimentReport> => ({
  load: async (client) => client.json<ExperimentReport>(`${pathOf(await find(client, wanted))}/report`),
  draw: (report, { terminal }) => drawReport(report, terminal),
});

async function run(context: Context): Promise<number> {
  const { args, terminal } = context;
  const action = args.text("action") ?? "get";
  const wanted = args.text("experiment");
  if (!ACTIONS.includes(action))
    throw new UsageError(`expected one of ${ACTIONS.join(", ")}, got "${action}"`, "sluice rollout get -w");
  if (action === "get") return runView(viewOf(wanted), context);
  const client = await AdminClient.for(context);
  const found = await find(client, wanted);
  const body = action === "promote" ? { body: {} } : {};
  const status = await client.json<ExperimentStatus>(`${pathOf(found)}:${action}`, { method: "POST", ...body });
  if (terminal.json) terminal.object(status);
  else terminal.data(`${status.name}  ${status.state}  ${status.rollout.log.at(-1)?.what ?? ""}`.trimEnd());
  return EXIT.ok;
}

export const rollout: Command = {
  name: "rollout",
  summary: "Watch and steer a stepped rollout: get -w, promote, pause, resume, abort",
  args: {
    action: { type: "positional", required: false, description: "get (default), promote, pause, resume or abort" },
    experiment: { type: "positional", required: false, description: "Its name or its filter's; default the open one" },
    ...READ_ARGS,
  },
  run,
};
