// `npm run conformance`: runs the matrix and prints a table, or with --json the results as one object. Exits with 1 when
// a cell fails. `--guest wat,c`, `--plane worker` and `--case headers-` narrow it down; `--export` prints the cases
// themselves as data, each with its script in the form the probe guests read, and `--guests DIR` writes the guests in every
// form a case asks for (README.md).
import { mkdirSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { GuestName, PlaneName } from "./case.ts";
import { CASES, GUESTS, notIn, PLANES } from "./matrix.ts";
import { moduleFile } from "./planes/socket-config.ts";
import { runMatrix, type MatrixResult } from "./run-matrix.ts";
import { scriptText } from "./script.ts";
import { summaryOf, tableOf } from "./table.ts";
import { buildGuest, unavailable } from "./toolchains/guests.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    export: { type: "boolean", default: false },
    guests: { type: "string", default: "" },
    guest: { type: "string", default: GUESTS.join(",") },
    plane: { type: "string", default: PLANES.join(",") },
    case: { type: "string", default: "" },
  },
});

function chosen<T extends string>(given: string, all: readonly T[], what: string): T[] {
  const names = given.split(",");
  const unknown = names.find((name) => !all.some((one) => one === name));
  if (unknown !== undefined) throw new Error(`no ${what} "${unknown}"; there are ${all.join(", ")}`);
  return all.filter((one) => names.includes(one));
}

/** A pipe takes 64 KiB at a time, and the process may end before the rest: written synchronously. */
function print(text: string): void {
  const bytes = Buffer.from(`${text}\n`);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}

async function run(): Promise<MatrixResult> {
  const guests: GuestName[] = chosen(values.guest, GUESTS, "guest");
  const planes: PlaneName[] = chosen(values.plane, PLANES, "plane");
  return runMatrix({ guests, planes, ids: values.case.split(",") });
}

/** `DIR/<guest>/<module>`, under the names that --export gives. */
async function writeGuests(folder: string): Promise<void> {
  const names = chosen(values.guest, GUESTS, "guest").filter((name) => unavailable(name) === null);
  for (const name of names) {
    const guest = await buildGuest(name);
    mkdirSync(join(folder, name), { recursive: true });
    for (const one of CASES)
      if (notIn(one, { guest: name, plane: "in-process" }) === null)
        writeFileSync(join(folder, name, moduleFile(one)), guest.module(one.variant));
  }
}

if (values.guests !== "") await writeGuests(values.guests);
else if (values.export) {
  const list = CASES.map((one) => ({
    ...one,
    module: moduleFile(one),
    encoded: scriptText(one.script),
    ...(one.second === undefined ? {} : { encodedSecond: scriptText(one.second) }),
  }));
  print(JSON.stringify({ cases: list }));
} else {
  const result = await run();
  print(values.json ? JSON.stringify(result) : `${tableOf(result)}\n${summaryOf(result)}`);
  process.exitCode = result.cases.some(({ status }) => status === "fail") ? 1 : 0;
}
