// The method: warm every subject by a number of requests, then give each a short run in turn, so that disturbance from
// outside hits all of them, and charge the CPU time of the run to its requests (design: CPU per request, never rps).
import type { Subject } from "../subjects/subject.ts";
import { runLoad } from "./load.ts";
import { usageOf } from "./proc.ts";
import { type Figure, figureOf } from "./statistics.ts";

export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  /** Asked for; absent = "/". */
  readonly path?: string;
  /** Streams at a time on each connection, over HTTP/2; absent = HTTP/1.1. */
  readonly streams?: number;
  /** Requests before anything is measured: less, and the compiler of JavaScript is measured with it. */
  readonly warmUp: number;
}

export interface Run {
  /** CPU per request, microseconds. */
  readonly micros: number;
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssBytes: number;
}

/** Enough turns for the slowest subject; one that answers nothing must not loop for ever. */
const MAX_WARM_UPS = 30;

export async function warm(subject: Subject, plan: Plan): Promise<void> {
  const { warmUp } = plan;
  for (let turn = 0, done = 0; turn < MAX_WARM_UPS && done < warmUp; turn++) {
    done += (await runLoad({ ...plan, port: subject.port, seconds: 1, tls: subject.tls })).requests;
  }
}

export async function measureOnce(subject: Subject, plan: Plan): Promise<Run> {
  const before = usageOf(subject.pid);
  const result = await runLoad({ ...plan, port: subject.port, tls: subject.tls });
  const after = usageOf(subject.pid);
  if (result.requests === 0) throw new Error(`${subject.name} answered nothing`);
  return {
    ...result,
    micros: (after.cpuNanos - before.cpuNanos) / 1000 / result.requests,
    rssBytes: after.rssBytes,
  };
}

/** Runs by subject name. */
export async function alternate(
  subjects: readonly Subject[],
  plan: Plan,
): Promise<ReadonlyMap<string, readonly Run[]>> {
  const runs = new Map<string, Run[]>(subjects.map(({ name }) => [name, []]));
  for (const subject of subjects) await warm(subject, plan);
  for (let round = 0; round < plan.rounds; round++) {
    for (const subject of subjects) runs.get(subject.name)?.push(await measureOnce(subject, plan));
  }
  return runs;
}

export const microsOf = (runs: readonly Run[]): Figure => figureOf(runs.map(({ micros }) => micros));
