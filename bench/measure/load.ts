// The load: a closed loop over keep-alive connections with the reference request of a small API call (about 220 bytes).
// wrk where it is installed, since it costs the least; else a generator of our own, for machines without it.
import { fileURLToPath } from "node:url";
import { LOAD_CORE, isInstalled, outputOf } from "./command.ts";

export const REQUEST_HEADERS: readonly (readonly [string, string])[] = [
  ["User-Agent", "wrk-bench/1.0"],
  ["Accept", "text/html,application/json;q=0.9"],
  ["Accept-Encoding", "gzip, deflate"],
  ["X-Trace", "0af7651916cd43dd8448eb211c80319c"],
  ["Cookie", "session=abcdef0123456789"],
];

export interface LoadPlan {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** The subject speaks TLS: not with the generator of our own. */
  readonly tls?: boolean;
  /** Path and query; "/" without it. Not with the generator of our own. */
  readonly path?: string;
  /** Set for HTTP/2: streams at a time on each connection. Needs h2load. */
  readonly streams?: number;
}

export interface LoadResult {
  readonly requests: number;
  /** Socket errors and answers that are not 2xx. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export const usesWrk: boolean = isInstalled("wrk");
export const hasH2load: boolean = isInstalled("h2load");
const GENERATOR = fileURLToPath(new URL("generator.ts", import.meta.url));

export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  if (plan.streams !== undefined) return parseH2load(await outputOf(h2loadCommand(plan), LOAD_CORE));
  if (usesWrk) return parseWrk(await outputOf(wrkCommand(plan), LOAD_CORE));
  const { port, connections, seconds } = plan;
  const numbers = [port, connections, seconds].map(String);
  return JSON.parse(await outputOf([process.execPath, GENERATOR, ...numbers], LOAD_CORE)) as LoadResult;
}

function wrkCommand({ port, connections, seconds, tls, path = "/" }: LoadPlan): readonly string[] {
  const headers = REQUEST_HEADERS.flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const size = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency"];
  return ["wrk", ...size, ...headers, `${tls === true ? "https" : "http"}://127.0.0.1:${port}${path}`];
}

function h2loadCommand({ port, connections, seconds, streams, tls }: LoadPlan): readonly string[] {
  const headers = REQUEST_HEADERS.flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  return [
    "h2load",
    `-D${seconds}`,
    `-c${connections}`,
    `-m${streams}`,
    ...headers,
    `${tls === true ? "https" : "http"}://127.0.0.1:${port}/`,
  ];
}

/** Reads what h2load prints, which tells no percentiles. */
export function parseH2load(text: string): LoadResult {
  const [, done, failed] = /(\d+) done, \d+ succeeded, (\d+) failed/.exec(text) ?? [];
  const [, ok] = /status codes: (\d+) 2xx/.exec(text) ?? [];
  if (done === undefined || ok === undefined) throw new Error(`not a report of h2load:\n${text}`);
  const requests = Number(done);
  return {
    requests,
    failed: Number(failed) + Math.max(0, requests - Number(ok)),
    p50Ms: Number.NaN,
    p99Ms: Number.NaN,
  };
}

/** Reads what wrk 4 prints. */
export function parseWrk(text: string): LoadResult {
  const requests = /(\d+) requests in/.exec(text)?.[1];
  if (requests === undefined) throw new Error(`not a report of wrk:\n${text}`);
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0;
  return {
    requests: Number(requests),
    failed: sockets.reduce((sum, count) => sum + Number(count), Number(refused)),
    p50Ms: parseTime(/50%\s+(\S+)/.exec(text)?.[1]),
    p99Ms: parseTime(/99%\s+(\S+)/.exec(text)?.[1]),
  };
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

/** `1.95ms` -> 1.95; NaN for anything else. */
function parseTime(text = ""): number {
  const [, value, unit = ""] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  return Number(value) * (UNITS[unit] ?? Number.NaN);
}
