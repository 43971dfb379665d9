// `sluice tap`: follows sampled requests of a running proxy, one line each; with --trace what every filter did.
import type { TapEvent } from "../../control/types.ts";
import type { TapFilter, TapRecord } from "../../link/tap.ts";
import { AdminClient } from "../admin-client.ts";
import type { Args, Command, Context } from "../command.ts";
import { toClockTime } from "../events.ts";
import { followUntilInterrupted } from "../follow.ts";
import { storyLines } from "../story.ts";
import type { Terminal } from "../terminal.ts";

function toQuery(args: Args): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of ["filter", "route", "status", "rate"]) {
    const value = args.text(name);
    if (value !== undefined) query.set(name, value);
  }
  for (const match of args.list("match")) query.append("match", match);
  if (args.flag("trace")) query.set("trace", "true");
  return query;
}

const styleOf = (status: number) => (status >= 500 || status === 0 ? "red" : status >= 400 ? "yellow" : "green");

/** `12:01:07  200 GET /orders  12.3 ms  all  tag@v2 limit@v1  via_upstream`; exported for the tests. */
export function formatRecord(record: TapRecord, terminal: Terminal): string {
  const { time, status, method, path, durationMs, route, filters, details, flags, arms } = record;
  const words = [
    terminal.paint("gray", toClockTime(time)),
    terminal.paint(styleOf(status), String(status).padStart(3)),
    `${method} ${path}`,
    `${durationMs.toFixed(1)} ms`,
    route === "" ? "-" : route,
    filters.map(nameOf).join(" "),
    [details, flags, arms].filter((text) => text !== "").join(" "),
  ];
  return words.filter((word) => word !== "").join("  ");
}

const nameOf = ({ filter, version }: TapFilter): string => `${filter}@${version}`;

function storyOf({ filters }: TapRecord): readonly string[] {
  return filters.flatMap((one) => {
    const note = one.instance === "twin" ? "" : "  (serving instance: refusals only)";
    const more = one.omitted === 0 ? [] : [`... and ${one.omitted} more callbacks`];
    return [`  ${nameOf(one)}${note}`, ...[...storyLines(one.phases, true), ...more].map((line) => `    ${line}`)];
  });
}

function show(record: TapRecord, { args, terminal }: Context): void {
  if (terminal.json) return terminal.data(JSON.stringify(record));
  const story = args.flag("trace") ? storyOf(record) : [];
  terminal.data([formatRecord(record, terminal), ...story].join("\n"));
}

function note(event: Exclude<TapEvent, { type: "request" }>, { terminal }: Context): void {
  if (event.type === "sampling") terminal.note(`data thread ${event.thread} samples`);
  else terminal.note(`${event.count} sampled requests lost: too many, or read too slowly`);
}

async function follow(context: Context, signal: AbortSignal): Promise<void> {
  let left = context.args.integer("count", 1, 1_000_000) ?? Infinity;
  const client = await AdminClient.for(context);
  for await (const event of client.tap(toQuery(context.args), signal)) {
    if (event.type === "request") show(event.record, context);
    else note(event, context);
    if (event.type === "request" && --left === 0) return;
  }
}

const run = (context: Context): Promise<number> => followUntilInterrupted((signal) => follow(context, signal));

export const tap: Command = {
  name: "tap",
  summary: "Follow sampled requests and what filters did to them",
  args: {
    filter: { type: "string", description: "Requests that meet this filter, and its part only", valueHint: "name" },
    route: { type: "string", description: "Requests of this route", valueHint: "name" },
    status: { type: "string", description: "Answers of these classes or numbers: 5xx,404", valueHint: "codes" },
    match: {
      type: "string",
      description: "name=value or name=start*, repeatable; method, path, host, listener or a header",
      valueHint: "name=value",
    },
    rate: { type: "string", description: "Requests per second and data thread (default 10)", valueHint: "n" },
    count: { type: "string", description: "End after so many", valueHint: "n" },
    trace: { type: "boolean", description: "Show every host call (on traced twins of the filters)" },
  },
  run,
};
