import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  bucketOf,
  bucketRanges,
  chooseVariation,
  equalWeights,
  hashToRatio,
  inNamespace,
  type RatioRange,
} from "../../../host/experiment/growthbook.ts";

interface Cases {
  readonly hash: readonly [string, string, number, number | null][];
  readonly getBucketRange: readonly [string, [number, number, number[] | null], RatioRange[]][];
  readonly chooseVariation: readonly [string, number, RatioRange[], number][];
  readonly inNamespace: readonly [string, string, [string, number, number], boolean][];
  readonly getEqualWeights: readonly [number, number[]][];
}
const file = new URL("../../data/growthbook/cases.json", import.meta.url);
const cases = JSON.parse(readFileSync(file, "utf8")) as Cases;
const rounded = (ranges: readonly RatioRange[]): number[][] =>
  ranges.map((range) => range.map((value) => Math.round(value * 1e6) / 1e6));

describe("GrowthBook's published vectors", () => {
  test("hash", () => {
    for (const [seed, value, version, expected] of cases.hash) {
      expect(hashToRatio(seed, value, version), `${seed} ${value} v${version}`).toBe(expected);
      if (version === 2) expect(bucketOf(seed, value)).toBe(Math.round((expected ?? 0) * 10_000));
    }
    expect(cases.hash.length).toBe(15);
  });

  test("getBucketRange", () => {
    for (const [name, [count, coverage, weights], expected] of cases.getBucketRange) {
      expect(rounded(bucketRanges(count, coverage, weights)), name).toEqual(expected);
    }
    expect(cases.getBucketRange.length).toBe(13);
  });

  test("chooseVariation", () => {
    for (const [name, ratio, ranges, expected] of cases.chooseVariation) {
      expect(chooseVariation(ratio, ranges), name).toBe(expected);
    }
    expect(cases.chooseVariation.length).toBe(13);
  });

  test("inNamespace", () => {
    for (const [name, unit, [id, from, to], expected] of cases.inNamespace) {
      expect(inNamespace(unit, { id, range: [from, to] }), name).toBe(expected);
    }
    expect(cases.inNamespace.length).toBe(16);
  });

  test("getEqualWeights", () => {
    for (const [count, expected] of cases.getEqualWeights) {
      expect(equalWeights(count).map((weight) => Math.round(weight * 1e8) / 1e8)).toEqual(expected);
    }
    expect(cases.getEqualWeights.length).toBe(6);
  });
});
