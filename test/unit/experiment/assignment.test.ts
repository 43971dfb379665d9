import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../host/base/random.ts";
import { Assignment } from "../../../host/experiment/assignment.ts";
import { type ArmRanges, planRanges } from "../../../host/experiment/ranges.ts";

const size = (ranges: ArmRanges): number => ranges.reduce((sum, [from, to]) => sum + to - from, 0);
/** Owner of each bucket; fails when two arms own one or nobody does. */
const owners = (plan: readonly ArmRanges[]): number[] => {
  const owner = Array<number>(10_000).fill(-1);
  plan.forEach((ranges, arm) => ranges.forEach(([from, to]) => owner.fill(arm, from, to)));
  expect(plan.reduce((sum, ranges) => sum + size(ranges), 0)).toBe(10_000);
  expect(owner.includes(-1)).toBe(false);
  return owner;
};

describe("planning ranges", () => {
  test("arms lie side by side at first", () => {
    expect(planRanges(null, [90, 10])).toEqual([[[0, 9000]], [[9000, 10_000]]]);
    expect(planRanges(null, [100, 0])).toEqual([[[0, 10_000]], []]);
    expect(planRanges(null, [0, 0])).toEqual([[[0, 10_000]], []]);
    expect(planRanges(null, [1, 1, 1]).map(size)).toEqual([3334, 3333, 3333]);
    expect(planRanges(null, [])).toEqual([]);
  });

  test("a ramp moves one border, and a fall gives back the newest part first", () => {
    const ten = planRanges(null, [90, 10]);
    const half = planRanges(ten, [50, 50]);
    expect(half).toEqual([
      [[0, 5000]],
      [
        [9000, 10_000],
        [5000, 9000],
      ],
    ]);
    const quarter = planRanges(half, [75, 25]);
    expect(owners(quarter).slice(9000)).toEqual(Array(1000).fill(1));
    expect(planRanges(half, [90, 10])[1]).toEqual([[9000, 10_000]]);
    expect(planRanges(half, [100, 0])[1]).toEqual([]);
    expect(planRanges(half, [0, 100]).map(size)).toEqual([0, 10_000]);
  });

  test("arms may come and go", () => {
    const two = planRanges(null, [50, 50]);
    const three = planRanges(two, [40, 40, 20]);
    expect(three.map(size)).toEqual([4000, 4000, 2000]);
    const back = planRanges(three, [60, 40]);
    expect(back.map(size)).toEqual([6000, 4000]);
    expect(owners(back).map((arm) => arm === 1)).toEqual(owners(three).map((arm) => arm === 1));
  });

  test("over 2 000 random steps an arm whose weight does not fall keeps every bucket", () => {
    const random = seededRandom(11);
    for (let run = 0; run < 20; run++) {
      const arms = 2 + (run % 4);
      const draw = (): number[] => Array.from({ length: arms }, () => Math.floor(random.fraction() * 100));
      let plan = planRanges(null, draw());
      let before = owners(plan);
      for (let step = 0; step < 100; step++) {
        const next = planRanges(plan, draw());
        const after = owners(next);
        const kept = plan.map((ranges, arm) => size(next[arm] ?? []) >= size(ranges));
        const wrong = before.filter((arm, bucket) => kept[arm] === true && after[bucket] !== arm);
        expect(wrong).toEqual([]);
        const moved = before.filter((arm, bucket) => after[bucket] !== arm).length;
        const fallen = plan.reduce((sum, ranges, arm) => sum + Math.max(0, size(ranges) - size(next[arm] ?? [])), 0);
        expect(moved).toBe(fallen);
        plan = next;
        before = after;
      }
    }
  });
});

describe("assigning units", () => {
  test("a unit that moved to the candidate stays there while the ramp goes up", () => {
    let assignment = Assignment.fromWeights("salt", [99, 1]);
    const units = Array.from({ length: 5000 }, (_, at) => `user-${at}`);
    let inCandidate = new Set<string>();
    for (const weight of [1, 5, 25, 50, 100]) {
      assignment = assignment.withWeights([100 - weight, weight]);
      const now = new Set(units.filter((unit) => assignment.assign(unit) === 1));
      expect(inCandidate.difference(now).size).toBe(0);
      expect(Math.abs(now.size / units.length - weight / 100)).toBeLessThan(0.025);
      inCandidate = now;
    }
  });

  test("no unit means the control, and the same inputs the same arm", () => {
    const assignment = Assignment.fromWeights("s", [0, 100]);
    expect([assignment.assign(null), assignment.assign("u")]).toEqual([0, 1]);
    const again = new Assignment("s", assignment.ranges);
    expect([again.pickArm(0), again.pickArm(9999), again.pickArm(10_000)]).toEqual([1, 1, 0]);
    expect(
      () =>
        new Assignment(
          "s",
          Array.from({ length: 257 }, () => []),
        ),
    ).toThrow(/257/);
  });

  test("experiments with different salts are independent (chi-square of the cross table)", () => {
    const a = Assignment.fromWeights("experiment-a", [50, 50]);
    const b = Assignment.fromWeights("experiment-b", [50, 50]);
    const table = [0, 0, 0, 0];
    const count = 40_000;
    for (let at = 0; at < count; at++) table[a.assign(`user${at}`) * 2 + b.assign(`user${at}`)]!++;
    const [n00, n01, n10, n11] = table as [number, number, number, number];
    const chi = (count * (n00 * n11 - n01 * n10) ** 2) / ((n00 + n01) * (n10 + n11) * (n00 + n10) * (n01 + n11));
    expect(chi).toBeLessThan(10.83);
  });
});
