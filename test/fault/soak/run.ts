// `npm run soak -- --reloads 1000`: the soak in full, as a table. `--moves "version churn,disk full"` chooses, `--connections
// 0` reloads without load, as fast as it goes.
import { parseArgs } from "node:util";
import { MOVES } from "./moves.ts";
import { faultsOf, soak, type Quiet, type SoakReport } from "./soak.ts";

const { values } = parseArgs({
  options: {
    reloads: { type: "string", default: "1000" },
    "warm-up": { type: "string", default: "100" },
    connections: { type: "string", default: "16" },
    moves: { type: "string", default: Object.keys(MOVES).join(",") },
    growth: { type: "string", default: "1.1" },
  },
});
const moves = values.moves.split(",");
for (const name of moves) {
  if (!(name in MOVES)) throw new Error(`no move is called "${name}"; there are: ${Object.keys(MOVES).join(", ")}`);
}
const startedMs = performance.now();
const report = await soak({
  reloads: Number(values.reloads),
  warmUp: Number(values["warm-up"]),
  connections: Number(values.connections),
  moves,
  onMove: (name, reloads) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${reloads} ${name.padEnd(30)}`);
  },
});
process.stdout.write(`${table(report)}\n`);
const faults = faultsOf(report, Number(values.growth));
for (const fault of faults) process.stdout.write(`WRONG  ${fault}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;

function table({ moves: counts, requests, failures, lost, reloads, base, end, p99Ms }: SoakReport): string {
  const seconds = (performance.now() - startedMs) / 1000;
  const rows = [...counts].map(([name, { times, reloads: made, millis }]) =>
    [
      name.padEnd(28),
      String(times).padStart(7),
      String(made).padStart(9),
      (millis / times).toFixed(0).padStart(10),
    ].join(""),
  );
  const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  const quiet = (what: keyof Quiet): string => `${what.padEnd(28)} ${base[what]} -> ${end[what]}`;
  return [
    `${"move".padEnd(28)}  times  reloads   ms/move`,
    ...rows,
    `${reloads} reloads in ${seconds.toFixed(0)} s, ${requests} requests, ${failures.length} failed, ${lost} lost with their data thread, p99 ${p99Ms.toFixed(1)} ms`,
    "",
    "when all is quiet: after the warm-up -> at the end",
    `${"RSS".padEnd(28)} ${megabytes(base.rssBytes)} -> ${megabytes(end.rssBytes)} (x ${(end.rssBytes / base.rssBytes).toFixed(3)})`,
    `${"heaps".padEnd(28)} ${megabytes(base.heapBytes)} -> ${megabytes(end.heapBytes)}`,
    ...(["sockets", "timers", "instances", "guestBytes", "draining", "streams", "series"] as const).map(quiet),
  ].join("\n");
}
