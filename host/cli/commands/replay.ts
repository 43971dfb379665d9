// `sluice replay <recording>`: runs a recording against one or two modules and says where their decisions differ.
import { readFile, writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { problemError } from "../../base/problem.ts";
import type { Recording } from "../../replay/jsonl.ts";
import type { ReplayInput, ReplayReport, VersionReport } from "../../replay/replay.ts";
import type { Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { failures, parseFailOn } from "../fail-on.ts";
import { fieldLines } from "../field-lines.ts";
import { textOrFile } from "./call.ts";
import { readModule } from "./inspect.ts";

async function readRecording({ args, cwd }: Context): Promise<Recording> {
  const path = args.text("file") ?? "";
  const { parseRecording } = await import("../../replay/jsonl.ts");
  let text: string;
  try {
    text = await readFile(resolve(cwd, path), "utf8");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw problemError("state", "no_recording", `${path} cannot be read (${reason})`, {
      hint: "make one with `sluice record --filter NAME -o rec.jsonl`",
    });
  }
  return parseRecording(text);
}

async function inputOf(context: Context, letter: "a" | "b"): Promise<ReplayInput | null> {
  const path = context.args.text(letter);
  if (path === undefined) return null;
  const config = context.args.text(`${letter}-config`);
  const own = config === undefined ? {} : { config: await textOrFile(config, context.cwd) };
  return { name: basename(path), wasm: await readModule(context, path), ...own };
}

async function inputs(context: Context): Promise<readonly ReplayInput[]> {
  const [a, b] = [await inputOf(context, "a"), await inputOf(context, "b")];
  if (a === null && (b !== null || context.args.text("har") === undefined))
    throw new UsageError("--a: expected a module to replay", "sluice replay rec.jsonl --a v1.wasm [--b v2.wasm]");
  // Names tell the two apart in everything that is printed.
  if (a !== null && b !== null && a.name === b.name)
    return [
      { ...a, name: `a:${a.name}` },
      { ...b, name: `b:${b.name}` },
    ];
  return [a, b].filter((one) => one !== null);
}

function versionLines({ name, fault, diverged, divergences }: VersionReport): readonly string[] {
  if (fault !== "") return [`${name} does not start: ${fault}`];
  if (diverged === 0) return [];
  const places = divergences
    .slice(0, 5)
    .map(({ what, callback, line }) => `  ${what}  in ${callback || "start-up"}, line ${line}`);
  return [`${name} asked ${diverged} times for what was not recorded:`, ...places];
}

function draw(report: ReplayReport, { terminal }: Context): void {
  const { a, b, recorded, compared, differing, fields, lost } = report;
  const against = b === null ? `the recording of ${recorded.version}` : b.name;
  terminal.data(`${a.name} against ${against}: ${compared} streams, ${differing} differ`);
  for (const line of fields.flatMap((field) => fieldLines(field, compared))) terminal.data(line);
  for (const version of [a, b]) if (version !== null) for (const line of versionLines(version)) terminal.data(line);
  if (lost > 0) terminal.data(`${lost} sampled streams were lost: a filter with a state of its own may differ by that`);
  if (recorded.redacted && fields.length > 0)
    terminal.note("the recording is redacted: a filter that looks into secrets or bodies may differ by that");
  const cell = (value: number | null): string => (value === null ? "-" : String(value));
  const rows = report.fuel.map((row) => [row.callback, cell(row.recorded), cell(row.a), cell(row.b)]);
  if (rows.length > 0) terminal.table(["FUEL", "RECORDED", "A", "B"], rows);
}

async function run(context: Context): Promise<number> {
  const on = parseFailOn(context.args.text("fail-on") ?? "diff");
  const recording = await readRecording(context);
  const har = context.args.text("har");
  const modules = await inputs(context);
  if (har !== undefined) {
    const { toHar } = await import("../../replay/har.ts");
    await writeFile(resolve(context.cwd, har), `${JSON.stringify(toHar(recording), null, 1)}\n`);
    if (modules.length === 0) return EXIT.ok;
  }
  const { replayRecording } = await import("../../replay/replay.ts");
  const ignore = (context.args.text("ignore") ?? "").split(",").filter((field) => field !== "");
  const report = replayRecording(recording, modules, { ignore });
  if (context.terminal.json) context.terminal.object(report);
  else draw(report, context);
  const reasons = failures(report, on);
  for (const reason of reasons) context.terminal.error(reason);
  return reasons.length === 0 ? EXIT.ok : EXIT.failed;
}

const CONFIG = "Its configuration, JSON or @file; absent = the recorded one";

export const replay: Command = {
  name: "replay",
  summary: "Run a recording against one or two versions of a filter",
  args: {
    file: { type: "positional", description: "Recording (JSONL) of `sluice record`" },
    a: { type: "string", description: "First module; alone it is compared with the recording", valueHint: "wasm" },
    b: { type: "string", description: "Second module, compared with the first", valueHint: "wasm" },
    "a-config": { type: "string", description: CONFIG, valueHint: "json" },
    "b-config": { type: "string", description: CONFIG, valueHint: "json" },
    "fail-on": {
      type: "string",
      description: "diff (default), divergence, fuel:+10%, none; by comma",
      valueHint: "what",
    },
    ignore: { type: "string", description: "Fields that are not compared, by comma", valueHint: "fields" },
    har: { type: "string", description: "Write the recording as HAR 1.2", valueHint: "file" },
  },
  run,
};
