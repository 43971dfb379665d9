// Runs the matrix: every case in every cell it has something to say in. Guests are built once; a socket plane starts one
// proxy per guest and protocol, the guests run side by side.
import type { Case, GuestName, PlaneName } from "./case.ts";
import { CASES, GUESTS, notIn, PLANES } from "./matrix.ts";
import { judge, type Cell, type Outcome } from "./outcome.ts";
import { runInProcess } from "./planes/in-process.ts";
import { SocketPlane } from "./planes/socket.ts";
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

export interface LeftOut {
  readonly id: string;
  readonly guest: GuestName;
  readonly plane: PlaneName;
  readonly reason: string;
}

export interface MatrixResult {
  readonly cases: readonly CellResult[];
  /** Cells that cannot show a case, with the reason. */
  readonly leftOut: readonly LeftOut[];
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
  const leftOut = built.flatMap((guest) => planes.flatMap((plane) => reasonsOf(wanted, { guest, plane })));
  return { cases: columns.flat(), leftOut, skipped };
}

function reasonsOf(cases: readonly Case[], cell: Cell): LeftOut[] {
  return cases.flatMap((one) => {
    const reason = notIn(one, cell);
    return reason === null ? [] : [{ id: one.id, ...cell, reason }];
  });
}

async function runGuest(guest: Guest, planes: readonly PlaneName[], cases: readonly Case[]): Promise<CellResult[]> {
  const results: CellResult[] = [];
  for (const plane of planes) {
    const cell: Cell = { guest: guest.name, plane };
    const fitting = cases.filter((one) => notIn(one, cell) === null);
    if (fitting.length === 0) continue;
    results.push(...(plane === "in-process" ? inProcess(guest, cell, fitting) : await onSockets(guest, cell, fitting)));
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

async function onSockets(guest: Guest, cell: Cell, cases: readonly Case[]): Promise<CellResult[]> {
  const plane = await SocketPlane.start(guest, cell.plane === "http2" ? "http2" : "http1");
  try {
    const results: CellResult[] = [];
    for (const one of plane.inOrder(cases)) {
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
