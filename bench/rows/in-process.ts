// P7 and P10, in this process and without sockets: what many routes add to a request, and how long a module takes from its
// bytes to its first finished callback.
import type { HeaderList } from "../../host/abi/headers.ts";
import type { RouteOptions } from "../../host/route/options.ts";
import { RouteTable } from "../../host/route/table.ts";
import { Harness } from "../../host/testing/harness.ts";
import { type Bench, wants } from "../bench.ts";
import { type Figure, combine, figureOf } from "../measure/statistics.ts";
import { type Row, rowOf } from "../row.ts";
import { withOtherBytes } from "../subjects/admin.ts";

const ROUNDS = 9;
const MATCHES = 100_000;
const MANY = 100_000;
const FEW = 10;
const LOADS = 40;

export async function inProcessRows(bench: Bench): Promise<readonly Row[]> {
  const rows: Row[] = [];
  if (wants(bench, "P7")) rows.push(routesRow());
  if (wants(bench, "P10")) rows.push(loadRow((await bench.build("tier")).wasm));
  return rows;
}

function routesRow(): Row {
  const figure = combine(matchMicros(MANY), matchMicros(FEW), (many, few) => many - few);
  const what = `routing: added by ${MANY.toLocaleString("en")} rules`;
  return rowOf({ id: "P7", what, peer: `${FEW} rules`, unit: "us", figure, gate: 3, stretch: 1 });
}

function matchMicros(count: number): Figure {
  const table = new RouteTable(Array.from({ length: count }, (_, at) => route(at)));
  const heads = Array.from({ length: 64 }, (_, at) => head(Math.floor((at * count) / 64)));
  const match = (): void => {
    for (let at = 0; at < MATCHES; at++) table.match(heads[at & 63] as HeaderList);
  };
  match();
  const micros: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    match();
    const { user, system } = process.cpuUsage(before);
    micros.push((user + system) / MATCHES);
  }
  return figureOf(micros);
}

const route = (at: number): RouteOptions => ({
  name: `route-${at}`,
  match: { prefix: `/service-${at % 1000}/part-${at}/`, headers: [] },
  action: { kind: "forward", clusters: [{ cluster: "one", weight: 1 }] },
  timeoutMs: 0,
  filters: { add: [], disable: [], override: {} },
});

const head = (at: number): HeaderList => [
  ":method",
  "GET",
  ":scheme",
  "http",
  ":authority",
  "bench",
  ":path",
  `/service-${at % 1000}/part-${at}/item?page=2`,
];

/** Validation, fuel rewriting, compiling, start-up, configuration and one callback. */
function loadRow(wasm: Uint8Array): Row {
  const millis = Array.from({ length: LOADS }, (_, at) => {
    const bytes = withOtherBytes(wasm, at);
    const startedMs = performance.now();
    new Harness([{ name: "tier", wasm: bytes }]).request();
    return performance.now() - startedMs;
  });
  const what = `cold load of a module of ${Math.round(wasm.length / 1024)} KiB: bytes to first callback finished`;
  return rowOf({ id: "P10", what, unit: "ms", figure: figureOf(millis.slice(LOADS / 4)), gate: 5, stretch: 1 });
}
