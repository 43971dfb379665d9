// The matrix as tests: one per guest and plane, so that a run says which column is broken; the cells are in the message.
import { beforeAll, describe, expect, test } from "vitest";
import { CASES, GUESTS, notIn, PLANES } from "./matrix.ts";
import { runMatrix, type MatrixResult } from "./run-matrix.ts";
import { scriptText } from "./script.ts";
import { summaryOf } from "./table.ts";

let result: MatrixResult;
beforeAll(async () => {
  result = await runMatrix();
  process.stdout.write(`${summaryOf(result)}\n`);
}, 180_000);

describe.each(GUESTS)("guest %s", (guest) => {
  test.for(PLANES)("every case passes on the plane %s", (plane, { skip }) => {
    const missing = result.skipped.find((one) => one.guest === guest);
    if (missing !== undefined) skip(missing.reason);
    const own = result.cases.filter((one) => one.guest === guest && one.plane === plane);
    const failed = own
      .filter(({ status }) => status === "fail")
      .map(({ id, section, detail }) => ({ id, section, detail }));
    expect(failed).toEqual([]);
    expect(own).toHaveLength(CASES.filter((one) => notIn(one, { guest, plane }) === null).length);
  });
});

describe("cases", () => {
  test("each has an id of its own", () => {
    const ids = CASES.map(({ id }) => id);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  });

  test("each runs somewhere", () => {
    const cells = GUESTS.flatMap((guest) => PLANES.map((plane) => ({ guest, plane })));
    expect(CASES.filter((one) => cells.every((cell) => notIn(one, cell) !== null)).map(({ id }) => id)).toEqual([]);
  });

  test("are data: they survive JSON", () => {
    expect(JSON.parse(JSON.stringify(CASES))).toEqual(CASES);
  });

  test("fit into the guests", () => {
    for (const { script, second } of CASES)
      for (const one of [script, second ?? []]) expect(scriptText(one)).toMatch(/^[0-9a-f]+$/);
  });
});
