// P11: what starting costs beyond Node itself, and how much memory a proxy takes that has nothing to do: `sluice run`, one
// data thread, no filters.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Bench, wants } from "../bench.ts";
import { usageOf } from "../measure/proc.ts";
import { figureOf, minimum } from "../measure/statistics.ts";
import { type Row, rowOf } from "../row.ts";
import { startSluice } from "../subjects/sluice.ts";

const STARTS = 5;

interface Start {
  readonly cpuMs: number;
  readonly rssMb: number;
}

export async function footprintRows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "P11")) return [];
  const bare: number[] = [];
  const own: Start[] = [];
  for (let at = 0; at < STARTS; at++) {
    bare.push(await bareMs());
    own.push(await startOnce(bench, at));
  }
  const added = figureOf(own.map(({ cpuMs }) => cpuMs - minimum(bare)));
  const memory = figureOf(own.map(({ rssMb }) => rssMb));
  return [
    rowOf({ id: "P11", what: "CPU of a start beyond Node's own", unit: "ms", figure: added, gate: 60 }),
    rowOf({ id: "P11", what: "RSS after the first request", unit: "MB", figure: memory, gate: 90 }),
  ];
}

/** CPU of `node` that waits for nothing, up to the moment it says so. */
async function bareMs(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "console.log(1); setInterval(() => {}, 1000)"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const { cpuNanos } = usageOf(child.pid ?? 0);
  child.kill();
  await once(child, "exit");
  return cpuNanos / 1e6;
}

async function startOnce(bench: Bench, at: number): Promise<Start> {
  const subject = await startSluice(bench.folder, {
    name: `sluice-footprint-${at}`,
    upstream: bench.upstream.port,
    workers: 1,
    filters: {},
  });
  const { cpuNanos, rssBytes } = usageOf(subject.pid);
  await subject.stop();
  return { cpuMs: cpuNanos / 1e6, rssMb: rssBytes / 2 ** 20 };
}
