import { describe, expect, test } from "vitest";
import { Exposure } from "../../../host/experiment/exposure.ts";
import {
  addSums,
  ArmTally,
  binsOf,
  COLUMNS,
  columnOf,
  newSums,
  sumOf,
  type TallyPlan,
} from "../../../host/experiment/tally.ts";
import { quantileOf } from "../../../host/experiment/statistics/latency-bins.ts";
import { createUnitBook, UnitBook } from "../../../host/experiment/unit-book.ts";

const PLAN: TallyPlan = { slowMs: [50], filterMetrics: ["score"], events: ["paid"] };
const OK = {
  responseCode: 200,
  durationMs: 12,
  upstreamMs: 10,
  requestBytes: 3,
  responseBytes: 7,
  attempts: 1,
  startMs: 0,
};
const BAD = { ...OK, responseCode: 500, durationMs: 80 };

function tallyOf(arm: number, book = new UnitBook(createUnitBook(2)), alarms: number[] = []): ArmTally {
  return new ArmTally(PLAN, arm, book, (harmed) => void alarms.push(harmed));
}

const exposure = (tally: ArmTally, hash: number, perRequest = false): Exposure =>
  new Exposure(tally, { hash, bucket: hash % 500, perRequest }, null);
const column = (sums: NonNullable<ReturnType<ArmTally["take"]>>, name: (typeof COLUMNS)[number]): number =>
  sumOf(columnOf(sums, PLAN, COLUMNS.indexOf(name)));

describe("the sums of an arm", () => {
  test("hold requests, units and what each request was, in the bucket of its unit", () => {
    const tally = tallyOf(0);
    const one = exposure(tally, 7);
    one.fuel = 500;
    one.filterMs = 0.25;
    one.replied = true;
    one.record(0, 9);
    tally.add(one, OK, false);
    tally.add(exposure(tally, 7), BAD, true);
    tally.add(exposure(tally, 8), OK, false);
    const sums = tally.take()!;
    const found = Object.fromEntries(COLUMNS.map((name) => [name, column(sums, name)]));
    expect(found).toEqual({
      requests: 3,
      units: 2,
      errors: 1,
      localReplies: 1,
      latency: 104,
      added: 74,
      upstream: 30,
      fuel: 500,
      bytes: 21,
    });
    expect(columnOf(sums, PLAN, 0)[7]).toBe(2);
    expect(sumOf(columnOf(sums, PLAN, COLUMNS.length))).toBe(1);
    expect(sumOf(columnOf(sums, PLAN, COLUMNS.length + 1))).toBe(9);
    expect(sums.squares[COLUMNS.indexOf("latency")]).toBe(12 * 12 + 80 * 80 + 12 * 12);
    expect([...sums.responses]).toEqual([0, 0, 2, 0, 0, 1]);
    expect(quantileOf(binsOf(sums, 0), 1)).toBeGreaterThanOrEqual(80);
    expect([sums.attempts, sums.requestBytes]).toEqual([3, 9]);
  });

  test("are taken once, and add up over threads", () => {
    const book = new UnitBook(createUnitBook(2));
    const [one, other] = [tallyOf(1, book), tallyOf(1, book)];
    one.add(exposure(one, 7), OK, false);
    other.add(exposure(other, 7), OK, false);
    other.add(exposure(other, 9), OK, false);
    one.memory(4096);
    const sums = newSums(PLAN);
    for (const tally of [one, other]) addSums(sums, tally.take()!);
    expect([column(sums, "requests"), column(sums, "units"), sums.memoryBytes]).toEqual([3, 2, 4096]);
    expect([one.take(), other.take()]).toEqual([null, null]);
  });

  test("one broken client is one failure a minute; without a unit every failure counts", () => {
    const tally = tallyOf(0);
    for (let at = 0; at < 50; at++) tally.add(exposure(tally, 7), { ...BAD, startMs: at * 2000 }, true);
    expect([...tally.take()!.failures]).toEqual([2, 2]);
    for (let at = 0; at < 50; at++) tally.add(exposure(tally, at, true), BAD, true);
    expect([...tally.take()!.failures]).toEqual([50, 50]);
  });

  test("leave out a unit that was seen in another arm", () => {
    const book = new UnitBook(createUnitBook(2));
    const [control, candidate] = [tallyOf(0, book), tallyOf(1, book)];
    control.add(exposure(control, 7), OK, false);
    candidate.add(exposure(candidate, 7), OK, false);
    expect(candidate.take()).toBeNull();
    expect(book.mixed).toBe(1);
  });

  test("faults of a candidate raise the alarm, those of the control do not", () => {
    const alarms: number[] = [];
    const book = new UnitBook(createUnitBook(2));
    tallyOf(0, book, alarms).fault();
    expect([alarms, book.harmed]).toEqual([[], 0]);
    const candidate = tallyOf(1, book, alarms);
    for (let at = 0; at < 3; at++) candidate.fault();
    expect([alarms, book.closed, candidate.take()!.faults]).toEqual([[1, 2, 3], true, 3]);
  });
});
