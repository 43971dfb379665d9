// `sluice run`: production run of a config; `sluice run x.wasm`: a proxy with this one filter in front of an echo.
import { basename, resolve } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { parseAddress } from "../../config/address.ts";
import { startUpstream, type Upstream } from "../../demo/upstreams.ts";
import type { Command, Context } from "../command.ts";
import { type ConfigFile, readConfigFile } from "../config-file.ts";
import { UsageError } from "../exit.ts";
import { nameOfEntry } from "../filter-sources.ts";
import { realWorld, runSession, type SessionOptions, type SessionWorld } from "../session.ts";
import { PORT_ARGS, portOverrides } from "./dev.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;

/** A config around one module. */
export function runnerConfig(wasm: string, upstream: string): string {
  const name = nameOfEntry(basename(wasm)).replaceAll(/[^A-Za-z0-9._-]/g, "-");
  const config = {
    stateDir: ".sluice/run",
    listeners: [
      {
        name: "run",
        address: "127.0.0.1:8080",
        filters: [name],
        routes: [{ name: "all", match: { prefix: "/" }, route: { cluster: "upstream" } }],
      },
    ],
    clusters: [{ name: "upstream", endpoints: [{ address: upstream }] }],
    filters: [{ name, source: resolve(wasm) }],
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

async function runModule(context: Context, wasm: string, world: SessionWorld): Promise<number> {
  if (!wasm.endsWith(".wasm")) {
    throw new UsageError(`expected a .wasm, got "${wasm}"`, "a config is named with -c: sluice run -c sluice.yaml");
  }
  const session = toSession(context);
  const given = context.args.text("upstream");
  let echo: Upstream | null = null;
  if (given === undefined) {
    const nature = { clock: systemClock, random: systemRandom };
    echo = await startUpstream({ name: "echo", slowMs: 0, errorRatio: 0 }, nature);
  }
  const upstream = given === undefined ? `127.0.0.1:${echo?.port}` : upstreamAddress(given);
  try {
    const file = { text: runnerConfig(resolve(context.cwd, wasm), upstream), path: "sluice-run.yaml" };
    return await runSession(session(file), world);
  } finally {
    await echo?.close();
  }
}

async function start(context: Context, world: SessionWorld): Promise<number> {
  if (context.args.flag("resume")) throw new UsageError("--resume is not supported yet");
  const wasm = context.args.text("wasm");
  if (wasm !== undefined) return runModule(context, wasm, world);
  const session = toSession(context);
  return runSession(session(await readConfigFile(context)), world);
}

export const run: Command = {
  name: "run",
  summary: "Run a config, or one .wasm, without watching",
  args: {
    wasm: { type: "positional", required: false, description: "A module to run in front of an echo" },
    ...PORT_ARGS,
    workers: { type: "string", description: "Data threads", valueHint: "n" },
    "log-level": { type: "enum", options: [...LEVELS], description: "From this level up" },
    upstream: { type: "string", description: "With a .wasm: where requests go", valueHint: "host:port" },
    resume: { type: "boolean", description: "Not supported yet" },
  },
  run: (context) => start(context, realWorld),
};
