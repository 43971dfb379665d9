import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../../host/base/random.ts";
import {
  boundWithoutEvents,
  evidenceOf,
  isWorse,
  logEvidence,
} from "../../../../host/experiment/statistics/beta-binomial.ts";
import {
  eValue,
  halfWidth,
  intervalOf,
  mixtureWidth,
  oneSidedWidth,
} from "../../../../host/experiment/statistics/confidence-sequence.ts";
import { adjust, covariateOf } from "../../../../host/experiment/statistics/cuped.ts";
import { combine, difference, meanOf } from "../../../../host/experiment/statistics/estimate.ts";
import { discoveries } from "../../../../host/experiment/statistics/false-discovery.ts";
import { binOf, LATENCY_BINS, quantileOf, upperEdge } from "../../../../host/experiment/statistics/latency-bins.ts";
import { logBeta, logGamma } from "../../../../host/experiment/statistics/log-gamma.ts";
import { filledBuckets, ratioOf } from "../../../../host/experiment/statistics/ratio.ts";
import { sampleRatio } from "../../../../host/experiment/statistics/sample-ratio.ts";
import { movedAs, withinLimit, worst } from "../../../../host/experiment/statistics/verdict.ts";

const LEVEL = { alpha: 0.05, tuning: 5000 };
/** Standard normal, Box and Muller. */
function normals(seed: number): () => number {
  const random = seededRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
}

describe("confidence sequences", () => {
  test("the mixture width of the design's example", () => {
    expect(mixtureWidth(LEVEL)).toBeCloseTo(0.03984, 6);
  });

  test("the half-widths are the published formulas", () => {
    const estimate = { value: 0.01, variance: 4e-6, units: 2000 };
    const rho = mixtureWidth(LEVEL);
    const n = estimate.units;
    const inner = n * rho ** 2 + 1;
    const two =
      Math.sqrt(4e-6 * n) * Math.sqrt(((2 * inner) / (n ** 2 * rho ** 2)) * Math.log(Math.sqrt(inner) / 0.05));
    expect(halfWidth(estimate, LEVEL)).toBeCloseTo(two, 12);
    const wide = mixtureWidth({ alpha: 0.1, tuning: 5000 });
    const outer = n * wide ** 2 + 1;
    const one = Math.sqrt(
      4e-6 * n * ((2 * outer) / (n ** 2 * wide ** 2)) * Math.log(1 + Math.sqrt(outer) / (2 * 0.05)),
    );
    expect(oneSidedWidth(estimate, LEVEL)).toBeCloseTo(one, 12);
    expect(one).toBeLessThan(two);
    expect(intervalOf(estimate, LEVEL)).toEqual({ low: 0.01 - two, high: 0.01 + two });
  });

  test("without a variance nothing is known", () => {
    expect(halfWidth({ value: 1, variance: 0, units: 100 }, LEVEL)).toBe(Infinity);
    expect(oneSidedWidth({ value: 1, variance: 1, units: 0 }, LEVEL)).toBe(Infinity);
    expect(eValue({ value: 1, variance: 0, units: 100 }, LEVEL)).toBe(1);
  });

  test("the e-value passes 1/alpha exactly where the interval leaves 0 out", () => {
    for (const units of [200, 5000, 100_000]) {
      const estimate = { value: 0, variance: 1 / units, units };
      const half = halfWidth(estimate, LEVEL);
      expect(eValue({ ...estimate, value: half }, LEVEL)).toBeCloseTo(20, 6);
    }
  });
});

