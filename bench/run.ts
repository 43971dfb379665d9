// `npm run bench`: measures the proxy against its yardsticks on this machine and judges the figures by the project's goals.
//
//   npm run bench -- [--only P1,P3] [--quick] [--json FILE] [--against REF] [--gate] [--readme]
//
// --against compares with another commit and measures nothing else; --gate exits with 1 when a gate is missed; --readme writes the
// table into README.md. Linux only.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Bench, openBench } from "./bench.ts";
import type { Plan } from "./measure/alternate.ts";
import { writeReadme } from "./readme.ts";
import { reportOf, table } from "./report.ts";
import { type Row, judge } from "./row.ts";
import { againstRows } from "./rows/against.ts";
import { bodyRows } from "./rows/bodies.ts";
import { callbackRows } from "./rows/callback.ts";
import { editRows } from "./rows/edit.ts";
import { experimentRows } from "./rows/experiment.ts";
import { footprintRows } from "./rows/footprint.ts";
import { http2Rows } from "./rows/http2.ts";
import { idleRows } from "./rows/idle.ts";
import { inProcessRows } from "./rows/in-process.ts";
import { isolationRows } from "./rows/isolation.ts";
import { proxyRows } from "./rows/proxy.ts";
import { reloadRows } from "./rows/reload.ts";
import { shadowRows } from "./rows/shadow.ts";
import { startRows } from "./rows/start.ts";
import { tlsRows } from "./rows/tls.ts";

const FULL: Plan = { rounds: 9, seconds: 1, connections: 64, warmUp: 20_000 };
const QUICK: Plan = { ...FULL, rounds: 3, warmUp: 15_000 };

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    against: { type: "string" },
    rounds: { type: "string" },
    gate: { type: "boolean", default: false },
    readme: { type: "boolean", default: false },
  },
});

const GROUPS = [
  callbackRows,
  experimentRows,
  inProcessRows,
  isolationRows,
  proxyRows,
  http2Rows,
  tlsRows,
  bodyRows,
  idleRows,
  reloadRows,
  shadowRows,
  editRows,
  startRows,
  footprintRows,
];

async function measure(bench: Bench): Promise<readonly Row[]> {
  if (values.against !== undefined) return againstRows(bench, values.against);
  const rows: Row[] = [];
  for (const group of GROUPS) rows.push(...(await group(bench)));
  return rows;
}

if (process.platform !== "linux") throw new Error("the bench reads /proc and runs on Linux only");
const { only, quick, json } = values;
const plan = { ...(quick ? QUICK : FULL), ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }) };
const bench = await openBench({ plan, quick, only: only === undefined ? null : new Set(only.split(",")) });
try {
  const report = reportOf(await measure(bench));
  const { rows, machine, node, generator, commit } = report;
  console.log(`${machine} · Node ${node} · ${generator} · ${commit}\n\n${table(rows)}`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  if (values.readme) writeReadme(report);
  if (values.gate && rows.some((row) => judge(row) === "MISS")) process.exitCode = 1;
} finally {
  await bench.close();
}
