// S1: what a shadow at 10 % sampling costs the proxy that serves: CPU per request of all its threads under saturation, and the
// median answer time below it. The shadow is the serving version itself, so that it does all the work there is to do.
import { type Bench, wants } from "../bench.ts";
import { type Plan, type Run, alternate, microsOf, warm } from "../measure/alternate.ts";
import { combine, figureOf } from "../measure/statistics.ts";
import { type Row, rowOf, single } from "../row.ts";
import { shadowOf, startShadow } from "../subjects/admin.ts";
import { type Sluice, startSluice } from "../subjects/sluice.ts";
import { filters } from "./proxy.ts";

const PERCENT = 10;
/** Far below what the proxy can do: its answers do not wait for each other. */
const FEW_CONNECTIONS = 4;

export async function shadowRows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "S1")) return [];
  const { path } = await bench.build("tier");
  const start = (name: string): Promise<Sluice> =>
    startSluice(bench.folder, { name, upstream: bench.upstream.port, workers: 1, filters: filters(1, path) });
  const subjects = [await start("sluice"), await start("sluice-shadow")];
  try {
    const [, shadowed] = subjects;
    if (shadowed === undefined) return [];
    // The admin API opens after the listeners.
    await warm(shadowed, bench.plan);
    await startShadow(shadowed.adminPort, { filter: "tier-1", version: "v1", percent: PERCENT });
    const busy = await alternate(subjects, bench.plan);
    const calm: Plan = { ...bench.plan, connections: FEW_CONNECTIONS, warmUp: 1 };
    const relaxed = await alternate(subjects, calm);
    return [...rowsOf(busy, relaxed), ...(await whatItDid(shadowed))];
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}

type Runs = ReadonlyMap<string, readonly Run[]>;

function rowsOf(busy: Runs, relaxed: Runs): readonly Row[] {
  const both = (runs: Runs): readonly [readonly Run[], readonly Run[]] => [
    runs.get("sluice-shadow") ?? [],
    runs.get("sluice") ?? [],
  ];
  const p50 = (runs: readonly Run[]) => figureOf(runs.map(({ p50Ms }) => p50Ms));
  const percent = (a: number, b: number): number => (a / b - 1) * 100;
  const peer = "no shadow";
  const [busyWith, busyWithout] = both(busy);
  const [with_, without] = both(relaxed);
  const cpu = combine(microsOf(busyWith), microsOf(busyWithout), percent);
  const calm = combine(p50(with_), p50(without), percent);
  const full = combine(p50(busyWith), p50(busyWithout), percent);
  return [
    rowOf({ id: "S1", what: "CPU/req without a shadow", unit: "us", figure: microsOf(busyWithout) }),
    rowOf({ id: "S1", what: `CPU/req with a shadow at ${PERCENT} %`, unit: "us", figure: microsOf(busyWith) }),
    rowOf({ id: "S1", what: `CPU/req added by a shadow at ${PERCENT} %`, peer, unit: "%", figure: cpu, gate: 10 }),
    rowOf({ id: "S1", what: `p50 added, ${FEW_CONNECTIONS} connections`, peer, unit: "%", figure: calm, gate: 3 }),
    rowOf({ id: "S1", what: "p50 added, at saturation of one core", peer, unit: "%", figure: full }),
  ];
}

/** A shadow that compared nothing costs nothing either. */
async function whatItDid({ adminPort }: Sluice): Promise<readonly Row[]> {
  const { compared, differing, dropped } = await shadowOf(adminPort, "tier-1");
  const count = (what: string, value: number, gate?: number): Row =>
    rowOf({ id: "S1", what, unit: "", figure: single(value), ...(gate === undefined ? {} : { gate }) });
  return [
    count("streams compared", compared),
    count("streams dropped, the CPU share being used up", dropped),
    count("differences of a version with itself", differing, 0),
  ];
}