describe("ratios over buckets", () => {
  test("the delta method is its definition", () => {
    const y = [3, 0, 5, 2];
    const n = [10, 0, 12, 6];
    const { value, variance } = ratioOf({ numerators: y, denominators: n }, 20);
    const mean = (list: number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
    const cov = (a: number[], b: number[]): number =>
      a.reduce((sum, one, at) => sum + (one - mean(a)) * (b[at]! - mean(b)), 0) / (a.length - 1);
    expect(value).toBeCloseTo(10 / 28, 12);
    const bracket = cov(y, y) - 2 * value * cov(y, n) + value ** 2 * cov(n, n);
    expect(variance).toBeCloseTo(bracket / (4 * mean(n) ** 2), 12);
    expect(filledBuckets(n)).toBe(3);
    expect(ratioOf({ numerators: [0], denominators: [0] }, 0)).toEqual({ value: 0, variance: 0, units: 0 });
  });

  test("heavy users are not taken for many: the per-request variance would be several times too small", () => {
    const random = seededRandom(3);
    const buckets = 500;
    const y = new Float64Array(buckets);
    const n = new Float64Array(buckets);
    const estimates: number[] = [];
    for (let run = 0; run < 200; run++) {
      y.fill(0);
      n.fill(0);
      for (let user = 0; user < 1000; user++) {
        const bucket = Math.floor(random.fraction() * buckets);
        const fails = random.fraction() < 0.1;
        n[bucket]! += 20;
        if (fails) y[bucket]! += 20;
      }
      estimates.push(ratioOf({ numerators: y, denominators: n }, 1000).value);
    }
    const truth = meanOf(
      200,
      estimates.reduce((a, b) => a + b, 0),
      estimates.reduce((a, b) => a + b * b, 0),
    );
    const said = ratioOf({ numerators: y, denominators: n }, 1000).variance;
    expect(said / (truth.variance * 200)).toBeGreaterThan(0.7);
    expect(said / (truth.variance * 200)).toBeLessThan(1.4);
    expect((0.1 * 0.9) / 20_000 / said).toBeLessThan(0.1);
  });
});

describe("CUPED", () => {
  test("takes away the share of the variance that the time before explains, and leaves the mean", () => {
    const draw = normals(4);
    const buckets = 20_000;
    const correlation = 0.8;
    const before = { numerators: new Float64Array(buckets), denominators: new Float64Array(buckets).fill(1) };
    const now = { numerators: new Float64Array(buckets), denominators: new Float64Array(buckets).fill(1) };
    for (let at = 0; at < buckets; at++) {
      const x = draw();
      before.numerators[at] = x;
      now.numerators[at] = 5 + correlation * x + Math.sqrt(1 - correlation ** 2) * draw();
    }
    const covariate = covariateOf([{ now, before }]);
    expect(covariate.theta).toBeCloseTo(correlation, 1);
    const plain = ratioOf(now, buckets);
    const adjusted = ratioOf(adjust(now, before, covariate), buckets);
    expect(adjusted.value).toBeCloseTo(plain.value, 6);
    expect(adjusted.variance / plain.variance).toBeCloseTo(1 - correlation ** 2, 1);
  });

  test("a covariate that says nothing changes nothing", () => {
    const flat = { numerators: [2, 2], denominators: [1, 1] };
    const now = { numerators: [1, 3], denominators: [1, 1] };
    const covariate = covariateOf([{ now, before: flat }]);
    expect(covariate.theta).toBe(0);
    expect(adjust(now, flat, covariate).numerators).toEqual([1, 3]);
    const none = { numerators: [0, 0], denominators: [0, 0] };
    expect(adjust(now, none, { theta: 1, mean: 9 }).numerators).toEqual([1, 3]);
  });
});

describe("e-process of rare events", () => {
  test("the closed form is the product of its single steps", () => {
    const share = 0.3;
    let product = 0;
    let x = 0;
    [1, 0, 1, 1, 0, 0, 1].forEach((inB, seen) => {
      product += inB
        ? Math.log((10 * share + x) / (10 + seen) / share)
        : Math.log((10 * (1 - share) + seen - x) / (10 + seen) / (1 - share));
      x += inB;
    });
    expect(logEvidence({ events: 7, candidate: x, share }, 10)).toBeCloseTo(product, 10);
  });

  test("steps with other shares multiply, and shares of nothing say nothing", () => {
    const steps = [
      { events: 12, candidate: 6, share: 0.1 },
      { events: 30, candidate: 22, share: 0.5 },
    ];
    const all = evidenceOf(steps);
    expect(all.logE).toBeCloseTo(logEvidence(steps[0]!, 10) + logEvidence(steps[1]!, 10), 12);
    expect([all.events, all.candidate, all.expected]).toEqual([42, 28, 16.2]);
    expect(logEvidence({ events: 5, candidate: 5, share: 1 }, 10)).toBe(0);
    expect(logEvidence({ events: 0, candidate: 0, share: 0.5 }, 10)).toBe(0);
  });

  test("an improvement is never worse, however sure", () => {
    const better = evidenceOf([{ events: 500, candidate: 50, share: 0.5 }]);
    expect(better.logE).toBeGreaterThan(100);
    expect(isWorse(better, 0.01)).toBe(false);
    expect(isWorse(evidenceOf([{ events: 500, candidate: 450, share: 0.5 }]), 0.01)).toBe(true);
  });

  test("no event among n units bounds the rate, tighter with more units, and true at all times", () => {
    expect(boundWithoutEvents(0, 0.05)).toBe(1);
    expect(boundWithoutEvents(500, 0.05)).toBeCloseTo(0.01, 2);
    expect(boundWithoutEvents(50_000, 0.05)).toBeLessThan(0.0002);
    // A rate p stays possible at n units without an event with probability (1-p)^n; ever excluding it must be rare.
    for (const p of [0.3, 0.01, 0.001]) {
      let first = 1;
      while (boundWithoutEvents(first, 0.05) >= p) first++;
      expect((1 - p) ** first).toBeLessThanOrEqual(0.05);
    }
  });
});

describe("sample ratio", () => {
  test("shows the classical chi-square, and is quiet below eight units in an arm", () => {
    const bad = sampleRatio({ events: 1000, candidate: 200, share: 0.1 }, 0.001);
    expect(bad).toMatchObject({ mismatch: true, observedShare: 0.2, plannedShare: 0.1, units: 1000 });
    expect(bad.chiSquare).toBeCloseTo(100 ** 2 / 100 + 100 ** 2 / 900, 9);
    expect(sampleRatio({ events: 900, candidate: 7, share: 0.5 }, 0.001).mismatch).toBe(false);
    expect(sampleRatio({ events: 0, candidate: 0, share: 0.5 }, 0.001)).toMatchObject({
      chiSquare: 0,
      mismatch: false,
    });
  });
});

describe("latency bins", () => {
  test("a quantile is at most a bin too high", () => {
    const bins = new Float64Array(LATENCY_BINS);
    for (let ms = 1; ms <= 1000; ms++) bins[binOf(ms)]!++;
    for (const [quantile, exact] of [
      [0.5, 500],
      [0.99, 990],
    ] as const) {
      const found = quantileOf(bins, quantile)!;
      expect(found).toBeGreaterThanOrEqual(exact);
      expect(found / exact).toBeLessThan(1.1);
    }
    expect(quantileOf(new Float64Array(LATENCY_BINS), 0.5)).toBeNull();
  });

  test("every time has a bin whose edges enclose it", () => {
    for (const ms of [0, 0.0005, 0.001, 0.37, 1, 20, 999, 1e7, NaN, -3]) {
      const bin = binOf(ms);
      expect(bin).toBeGreaterThanOrEqual(0);
      expect(bin).toBeLessThan(LATENCY_BINS);
      if (ms > 0.001 && ms < 1e6)
        expect([upperEdge(bin - 1) <= ms, ms < upperEdge(bin) * 1.000_001]).toEqual([true, true]);
    }
  });
});

describe("several metrics", () => {
  test("e-BH keeps the strongest as long as their number carries them", () => {
    expect(discoveries([100, 1, 45, 0.2], 0.05)).toEqual([true, false, true, false]);
    expect(discoveries([79, 1, 1, 1], 0.05)).toEqual([false, false, false, false]);
    expect(discoveries([], 0.05)).toEqual([]);
  });

  test("steps are combined by inverse variance, so that a change of weight and load fools nobody", () => {
    const steps = [
      { value: 1, variance: 1, units: 10 },
      { value: 4, variance: 0.5, units: 20 },
      { value: 99, variance: 0, units: 5 },
    ];
    expect(combine(steps)).toEqual({ value: 3, variance: 1 / 3, units: 30 });
    expect(combine([])).toBeNull();
    expect(combine([steps[2]!])).toBeNull();
    // Simpson: B is worse in both steps, yet pooled counts make it better.
    const rate = (bad: number, of: number) => meanOf(of, bad, bad);
    const inSteps = combine([difference(rate(18, 900), rate(3, 100)), difference(rate(20, 100), rate(207, 900))]);
    expect(inSteps!.value).toBeGreaterThan(0);
    expect(meanOf(1, 7, 49)).toEqual({ value: 7, variance: 0, units: 1 });
    expect(meanOf(0, 0, 0)).toEqual({ value: 0, variance: 0, units: 0 });
  });

  test("verdicts: inside, outside, or not yet known", () => {
    const tight = (value: number) => ({ value, variance: 1e-8, units: 100_000 });
    expect(withinLimit(tight(0.01), { max: 0.02, min: null }, LEVEL)).toBe("pass");
    expect(withinLimit(tight(0.03), { max: 0.02, min: null }, LEVEL)).toBe("fail");
    expect(withinLimit(tight(0.02), { max: 0.02, min: null }, LEVEL)).toBe("inconclusive");
    expect(withinLimit(tight(0.97), { max: null, min: 0.99 }, LEVEL)).toBe("fail");
    expect(withinLimit({ value: 0.5, variance: 0, units: 9 }, { max: 0.02, min: null }, LEVEL)).toBe("inconclusive");
    expect(movedAs({ low: 0.1, high: 0.2 }, "increase")).toBe("pass");
    expect(movedAs({ low: 0.1, high: 0.2 }, "decrease")).toBe("fail");
    expect(movedAs({ low: -0.2, high: -0.1 }, "decrease")).toBe("pass");
    expect(movedAs({ low: -0.1, high: 0.1 }, "increase")).toBe("inconclusive");
    expect(worst(["pass", "inconclusive", "fail"])).toBe("fail");
    expect(worst(["pass", "inconclusive"])).toBe("inconclusive");
    expect(worst([])).toBe("pass");
  });
});

test("ln gamma and ln beta", () => {
  expect(logGamma(5)).toBeCloseTo(Math.log(24), 12);
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 12);
  expect(logGamma(1e6) / 12_815_504.569_147_77).toBeCloseTo(1, 12);
  expect(logBeta(2, 3)).toBeCloseTo(Math.log(1 / 12), 12);
});
