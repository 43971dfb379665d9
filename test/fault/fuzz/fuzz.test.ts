// A short run of the fuzzer with fixed seeds, and everything it ever found. `npm run fuzz` runs it for as long as you like.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";
import { Writer } from "./program.ts";

const CASES = join(import.meta.dirname, "../cases");
const kept = readdirSync(CASES)
  .filter((name) => /^fuzz-.*\.json$/.test(name))
  .map((name) => JSON.parse(readFileSync(join(CASES, name), "utf8")) as { readonly seed: number });

describe("the fuzzer", () => {
  test("finds nothing in two hundred rounds", { timeout: 300_000 }, () => {
    const found = Array.from({ length: 200 }, (_, at) => [at + 1, fuzz(at + 1)] as const);
    expect(found.filter(([, words]) => words !== "")).toEqual([]);
  });

  test("finds none of what it found before", () => {
    expect(kept.map(({ seed }) => fuzz(seed)).filter((words) => words !== "")).toEqual([]);
  });

  test("makes the same program of the same seed", () => {
    expect(new Writer(7).program()).toEqual(new Writer(7).program());
    expect(new Writer(8).program()).not.toEqual(new Writer(7).program());
  });
});
