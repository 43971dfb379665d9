// The hostile battery as a test: every cell ends as it must, and nothing else is hurt.
import { describe, expect, test } from "vitest";
import { ProblemError } from "../../../host/base/problem.ts";
import { Harness } from "../../../host/testing/harness.ts";
import { hostile, MOMENTS } from "../../support/hostile.ts";
import { cells, runCell } from "./battery.ts";
import { ARGUMENT_DEEDS, DEEDS, REFUSED } from "./deeds.ts";

describe("the hostile battery", () => {
  test("is as large as it says: 60 deeds and more, in every callback", () => {
    expect(DEEDS.length).toBeGreaterThanOrEqual(60);
    expect(new Set([...DEEDS, ...ARGUMENT_DEEDS].map(({ name }) => name)).size).toBe(
      DEEDS.length + ARGUMENT_DEEDS.length,
    );
    expect(cells().length).toBeGreaterThan(DEEDS.length * Object.keys(MOMENTS).length);
  });

  const byMoment = Map.groupBy(cells(), ({ moment }) => moment);
  test.each([...byMoment.keys()])("in %s", (moment) => {
    const wrong = byMoment.get(moment)!.flatMap((cell) => {
      const outcome = runCell(cell);
      return outcome.wrong === "" ? [] : [`${cell.deed.name}: ${outcome.wrong}`];
    });
    expect(wrong).toEqual([]);
  });

  test.each(REFUSED)("$name is refused by name", ({ refused, ...deed }) => {
    const load = (): Harness => new Harness([{ name: "bad", wasm: hostile(deed, "") }]);
    expect(load).toThrow(ProblemError);
    expect(load).toThrow(refused);
  });
});
