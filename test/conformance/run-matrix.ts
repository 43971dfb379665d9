// Runs the matrix: every case in every cell it has something to say in. Guests are built once; the worker plane starts one
// proxy per guest, the guests run side by side.
import type { Case, GuestName, PlaneName } from "./case.ts";
import { CASES, GUESTS, notIn, PLANES } from "./matrix.ts";
import { judge, type Cell, type Outcome } from "./outcome.ts";
import { runInProcess } from "./planes/in-process.ts";
import { WorkerPlane } from "./planes/worker.ts";
import { buildGuest, unavailable, type Guest } from "./toolchains/guests.ts";

/** One line of the report; `npm run conformance -- --json` prints a list of them. */
export interface CellResult {
  readonly id: string;
  readonly section: string;
  readonly guest: GuestName;
  readonly plane: PlaneName;
  readonly status: "pass" | "fail";
  /** What is wrong; "" for a pass. */
  readonly detail: string;
}

export interface MatrixResult {
  readonly cases: readonly CellResult[];
  /** Columns that could not be built here, with the reason. */
  readonly skipped: readonly { readonly guest: GuestName; readonly reason: string }[];
}

export interface MatrixChoice {
  readonly guests?: readonly GuestName[];
  readonly planes?: readonly PlaneName[];
  /** Only cases whose id begins with one of these. */
  readonly ids?: readonly string[];
}

export async function runMatrix(choice: MatrixChoice = {}): Promise<MatrixResult> {
  const { guests = GUESTS, planes = PLANES, ids = [""] } = choice;
  const wanted = CASES.filter(({ id }) => ids.some((begin) => id.startsWith(begin)));
  const skipped = guests.flatMap((guest) => {
    const reason = unavailable(guest);
    return reason === null ? [] : [{ guest, reason }];
  });
  const built = guests.filter((guest) => !skipped.some((one) => one.guest === guest));
  const columns = await Promise.all(built.map(async (guest) => runGuest(await buildGuest(guest), planes, wanted)));
  return { cases: columns.flat(), skipped };
}

async function runGuest(guest: Guest, planes: readonly PlaneName[], cases: readonly Case[]): Promise<CellResult[]> {
  const results: CellResult[] = [];
  for (const plane of planes) {
    const cell: Cell = { guest: guest.name, plane };
    const fitting = cases.filter((one) => notIn(one, cell) === null);
    if (fitting.length === 0) continue;
    results.push(...(plane === "worker" ? await onWorker(guest, cell, fitting) : inProcess(guest, cell, fitting)));
  }
  return results;
}

function inProcess(guest: Guest, cell: Cell, cases: readonly Case[]): CellResult[] {
  return cases.map((one) => {
    try {
      return resultOf(one, cell, judge(one, runInProcess(one, guest.module(one.variant)), cell));
    } catch (error) {
      // No case may make the host throw.
      return resultOf(one, cell, [`the host threw: ${error instanceof Error ? error.stack : String(error)}`]);
    }
  });
}

async function onWorker(guest: Guest, cell: Cell, cases: readonly Case[]): Promise<CellResult[]> {
  const plane = await WorkerPlane.start(guest.name, guest.module());
  try {
    const results: CellResult[] = [];
    for (const one of cases) {
      const outcome: Outcome = await plane.run(one);
      results.push(resultOf(one, cell, judge(one, outcome, cell)));
    }
    return results;
  } finally {
    await plane.close();
  }
}

const resultOf = ({ id, section }: Case, { guest, plane }: Cell, problems: readonly string[]): CellResult => ({
  id,
  section,
  guest,
  plane,
  status: problems.length === 0 ? "pass" : "fail",
  detail: problems.join("; "),
});
