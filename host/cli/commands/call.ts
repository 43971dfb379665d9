// `sluice call <wasm>`: one simulated request through one filter, no proxy: phases, header diff, log.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { type CallOptions, type CallResult, loadCall } from "../parts.ts";
import { PROFILES } from "../../vm/profile-name.ts";
import { storyLines } from "../story.ts";
import { takeApart } from "../take-apart.ts";
import { readModule } from "./inspect.ts";

type Header = readonly [string, string];

/** `x-user-id: 7` -> pair. */
export function parseHeader(text: string): Header {
  const at = text.indexOf(":", 1);
  if (at < 1) throw new UsageError(`-H: expected "name: value", got "${text}"`);
  return [text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim()];
}

/** Text, or `@file`. */
export async function textOrFile(text: string, cwd: string): Promise<string> {
  return text.startsWith("@") ? readFile(resolve(cwd, text.slice(1)), "utf8") : text;
}

async function toOptions(context: Context): Promise<CallOptions> {
  const { args, cwd } = context;
  const data = args.text("data");
  const path = args.text("wasm") ?? "";
  const wasm = await readModule(context, path);
  const transpiled = await takeApart(wasm, path, cwd);
  return {
    wasm,
    ...(transpiled === null ? {} : { transpiled }),
    pluginConfig: await textOrFile(args.text("config") ?? "", cwd),
    method: args.text("request") ?? (data === undefined ? "GET" : "POST"),
    path: args.text("path") ?? "/",
    headers: args.list("header").map(parseHeader),
    body: data === undefined ? null : new TextEncoder().encode(await textOrFile(data, cwd)),
    profile: PROFILES.find((name) => name === args.text("profile")) ?? "sluice",
  };
}

/** What a filter did to the headers: `- gone`, `+ new`; order of names does not count. */
export function headerDiff(before: readonly Header[], after: readonly Header[]): readonly string[] {
  const line = ([name, value]: Header): string => `${name}: ${value}`;
  const old = before.map(line);
  const now = after.map(line);
  return [
    ...old.filter((one) => !now.includes(one)).map((one) => `- ${one}`),
    ...now.filter((one) => !old.includes(one)).map((one) => `+ ${one}`),
  ];
}

function draw(options: CallOptions, result: CallResult, context: Context): void {
  const { terminal } = context;
  const lines = storyLines(result.phases, context.args.flag("trace"));
  if (lines.length > 0) terminal.data(lines.join("\n"));
  const pseudo = new Set([":method", ":path", ":authority", ":scheme"]);
  const seen = result.requestHeaders.filter(([name]) => !pseudo.has(name));
  const section = (title: string, lines: readonly string[]): void => {
    if (lines.length > 0) terminal.data(`\n${title}\n${lines.map((line) => `  ${line}`).join("\n")}`);
  };
  section("request headers", headerDiff(options.headers, seen));
  section(`answer ${result.status}${result.isLocalReply ? " by the filter" : ""}`, [
    ...result.responseHeaders.map(([name, value]) => `${name}: ${value}`),
    ...(result.responseBody === "" ? [] : ["", result.responseBody]),
  ]);
  section(
    "log",
    result.logs.map((one) => `${one.level}  ${one.message}`),
  );
}

async function run(context: Context): Promise<number> {
  const options = await toOptions(context);
  const result = await (await loadCall())(options);
  if (context.terminal.json) context.terminal.object(result);
  else draw(options, result, context);
  return EXIT.ok;
}

export const call: Command = {
  name: "call",
  summary: "Send one simulated request through a .wasm",
  args: {
    wasm: { type: "positional", description: "Path of a module" },
    path: { type: "positional", required: false, description: "Path of the request, default /" },
    request: { type: "string", alias: "X", description: "Method", valueHint: "method" },
    header: {
      type: "string",
      alias: "H",
      description: 'Request header, repeatable: "name: value"',
      valueHint: "header",
    },
    data: { type: "string", alias: "d", description: "Request body, or @file", valueHint: "text" },
    trace: { type: "boolean", description: "Show every host call" },
    profile: { type: "enum", options: [...PROFILES], description: "Which host to behave like" },
  },
  run,
};
