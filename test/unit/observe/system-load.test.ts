import { expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { SystemSampler } from "../../../host/observe/system-load.ts";

test("load, CPU and lag are numbers of this machine, measured at most once a second", () => {
  const clock = new VirtualClock();
  const system = new SystemSampler(clock);
  const first = system.cpu();
  expect(first).toBeGreaterThan(0);
  clock.advance(999);
  expect(system.cpu()).toBe(first);
  clock.advance(1);
  expect(system.cpu()).toBeGreaterThanOrEqual(0);
  expect(system.load1()).toBeGreaterThanOrEqual(0);
  expect(system.eventLoopLagP99()).toBeGreaterThanOrEqual(0);
  clock.advance(10_000);
  expect(system.eventLoopLagP99()).toBeGreaterThanOrEqual(0);
  system.close();
});
