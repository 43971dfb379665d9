// P1, P2, P3, P4, P6, P13, P14: CPU per request of the whole proxy over sockets, all variants in one session.
import { type Bench, wants } from "../bench.ts";
import { type Run, alternate, microsOf } from "../measure/alternate.ts";
import { type Figure, combine, ratio } from "../measure/statistics.ts";
import { type Row, rowOf, single } from "../row.ts";
import { type PeerName, startPeer } from "../subjects/peers.ts";
import { hasNginx } from "../subjects/nginx.ts";
import { type ScriptName, startScript } from "../subjects/nginx-scripts.ts";
import { type SluiceOptions, startSluice } from "../subjects/sluice.ts";
import type { Subject } from "../subjects/subject.ts";

const CHAIN = 20;

/** Which subjects a row needs. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  P1: ["nginx", "sluice"],
  P2: ["http-proxy", "undici", "sluice"],
  P3: ["sluice", "sluice+1"],
  P4: ["nginx+njs", "nginx+lua", "sluice+1"],
  P6: ["sluice+1", `sluice+${CHAIN}`],
  P13: ["sluice+1"],
  P14: ["sluice", "sluice-2-workers"],
};

export const PROXY_ROWS: readonly string[] = Object.keys(NEEDS);

export const filters = (count: number, path: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`tier-${at + 1}`, path]));

export async function proxyRows(bench: Bench): Promise<readonly Row[]> {
  const names = new Set(PROXY_ROWS.filter((id) => wants(bench, id)).flatMap((id) => NEEDS[id] ?? []));
  if (names.size === 0) return [];
  const subjects: Subject[] = [];
  try {
    for (const name of names) {
      const subject = await startOne(bench, name);
      if (subject !== null) subjects.push(subject);
    }
    return rowsOf(await alternate(subjects, bench.plan), (id) => wants(bench, id));
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}

async function startOne(bench: Bench, name: string): Promise<Subject | null> {
  const { folder, upstream } = bench;
  if (name.startsWith("nginx+")) return hasNginx ? startScript(name as ScriptName, folder, upstream.port) : null;
  if (!name.startsWith("sluice")) return startPeer(name as PeerName, folder, upstream.port);
  const count = Number(/\+(\d+)$/.exec(name)?.[1] ?? 0);
  const options: SluiceOptions = {
    name,
    upstream: upstream.port,
    workers: name.endsWith("2-workers") ? 2 : 1,
    filters: count === 0 ? {} : filters(count, (await bench.build("tier")).path),
  };
  return startSluice(folder, options);
}

type Runs = ReadonlyMap<string, readonly Run[]>;

function rowsOf(runs: Runs, wanted: (id: string) => boolean): Row[] {
  const rows = [...ratioRows(runs), ...filterRows(runs), ...threadRows(runs)].filter(({ id }) => wanted(id));
  return [...rows, ...plainRows(runs), failedRow(runs)];
}

function ratioRows(runs: Runs): Row[] {
  const rows: Row[] = [];
  const against = (id: string, peer: string, goal: { gate: number; stretch: number }, own = "sluice"): void => {
    const [mine, other] = [figureOf(runs, own), figureOf(runs, peer)];
    if (mine === null || other === null) return;
    const what = own === "sluice" ? "CPU/req without filters" : "CPU/req with one filter";
    rows.push(rowOf({ id, what, peer, unit: "x", figure: ratio(mine, other), ...goal }));
  };
  against("P1", "nginx", { gate: 1.6, stretch: 1.25 });
  against("P2", "http-proxy", { gate: 0.35, stretch: 0.25 });
  against("P2", "undici", { gate: 0.75, stretch: 0.55 });
  against("P4", "nginx+njs", { gate: 1.3, stretch: 1 }, "sluice+1");
  against("P4", "nginx+lua", { gate: 1.5, stretch: 1.2 }, "sluice+1");
  return rows;
}

function filterRows(runs: Runs): Row[] {
  const rows: Row[] = [];
  const [none, one, many] = ["sluice", "sluice+1", `sluice+${CHAIN}`].map((name) => figureOf(runs, name));
  if (one !== null && one !== undefined) {
    if (none !== null && none !== undefined) rows.push(added(none, one));
    if (many !== null && many !== undefined) rows.push(slope(one, many));
    rows.push(rowOf({ id: "P13", what: "CPU/req with one filter", unit: "us", figure: one, gate: 55, stretch: 33 }));
  }
  return rows;
}

function added(none: Figure, one: Figure): Row {
  const figure = combine(one, none, (a, b) => a - b);
  const what = "added by one SDK filter (2 get, 1 set), fuel on";
  return rowOf({ id: "P3", what, peer: "no filter", unit: "us", figure, gate: 2, stretch: 1 });
}

function slope(one: Figure, many: Figure): Row {
  const figure = combine(many, one, (a, b) => (a - b) / (CHAIN - 1));
  const what = `per filter from 1 to ${CHAIN}`;
  return rowOf({ id: "P6", what, peer: "one filter", unit: "us", figure, gate: 1, stretch: 0.5 });
}

function threadRows(runs: Runs): Row[] {
  const [one, two] = [runs.get("sluice"), runs.get("sluice-2-workers")];
  if (one === undefined || two === undefined) return [];
  const rss = Math.min(...two.map((run) => run.rssBytes)) - Math.min(...one.map((run) => run.rssBytes));
  const peer = "1 worker";
  const cpu = ratio(microsOf(two), microsOf(one));
  return [
    rowOf({ id: "P14", what: "CPU/req with 2 workers", peer, unit: "x", figure: cpu, gate: 1.05 }),
    rowOf({ id: "P14", what: "RSS of another worker", peer, unit: "MB", figure: single(rss / 2 ** 20), gate: 40 }),
  ];
}

/** What the ratios were made of. */
function plainRows(runs: Runs): Row[] {
  return [...runs].map(([name, of]) =>
    rowOf({ id: "-", what: `CPU/req of ${name}`, unit: "us", figure: microsOf(of) }),
  );
}

function failedRow(runs: Runs): Row {
  const failed = [...runs.values()].flat().reduce((sum, run) => sum + run.failed, 0);
  return rowOf({ id: "-", what: "failed requests in all runs", unit: "", figure: single(failed), gate: 0 });
}

function figureOf(runs: Runs, name: string): Figure | null {
  const found = runs.get(name);
  return found === undefined ? null : microsOf(found);
}
