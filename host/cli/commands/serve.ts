// `sluice serve <file.wasm>`: a server component behind a port, or a proxy with one filter in front of an echo.
import { parseAddress } from "../../config/address.ts";
import type { Command, Context } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { readBinary } from "../runner.ts";
import { readGrants, RUNNER_ARGS } from "../runner-flags.ts";
import { realWorld, type SessionWorld } from "../session.ts";
import { PORT_ARGS } from "./dev.ts";
import { checkFlags, proxyFilter, RUN_ARGS } from "./run.ts";

function readAddress({ args }: Context): { readonly host: string; readonly port: number } {
  const parsed = parseAddress(args.text("addr") ?? "127.0.0.1:8080");
  if (typeof parsed === "string") throw new UsageError(`--addr: ${parsed}`);
  return parsed;
}

async function start(context: Context, world: SessionWorld): Promise<number> {
  const { terminal } = context;
  const file = context.args.text("file") ?? "";
  const { host, port } = readAddress(context);
  checkFlags(context);
  const binary = await readBinary(context, file);
  if (binary.kind === "filter") return proxyFilter(context, file, { world, address: `${host}:${port}` });
  if (binary.kind !== "server")
    throw new UsageError(`${file} is a program that runs to its end, not a server`, `sluice run ${file}`);
  const { serveComponent } = await import("../../runner/serve.ts");
  const grants = readGrants(context, file);
  const failed = (reason: string): void => terminal.error(`answered 500: ${reason}`);
  const server = await serveComponent(binary.transpiled, { file, grants, host, port, failed });
  const listeners = [{ name: file, address: `${host}:${server.port}` }];
  if (terminal.json) terminal.data(JSON.stringify({ type: "listening", listeners }));
  else terminal.data(`  ➜ ${file}  http://${host}:${server.port}/`);
  await stopAsked(world);
  server.close();
  return EXIT.ok;
}

function stopAsked({ signals }: SessionWorld): Promise<void> {
  return new Promise((asked) => {
    signals.on("SIGTERM", asked);
    signals.on("SIGINT", asked);
  });
}

const { upstream, workers, "log-level": logLevel } = RUN_ARGS;

export const serve: Command = {
  name: "serve",
  summary: "Serve one .wasm: a server component or a filter",
  args: {
    file: { type: "positional", description: "A wasi:http/proxy component, or a filter" },
    addr: { type: "string", description: "Where to listen, default 127.0.0.1:8080", valueHint: "host:port" },
    "admin-port": PORT_ARGS["admin-port"],
    upstream,
    workers,
    "log-level": logLevel,
    ...RUNNER_ARGS,
  },
  rest: "args",
  run: (context) => start(context, realWorld),
};
