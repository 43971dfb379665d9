// P15: large answers, with a length and in chunks. CPU per answer against nginx's, which is the inverse of bytes per CPU
// second: 2 x here is half of nginx's throughput.
import { type Bench, wants } from "../bench.ts";
import { type Plan, alternate, microsOf } from "../measure/alternate.ts";
import { usesWrk } from "../measure/load.ts";
import { ratio } from "../measure/statistics.ts";
import { type Row, rowOf, single } from "../row.ts";
import { hasNginx, startNginxFiles, startNginxProxy } from "../subjects/nginx.ts";
import { startSluice } from "../subjects/sluice.ts";
import { freePort, type Subject } from "../subjects/subject.ts";

interface Size {
  readonly name: string;
  readonly bytes: number;
  readonly connections: number;
  readonly warmUp: number;
}

const SIZES: readonly Size[] = [
  { name: "64 KiB", bytes: 64 * 1024, connections: 32, warmUp: 4000 },
  { name: "10 MiB", bytes: 10 * 1024 * 1024, connections: 4, warmUp: 60 },
];

/** Nothing without nginx and wrk: there would be nothing to compare with, and no load. */
export async function bodyRows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "P15") || !hasNginx || !usesWrk) return [];
  const files = await startNginxFiles(
    bench.folder,
    Object.fromEntries(SIZES.map(({ name, bytes }) => [file(name), bytes])),
  );
  const subjects: Subject[] = [files];
  try {
    subjects.push(await startNginxProxy(bench.folder, await freePort(), files.port));
    subjects.push(
      await startSluice(bench.folder, { name: "sluice-bodies", upstream: files.port, workers: 1, filters: {} }),
    );
    const rows: Row[] = [];
    for (const size of SIZES) {
      for (const framing of ["plain", "chunked"])
        rows.push(...(await compare(bench.plan, subjects.slice(1), size, framing)));
    }
    return rows;
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}

const file = (name: string): string => name.replace(" ", "-");

async function compare(
  plan: Plan,
  subjects: readonly Subject[],
  { name, connections, warmUp }: Size,
  framing: string,
): Promise<readonly Row[]> {
  const path = `/${framing}/${file(name)}`;
  const runs = await alternate(subjects, { ...plan, connections, warmUp, path });
  const [nginx, own] = subjects.map((subject) => microsOf(runs.get(subject.name) ?? []));
  if (nginx === undefined || own === undefined) return [];
  const failed = [...runs.values()].flat().reduce((sum, run) => sum + run.failed, 0);
  const what = `CPU/answer of ${name}, ${framing === "plain" ? "Content-Length" : framing}`;
  return [
    rowOf({ id: "P15", what, peer: "nginx", unit: "x", figure: ratio(own, nginx), gate: 2, stretch: 1.25 }),
    rowOf({ id: "-", what: `${what}, sluice`, unit: "us", figure: own }),
    rowOf({ id: "-", what: `${what}, failed`, unit: "", figure: single(failed), gate: 0 }),
  ];
}
