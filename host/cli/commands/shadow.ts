// `sluice shadow <filter>`: has a version run beside the serving one on sampled live traffic, shows what it would have decided
// differently, and ends it.
import type { ShadowReport } from "../../control/shadow/shadow.ts";
import type { VersionInfo } from "../../control/types.ts";
import { AdminClient } from "../admin-client.ts";
import type { Args, Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { fieldLines } from "../field-lines.ts";
import { readModule } from "./inspect.ts";
import { percentOf } from "./record.ts";

/** A version's name, or that of a module which is uploaded first; it does not go live. */
async function versionOf(context: Context, client: AdminClient, given: string): Promise<string> {
  if (!given.endsWith(".wasm")) return given;
  const name = encodeURIComponent(context.args.text("filter") ?? "");
  const body = await readModule(context, given);
  const path = `/api/v1/filters/${name}/versions`;
  const { version } = await client.json<{ version: VersionInfo }>(path, { method: "POST", body });
  return version.version;
}

async function start(context: Context, client: AdminClient, version: string): Promise<ShadowReport> {
  const { args } = context;
  const percent = percentOf(args);
  const cpuPercent = args.integer("cpu", 1, 100);
  const ignore = (args.text("ignore") ?? "").split(",").filter((field) => field !== "");
  const body = {
    filter: args.text("filter"),
    version: await versionOf(context, client, version),
    ...(percent === undefined ? {} : { percent }),
    ...(cpuPercent === undefined ? {} : { cpuPercent }),
    ...(ignore.length === 0 ? {} : { ignore }),
    ...(args.text("unmatched-calls") === undefined ? {} : { unmatchedCalls: args.text("unmatched-calls") }),
  };
  return client.json<ShadowReport>("/api/v1/shadows", { method: "POST", body });
}

function draw(report: ShadowReport, { terminal }: Context): void {
  const { filter, a, b, percent, state, ended, compared, differing, dropped, noise, fields, fault } = report;
  const now = state === "running" ? `running on ${percent} %` : `ended (${ended})`;
  terminal.data(
    `${filter}  ${b.version} in the shadow of ${a.version}, ${now}: ${compared} streams, ${differing} differ`,
  );
  terminal.data(`  noise ${noise.differing} of ${noise.compared}, dropped ${dropped}`);
  if (fault !== "") terminal.data(`  ${b.version} does not start: ${fault}`);
  const shown = fields.filter((field) => field.shown);
  for (const line of shown.flatMap((field) => fieldLines(field, compared))) terminal.data(line);
  if (shown.length < fields.length) terminal.data(`  and ${fields.length - shown.length} fields within the noise`);
  if (report.diverged > 0)
    terminal.data(`  ${report.diverged} times it asked for what the serving version had not asked:`);
  for (const { what, callback } of report.divergences.slice(0, 5)) terminal.data(`    ${what}  in ${callback}`);
}

/** What is asked for: one of the three. */
function wish(args: Args): "start" | "report" | "stop" {
  const wishes = [args.text("version") !== undefined, args.flag("report"), args.flag("stop")];
  if (wishes.filter(Boolean).length !== 1)
    throw new UsageError(
      "expected one of --version, --report, --stop",
      "sluice shadow FILTER --version v3 --percent 10",
    );
  return wishes[0] === true ? "start" : wishes[1] === true ? "report" : "stop";
}

async function run(context: Context): Promise<number> {
  const { args, terminal } = context;
  const wanted = wish(args);
  const client = await AdminClient.for(context);
  const path = `/api/v1/shadows/${encodeURIComponent(args.text("filter") ?? "")}`;
  const report =
    wanted === "start"
      ? await start(context, client, args.text("version") ?? "")
      : wanted === "report"
        ? await client.json<ShadowReport>(path)
        : await client.json<ShadowReport>(`${path}:stop`, { method: "POST" });
  if (terminal.json) terminal.object(report);
  else draw(report, context);
  return EXIT.ok;
}

export const shadow: Command = {
  name: "shadow",
  summary: "Run a version beside the serving one on live traffic, and compare",
  args: {
    filter: { type: "positional", description: "Filter" },
    version: { type: "string", description: "Version, or a .wasm that is uploaded first", valueHint: "v3" },
    percent: { type: "string", description: "Of its streams (default 10)", valueHint: "p" },
    cpu: { type: "string", description: "Percent of one core for it (default 2)", valueHint: "p" },
    ignore: { type: "string", description: "Fields that are not compared, by comma", valueHint: "fields" },
    "unmatched-calls": {
      type: "string",
      description: "Call-outs the serving version did not make: block",
      valueHint: "how",
    },
    report: { type: "boolean", description: "What was found so far" },
    stop: { type: "boolean", description: "End it; the report stays" },
  },
  run,
};
