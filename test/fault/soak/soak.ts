// Plays moves against the proxy under load until enough reloads have been asked for, and says what it saw: failed
// requests, memory, and whatever is still open when all is quiet again.
import { readFileSync } from "node:fs";
import { parseRss } from "../../../bench/measure/proc.ts";
import { MOVES } from "./moves.ts";
import { DRAIN_MS, FILTERS, Stage } from "./stage.ts";
import type { Subject } from "./subject-process.ts";
import type { Look } from "./words.ts";

/** The keeper's, one wheel per thread: they may or may not be armed at the moment of looking. */
const SPARE_TIMERS = 4;

export interface SoakOptions {
  readonly reloads: number;
  /** Reloads before the base is taken. */
  readonly warmUp: number;
  /** Of the load; 0 = none. */
  readonly connections: number;
  /** Names of {@link MOVES}. */
  readonly moves: readonly string[];
  readonly onMove?: (name: string, reloads: number) => void;
}

export interface Quiet {
  readonly rssBytes: number;
  /** V8's own, of the control side and the data threads. */
  readonly heapBytes: number;
  /** Connections of data threads beyond those that wait in pools for the next request. */
  readonly sockets: number;
  /** Armed, on all threads. */
  readonly timers: number;
  /** Versions that have an instance somewhere. */
  readonly instances: number;
  /** Linear memory of all instances. */
  readonly guestBytes: number;
  /** Versions that still finish. */
  readonly draining: number;
  readonly streams: number;
  /** Lines of the metrics. */
  readonly series: number;
}

export interface MoveCount {
  readonly times: number;
  readonly reloads: number;
  readonly millis: number;
}

export interface SoakReport {
  readonly requests: number;
  readonly failures: readonly string[];
  /** Connections that ended with a data thread. */
  readonly lost: number;
  readonly moves: ReadonlyMap<string, MoveCount>;
  readonly reloads: number;
  readonly base: Quiet;
  readonly end: Quiet;
  readonly complaints: readonly string[];
  readonly exitCode: number | null;
  readonly p99Ms: number;
}

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const stage = await Stage.open();
  try {
    return await play(stage, options);
  } catch (error) {
    stage.subject.kill();
    await stage.close();
    throw error;
  }
}

async function play(stage: Stage, options: SoakOptions): Promise<SoakReport> {
  const { load, subject } = stage;
  const moves = new Map<string, MoveCount>();
  const run = async (most: number): Promise<number> => {
    if (options.connections > 0) load.start(options.connections);
    const reloads = await reloadUntil(stage, options, most, moves);
    await load.stop();
    return reloads;
  };
  await run(options.warmUp);
  const base = await whenQuiet(stage);
  moves.clear();
  const reloads = await run(options.reloads);
  const end = await whenQuiet(stage);
  const exitCode = await stage.close();
  const { requests, failures, lost } = load;
  const p99Ms = load.millis.sort((a, b) => a - b)[Math.floor(load.millis.length * 0.99)] ?? 0;
  return { requests, failures, lost, moves, reloads, base, end, complaints: subject.complaints, exitCode, p99Ms };
}

async function reloadUntil(
  stage: Stage,
  { moves: names, onMove }: SoakOptions,
  most: number,
  counts: Map<string, MoveCount>,
): Promise<number> {
  let reloads = 0;
  for (let turn = 0; reloads < most; turn++) {
    const name = names[turn % names.length] ?? "";
    const startedMs = performance.now();
    const made = await MOVES[name]?.(stage).catch((error: unknown) => {
      throw new Error(`${name}, after ${reloads} reloads: ${String(error)}`, { cause: error });
    });
    const count = counts.get(name) ?? { times: 0, reloads: 0, millis: 0 };
    const millis = count.millis + performance.now() - startedMs;
    counts.set(name, { times: count.times + 1, reloads: count.reloads + (made ?? 0), millis });
    reloads += made ?? 0;
    onMove?.(name, reloads);
  }
  return reloads;
}

/** When nothing drains any longer, or 5 s have passed. */
async function whenQuiet(stage: Stage): Promise<Quiet> {
  // Plugin contexts that never say they are done are given as long.
  await new Promise((later) => setTimeout(later, DRAIN_MS * 1.3));
  const until = performance.now() + 5000;
  for (;;) {
    const { draining, streams } = await versionsOf(stage);
    const isQuiet = draining === 0 && streams === 0;
    if (isQuiet || performance.now() > until) return measure(stage, draining, streams);
    await new Promise((soon) => setTimeout(soon, 50));
  }
}

async function measure({ subject }: Stage, draining: number, streams: number): Promise<Quiet> {
  // The second collection frees what the finalizers of the first let go.
  await subject.look();
  const look = await subject.look();
  const metrics = (await subject.get("/metrics")).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const memory = metrics.filter((line) => line.startsWith("sluice_filter_memory_bytes"));
  return {
    rssBytes: parseRss(readFileSync(`/proc/${subject.pid}/status`, "utf8")),
    sockets: socketsOf(look) - (await pooled(subject)),
    heapBytes: look.threads.reduce((sum, { heapBytes }) => sum + heapBytes, 0),
    timers: look.threads.reduce((sum, { timers }) => sum + timers, 0),
    instances: memory.length,
    guestBytes: memory.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0),
    draining,
    streams,
    series: metrics.length,
  };
}

const socketsOf = ({ threads: [, ...data] }: Look): number =>
  data.flatMap(({ resources }) => resources).filter((name) => name === "TCPSocketWrap").length;

/** Connections to upstreams that clusters keep. */
async function pooled(subject: Subject): Promise<number> {
  const { clusters } = JSON.parse(await subject.get("/clusters?format=json")) as {
    readonly clusters: readonly { readonly connections: number }[];
  };
  return clusters.reduce((sum, { connections }) => sum + connections, 0);
}

interface Versions {
  readonly filters: readonly { readonly versions: readonly { readonly state: string; readonly inFlight: number }[] }[];
}

async function versionsOf({ subject }: Stage): Promise<{ draining: number; streams: number }> {
  const { filters } = JSON.parse(await subject.get("/api/v1/filters")) as Versions;
  const versions = filters.flatMap((filter) => filter.versions);
  const draining = versions.filter(({ state }) => state === "draining").length;
  return { draining, streams: versions.reduce((sum, { inFlight }) => sum + inFlight, 0) };
}

/** What a soak must not show. */
export function faultsOf(report: SoakReport, mostGrowth: number): readonly string[] {
  const { failures, base, end, complaints, exitCode } = report;
  const faults = [...failures.slice(0, 10), ...complaints];
  if (failures.length > 0) faults.unshift(`${failures.length} of ${report.requests} requests failed`);
  const most = (what: keyof Quiet, limit: number): void => {
    if (end[what] > limit) faults.push(`${what}: ${base[what]} before, ${end[what]} after, at most ${limit} expected`);
  };
  most("draining", 0);
  most("streams", 0);
  most("rssBytes", base.rssBytes * mostGrowth);
  most("heapBytes", base.heapBytes * mostGrowth);
  most("instances", FILTERS);
  most("guestBytes", base.guestBytes);
  most("timers", base.timers + SPARE_TIMERS);
  most("sockets", 0);
  if (exitCode !== 0) faults.push(`the process ended with ${exitCode}`);
  return faults;
}
