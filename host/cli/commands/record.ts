// `sluice record`: has a filter of a running proxy recorded and writes the recording to a file.
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseDurationMs } from "../../base/units.ts";
import type { RecordingStatus } from "../../control/record/recording.ts";
import { AdminClient } from "../admin-client.ts";
import type { Args, Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";

const POLL_MS = 200;

export function percentOf(args: Args): number | undefined {
  const text = args.text("percent");
  if (text === undefined) return undefined;
  const percent = Number(text);
  if (text.trim() !== "" && percent > 0 && percent <= 100) return percent;
  throw new UsageError(`--percent: expected a number above 0, at most 100, got "${text}"`);
}

function secondsOf(args: Args): number | undefined {
  const text = args.text("for");
  if (text === undefined) return undefined;
  const ms = parseDurationMs(text);
  if (ms !== null && ms > 0) return ms / 1000;
  throw new UsageError(`--for: expected a duration such as 10s, got "${text}"`);
}

/** Until it has ended, or is interrupted: then it is stopped, and what there is is written. */
async function ended(client: AdminClient, first: RecordingStatus): Promise<RecordingStatus> {
  const interrupted = new AbortController();
  const onInt = (): void => interrupted.abort();
  process.once("SIGINT", onInt);
  let status = first;
  while (status.state === "recording") {
    const isTime = await wait(POLL_MS, true, { signal: interrupted.signal }).catch(() => false);
    if (!isTime) status = await client.json<RecordingStatus>(`/api/v1/recordings/${first.id}:stop`, { method: "POST" });
    else {
      const { recordings } = await client.json<{ recordings: RecordingStatus[] }>("/api/v1/recordings");
      status = recordings.find(({ id }) => id === first.id) ?? status;
    }
  }
  process.off("SIGINT", onInt);
  return status;
}

async function run(context: Context): Promise<number> {
  const { args, terminal, cwd } = context;
  const filter = args.text("filter");
  if (filter === undefined) throw new UsageError("--filter: expected the name of a filter");
  const seconds = secondsOf(args);
  const count = args.integer("count", 1, 1_000_000);
  const limits = { ...(seconds === undefined ? {} : { seconds }), ...(count === undefined ? {} : { count }) };
  const percent = percentOf(args);
  const body = {
    filter,
    ...(percent === undefined ? {} : { percent }),
    ...limits,
    bodies: args.text("bodies") ?? "off",
    redact: !args.flag("unredacted"),
  };
  const client = await AdminClient.for(context);
  const begun = await client.json<RecordingStatus>("/api/v1/recordings", { method: "POST", body });
  terminal.note(`recording ${filter} ${begun.version}${Object.keys(limits).length === 0 ? ", Ctrl-C ends it" : ""}`);
  const status = await ended(client, begun);
  const text = await client.text(`/api/v1/recordings/${status.id}`);
  const output = args.text("output");
  if (output === undefined) terminal.data(text.trimEnd());
  else await writeFile(resolve(cwd, output), text);
  const said = `${status.streams} streams of ${filter} ${status.version}, ${status.dropped} dropped (${status.ended})`;
  if (terminal.json && output !== undefined) terminal.object(status);
  else terminal.note(said);
  return EXIT.ok;
}

export const record: Command = {
  name: "record",
  summary: "Record what a filter of a running proxy does, event by event",
  args: {
    filter: { type: "string", description: "Filter to record", valueHint: "name" },
    percent: { type: "string", description: "Of its streams (default 100)", valueHint: "p" },
    output: { type: "string", alias: "o", description: "File to write; without it, stdout", valueHint: "file" },
    for: { type: "string", description: "End after this time", valueHint: "10s" },
    count: { type: "string", description: "End after so many streams", valueHint: "n" },
    bodies: { type: "string", description: "off (default), hash, head:N or full", valueHint: "how" },
    unredacted: { type: "boolean", description: "Keep secrets and bodies as they are" },
  },
  run,
};
