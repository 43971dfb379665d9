// The soak at a length for every day (`npm run soak -- --reloads 1000` is the whole), and that it sees what it is to see.
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { MOVES } from "./moves.ts";
import { faultsOf, soak, type SoakReport } from "./soak.ts";

const hasPrlimit = ((): boolean => {
  try {
    execFileSync("prlimit", ["--version"]);
    return true;
  } catch {
    return false;
  }
})();

/** Of a machine whose files can be limited from outside; the others leave the full disk out. */
const CHOSEN = Object.keys(MOVES).filter((name) => hasPrlimit || name !== "disk full");

// What is counted comes from /proc.
describe.runIf(process.platform === "linux")("reload under everything", () => {
  test("no request fails, memory is bounded, and nothing is left open", { timeout: 120_000 }, async () => {
    // Every move once before the base and once after it. The heap is young: growth is judged by the whole soak at 1.1.
    const report = await soak({ reloads: 23, warmUp: 23, connections: 4, moves: CHOSEN });
    expect(faultsOf(report, 1.25)).toEqual([]);
    expect([...report.moves.keys()].sort()).toEqual([...CHOSEN].sort());
    expect(report.requests).toBeGreaterThan(100);
    expect(report.lost).toBeLessThanOrEqual(2 * 4 * 2);
  });
});

test("what is wrong is said", () => {
  const quiet = {
    rssBytes: 100,
    heapBytes: 100,
    sockets: 0,
    timers: 1,
    instances: 3,
    guestBytes: 10,
    draining: 0,
    streams: 0,
    series: 5,
  };
  const report = { requests: 9, failures: [], lost: 0, base: quiet, end: quiet, complaints: [], exitCode: 0 };
  const faults = (more: object): readonly string[] => faultsOf({ ...report, ...more } as unknown as SoakReport, 1.1);
  expect(faults({})).toEqual([]);
  expect(faults({ failures: ["answered 503"] })).toEqual(["1 of 9 requests failed", "answered 503"]);
  expect(faults({ exitCode: 1 })).toEqual(["the process ended with 1"]);
  const leaks = {
    rssBytes: 111,
    heapBytes: 111,
    sockets: 1,
    timers: 9,
    instances: 4,
    guestBytes: 11,
    draining: 1,
    streams: 1,
  };
  for (const [what, amount] of Object.entries(leaks))
    expect(faults({ end: { ...quiet, [what]: amount } })).toEqual([expect.stringContaining(`${what}: `)]);
});
