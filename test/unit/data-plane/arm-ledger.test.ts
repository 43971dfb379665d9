import { describe, expect, test } from "vitest";
import { ArmLedger } from "../../../host/data-plane/arm-ledger.ts";

const place = { filter: "tag", experiment: "", arm: "" };

describe("arm ledger", () => {
  test("counts go on where they were when a snapshot asks again", () => {
    const ledger = new ArmLedger();
    ledger.countsOf(place, "v1").requests += 2;
    ledger.countsOf(place, "v1").requests += 3;
    expect(ledger.report()).toMatchObject([{ filter: "tag", version: "v1", requests: 5 }]);
  });

  test("arms of one version are counted apart", () => {
    const ledger = new ArmLedger();
    ledger.countsOf({ ...place, experiment: "e", arm: "a" }, "v1").requests++;
    ledger.countsOf({ ...place, experiment: "e", arm: "b" }, "v1").faults++;
    expect(ledger.report().map(({ arm, requests, faults }) => [arm, requests, faults])).toEqual([
      ["a", 1, 0],
      ["b", 0, 1],
    ]);
  });

  test("after many reloads the oldest versions are counted together and no count is lost", () => {
    const ledger = new ArmLedger();
    for (let version = 1; version <= 1000; version++) {
      const counts = ledger.countsOf(place, `v${version}`);
      counts.requests++;
      counts.responses[2] = 1;
    }
    const report = ledger.report();
    expect(report.length).toBeLessThanOrEqual(33);
    expect(report.reduce((sum, { requests }) => sum + requests, 0)).toBe(1000);
    expect(report.find(({ version }) => version === "other")?.responses[2]).toBe(1001 - report.length);
    expect(report.some(({ version }) => version === "v1000")).toBe(true);
  });

  test("a version that keeps serving keeps its line", () => {
    const ledger = new ArmLedger();
    for (let version = 2; version <= 100; version++) {
      ledger.countsOf(place, "v1").requests++;
      ledger.countsOf(place, `v${version}`).requests++;
    }
    expect(ledger.report().find(({ version }) => version === "v1")?.requests).toBe(99);
  });
});
