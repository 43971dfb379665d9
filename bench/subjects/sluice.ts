// The product as a user runs it: `sluice run -c <file>` (or `dev`), admin API on, access log off.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROXY_CORE, launch } from "../measure/command.ts";
import type { TlsFiles } from "./nginx.ts";
import { type Subject, freePort, subjectOf, untilServing } from "./subject.ts";

export const ROOT: string = join(import.meta.dirname, "../..");

export interface SluiceOptions {
  /** Of the subject and of its folder. */
  readonly name: string;
  readonly upstream: number;
  readonly workers: number;
  /** Filter name -> source (.wasm or .ts), in chain order. */
  readonly filters: Readonly<Record<string, string>>;
  /** The checkout to run. Default: this one. */
  readonly root?: string;
  /** Default `run`. */
  readonly command?: "run" | "dev";
  /** Default: a fresh folder below the bench's. */
  readonly stateDir?: string;
  readonly nodeArgs?: readonly string[];
  /** The listener speaks TLS with these. */
  readonly tls?: TlsFiles;
}

export interface Sluice extends Subject {
  readonly adminPort: number;
  /** From spawn to the first 200. */
  readonly startMs: number;
}

/** JSON is YAML. */
function configText(options: SluiceOptions, ports: { port: number; admin: number }): string {
  const { tls } = options;
  const names = Object.keys(options.filters);
  return JSON.stringify({
    workers: options.workers,
    drainTimeout: "1s",
    stateDir: options.stateDir ?? "state",
    admin: { address: `127.0.0.1:${ports.admin}` },
    listeners: [
      {
        name: "bench",
        address: `127.0.0.1:${ports.port}`,
        filters: names,
        routes: [{ name: "all", match: { prefix: "/" }, route: { cluster: "upstream" } }],
        ...(tls && { tls: { certificates: [{ certFile: tls.cert, keyFile: tls.key }] } }),
      },
    ],
    clusters: [{ name: "upstream", endpoints: [{ address: `127.0.0.1:${options.upstream}` }] }],
    filters: names.map((name) => ({ name, source: options.filters[name] })),
  });
}

/** @param folder the bench's own */
export async function startSluice(folder: string, options: SluiceOptions): Promise<Sluice> {
  const { name, root = ROOT, command = "run", nodeArgs = [] } = options;
  const port = await freePort();
  const adminPort = await freePort();
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  const file = join(own, "sluice.yaml");
  writeFileSync(file, configText(options, { port, admin: adminPort }));
  const startedMs = performance.now();
  const program = [process.execPath, ...nodeArgs, join(root, "bin/sluice.js"), command, "-c", file];
  const child = launch(program, { core: PROXY_CORE, logFile: join(own, "log") });
  const isTls = options.tls !== undefined;
  await untilServing(child, port, isTls);
  return { ...subjectOf(name, port, child, isTls), adminPort, startMs: performance.now() - startedMs };
}
