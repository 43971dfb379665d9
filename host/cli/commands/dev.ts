// `sluice dev`: run a config, watch its filters, swap on save.
import { resolve } from "node:path";
import type { Command, Context } from "../command.ts";
import { readConfigFile } from "../config-file.ts";
import { UsageError } from "../exit.ts";
import { runSession } from "../session.ts";

/** Flags that `dev`, `demo` and `run` share. */
export const PORT_ARGS = {
  port: { type: "string", description: "Port of the first listener; 0 = any", valueHint: "n" },
  "admin-port": { type: "string", description: "Port of the admin API; 0 = any", valueHint: "n" },
} as const;

/** Ports given on the command line. */
export function portOverrides({ args }: Context): { port?: number; adminPort?: number } {
  const port = args.integer("port", 0, 65_535);
  const adminPort = args.integer("admin-port", 0, 65_535);
  return { ...(port === undefined ? {} : { port }), ...(adminPort === undefined ? {} : { adminPort }) };
}

const NOT_YET = ["keep"] as const;

async function run(context: Context): Promise<number> {
  const { args, terminal, env, cwd } = context;
  const refused = NOT_YET.find((name) => args.flag(name));
  if (refused !== undefined) throw new UsageError(`--${refused} is not supported yet`);
  const overrides = portOverrides(context);
  const { path, text } = await readConfigFile(context);
  return runSession({
    start: {
      configText: text,
      configPath: resolve(cwd, path),
      watch: !args.flag("once"),
      optimize: args.flag("optimize"),
      poll: args.flag("poll"),
      env,
      overrides,
    },
    terminal,
    isInteractive: true,
    logFormat: args.text("log-format") === "json" ? "json" : "pretty",
    open: args.flag("open"),
    verbose: args.flag("verbose"),
  });
}

export const dev: Command = {
  name: "dev",
  summary: "Run a config, watch its filters, swap on save",
  args: {
    ...PORT_ARGS,
    open: { type: "boolean", description: "Open the admin page" },
    optimize: {
      type: "boolean",
      default: true,
      description: "Optimised builds follow",
      negativeDescription: "Debug builds only",
    },
    once: { type: "boolean", description: "Build once, do not watch" },
    poll: { type: "boolean", description: "Watch by polling (network mounts)" },
    keep: { type: "boolean", description: "On save, old against new at 50/50 (not supported yet)" },
  },
  run,
};
