// `sluice run`: production run of a config; `sluice run x.wasm`: a proxy with this one filter in front of an echo, or a
// program to its end.
import { basename, resolve } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { parseAddress } from "../../config/address.ts";
import { startUpstream, type Upstream } from "../../demo/upstreams.ts";
import type { Command, Context } from "../command.ts";
import { type ConfigFile, readConfigFile } from "../config-file.ts";
import { UsageError } from "../exit.ts";
import { readBinary, runProgram } from "../runner.ts";
import { readEnv, readFuel, readMemory, RUNNER_ARGS } from "../runner-flags.ts";
import { nameOfEntry } from "../filter-sources.ts";
import { realWorld, runSession, type SessionOptions, type SessionWorld } from "../session.ts";
import { PORT_ARGS, portOverrides } from "./dev.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;

/** What else a config around one module says. */
export interface RunnerExtras {
  readonly address?: string;
  /** Of the filter: limits and environment. */
  readonly filter?: Readonly<Record<string, unknown>>;
}

/** A config around one module. */
export function runnerConfig(wasm: string, upstream: string, extras: RunnerExtras = {}): string {
  const name = nameOfEntry(basename(wasm)).replaceAll(/[^A-Za-z0-9._-]/g, "-");
  const config = {
    stateDir: ".sluice/run",
    listeners: [
      {
        name: "run",
        address: extras.address ?? "127.0.0.1:8080",
        filters: [name],
        routes: [{ name: "all", match: { prefix: "/" }, route: { cluster: "upstream" } }],
      },
    ],
    clusters: [{ name: "upstream", endpoints: [{ address: upstream }] }],
    filters: [{ name, source: resolve(wasm), ...extras.filter }],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** `http://host:port` or `host:port` -> `host:port`. */
function upstreamAddress(text: string): string {
  const address = text.replace(/^http:\/\//, "").replace(/\/$/, "");
  const parsed = parseAddress(address);
  if (typeof parsed === "string") throw new UsageError(`--upstream: ${parsed}`);
  return address;
}

/** --admin means something else here: where the admin API listens. */
function adminAddress({ args }: Context): { readonly host?: string; readonly port?: number } {
  const text = args.text("admin");
  if (text === undefined) return {};
  const parsed = parseAddress(text);
  if (typeof parsed === "string") throw new UsageError(`--admin: ${parsed}`);
  return parsed;
}

/** Everything but the config: what the command line says is checked before any file is read. */
function toSession(context: Context): (file: ConfigFile) => SessionOptions {
  const { args, terminal, env, cwd } = context;
  const admin = adminAddress(context);
  const workers = args.integer("workers", 1, 256);
  const level = LEVELS.find((one) => one === args.text("log-level"));
  const format = args.text("log-format") ?? (terminal.isTty ? "pretty" : "json");
  const overrides = {
    ...portOverrides(context),
    ...(admin.port === undefined ? {} : { adminPort: admin.port }),
    ...(workers === undefined ? {} : { workers }),
  };
  return ({ text, path }) => ({
    start: { configText: text, configPath: resolve(cwd, path), watch: false, optimize: true, env, overrides },
    terminal,
    isInteractive: false,
    logFormat: format === "json" ? "json" : "pretty",
    open: false,
    verbose: args.flag("verbose"),
    ...(admin.host === undefined ? {} : { adminHost: admin.host }),
    onReady: async ({ control }) => {
      if (level !== undefined) await control.setLogLevel(level);
      return [];
    },
  });
}

/** Limits and environment of the filter, from the runner's flags. */
function filterExtras(context: Context): Readonly<Record<string, unknown>> {
  const { args } = context;
  if (args.list("dir").length > 0)
    throw new UsageError("--dir: a filter sees no files", "folders are for programs and servers (wasi:cli, wasi:http)");
  if (args.text("invoke") !== undefined)
    throw new UsageError("--invoke calls exports of core modules that are no filters");
  const [extra] = args.rest;
  if (extra !== undefined) throw new UsageError(`unexpected argument "${extra}": a filter takes none`);
  const memory = readMemory(context);
  const fuel = args.text("fuel") === "none" ? "none" : readFuel(context);
  const limits = { ...(memory === undefined ? {} : { memory: `${memory}B` }), ...(fuel === null ? {} : { fuel }) };
  return { limits, environment: readEnv(context) };
}

/** Everything the command line says, before any file is read. @throws UsageError */
export function checkFlags(context: Context): void {
  const upstream = context.args.text("upstream");
  if (upstream !== undefined) upstreamAddress(upstream);
  toSession(context);
  readFuel(context);
  readMemory(context);
  readEnv(context);
}

export interface FilterRun {
  readonly world: SessionWorld;
  readonly address?: string;
}

/** A proxy with this one filter. */
export async function proxyFilter(context: Context, wasm: string, how: FilterRun): Promise<number> {
  const extras = { ...(how.address === undefined ? {} : { address: how.address }), filter: filterExtras(context) };
  const session = toSession(context);
  const given = context.args.text("upstream");
  let echo: Upstream | null = null;
  if (given === undefined) {
    const nature = { clock: systemClock, random: systemRandom };
    echo = await startUpstream({ name: "echo", slowMs: 0, errorRatio: 0 }, nature);
  }
  const upstream = given === undefined ? `127.0.0.1:${echo?.port}` : upstreamAddress(given);
  try {
    const file = { text: runnerConfig(resolve(context.cwd, wasm), upstream, extras), path: "sluice-run.yaml" };
    return await runSession(session(file), how.world);
  } finally {
    await echo?.close();
  }
}

async function start(context: Context, world: SessionWorld): Promise<number> {
  const { args } = context;
  if (args.flag("resume")) throw new UsageError("--resume is not supported yet");
  const file = args.text("file");
  if (file !== undefined) {
    checkFlags(context);
    const binary = await readBinary(context, file);
    return binary.kind === "filter" ? proxyFilter(context, file, { world }) : runProgram(context, file, binary);
  }
  const flag = Object.keys(RUNNER_ARGS).find((name) => args.list(name).length > 0);
  if (flag !== undefined) throw new UsageError(`--${flag} goes with a .wasm: sluice run x.wasm --${flag} ...`);
  const session = toSession(context);
  return runSession(session(await readConfigFile(context)), world);
}

export const RUN_ARGS = {
  workers: { type: "string", description: "Data threads", valueHint: "n" },
  "log-level": { type: "enum", options: [...LEVELS], description: "From this level up" },
  upstream: { type: "string", description: "With a filter: where requests go", valueHint: "host:port" },
} satisfies Command["args"];

export const run: Command = {
  name: "run",
  summary: "Run a config, or one .wasm, without watching",
  args: {
    file: { type: "positional", required: false, description: "A .wasm: a filter, or a program to its end" },
    ...PORT_ARGS,
    ...RUN_ARGS,
    ...RUNNER_ARGS,
    invoke: { type: "string", description: "Call this export of a core module with numbers", valueHint: "name" },
    resume: { type: "boolean", description: "Not supported yet" },
  },
  rest: "args",
  run: (context) => start(context, realWorld),
};
