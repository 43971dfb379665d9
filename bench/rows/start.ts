// start: from spawn to the first 200 through a filter that comes as source: compiled before (warm build cache), or never.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Bench, guestEntry, wants } from "../bench.ts";
import { figureOf } from "../measure/statistics.ts";
import { type Row, rowOf } from "../row.ts";
import { startSluice } from "../subjects/sluice.ts";

const STARTS = 3;

export async function startRows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "start")) return [];
  const empty: number[] = [];
  for (let at = 0; at < STARTS; at++) empty.push(await startOnce(bench, `empty-${at}`, "dev"));
  // The release build must be in the cache before a warm start of `run` is one.
  await startOnce(bench, "warm", "run");
  const warm: number[] = [];
  for (let at = 0; at < STARTS; at++) warm.push(await startOnce(bench, "warm", "run"));
  const [id, unit] = ["start", "ms"] as const;
  return [
    rowOf({ id, what: "spawn to first 200, warm build cache", unit, figure: figureOf(warm), gate: 2000 }),
    rowOf({ id, what: "spawn to first 200, empty build cache", unit, figure: figureOf(empty), gate: 4000 }),
  ];
}

async function startOnce(bench: Bench, state: string, command: "run" | "dev"): Promise<number> {
  const stateDir = join(bench.folder, `state-${state}`);
  mkdirSync(stateDir, { recursive: true });
  const subject = await startSluice(bench.folder, {
    name: `sluice-start-${state}`,
    upstream: bench.upstream.port,
    workers: 1,
    filters: { stamp: guestEntry("stamp") },
    command,
    stateDir,
  });
  await subject.stop();
  return subject.startMs;
}
