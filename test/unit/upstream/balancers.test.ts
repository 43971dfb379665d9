import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../host/base/random.ts";
import { type Candidate, createBalancer } from "../../../host/upstream/balancers/balancer.ts";
import type { LbPolicy } from "../../../host/upstream/options.ts";

const POLICIES: readonly LbPolicy[] = ["roundRobin", "leastRequest", "random"];
const candidates = (...weights: number[]): Candidate[] => weights.map((weight) => ({ weight, load: 0 }));

function counts(policy: LbPolicy, list: readonly Candidate[], turns = 6000, avoid = -1): number[] {
  const balancer = createBalancer(policy, list, seededRandom(1));
  const found = list.map(() => 0);
  for (let turn = 0; turn < turns; turn++) {
    const at = balancer.pick(avoid);
    found[at] = (found[at] ?? 0) + 1;
  }
  return found;
}

describe.each(POLICIES)("%s", (policy) => {
  test("says -1 without candidates", () => {
    expect(createBalancer(policy, [], seededRandom(1)).pick(-1)).toBe(-1);
  });

  test("a single candidate is chosen even when it is to be avoided", () => {
    const balancer = createBalancer(policy, candidates(1), seededRandom(1));
    expect([balancer.pick(-1), balancer.pick(0)]).toEqual([0, 0]);
  });

  test("spreads evenly over equal weights", () => {
    for (const count of counts(policy, candidates(1, 1, 1))) expect(count).toBeGreaterThan(1850);
  });

  test("spreads in proportion to unequal weights", () => {
    const [a = 0, b = 0, c = 0] = counts(policy, candidates(1, 2, 3));
    expect(a / 1000).toBeCloseTo(1, 0);
    expect(b / 2000).toBeCloseTo(1, 0);
    expect(c / 3000).toBeCloseTo(1, 0);
    expect(a + b + c).toBe(6000);
  });

  test("never chooses the avoided one while there is another", () => {
    expect(counts(policy, candidates(1, 1, 1), 1000, 1)[1]).toBe(0);
    expect(counts(policy, candidates(1, 50), 1000, 1)[1]).toBe(0);
  });

  test("the same random source gives the same choices", () => {
    expect(counts(policy, candidates(1, 2, 3), 50)).toEqual(counts(policy, candidates(1, 2, 3), 50));
  });
});

describe("what each is for", () => {
  test("roundRobin spreads a heavy candidate out", () => {
    const balancer = createBalancer("roundRobin", candidates(3, 1), seededRandom(1));
    const row = Array.from({ length: 8 }, () => balancer.pick(-1)).join("");
    expect(row).not.toContain("0000");
    expect(row.replaceAll("0", "")).toHaveLength(2);
  });

  test("leastRequest prefers the one with less load per weight", () => {
    const list = [
      { weight: 1, load: 10 },
      { weight: 1, load: 0 },
    ];
    expect(counts("leastRequest", list, 100)).toEqual([0, 100]);
    const weighted = [
      { weight: 4, load: 4 },
      { weight: 1, load: 2 },
    ];
    expect(counts("leastRequest", weighted, 100)).toEqual([100, 0]);
  });
});
