// Faults are counted for as long as the process lives, over any number of versions.
import { expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { FaultDesk } from "../../../host/control/fault-desk.ts";
import type { FaultReport } from "../../../host/plugin/services.ts";
import type { Poison } from "../../../host/control/quarantine.ts";

function stage() {
  const poisons: Poison[] = [];
  const desk = new FaultDesk({
    clock: new VirtualClock(),
    emit: () => {},
    locate: () => [],
    limitsOf: () => ({ faults: 3, windowMs: 60_000 }),
    quarantine: (poison) => void poisons.push(poison),
  });
  const fail = (version: string): void =>
    desk.report(1, {
      filter: "f",
      version,
      renewInMs: 0,
      fault: { reason: "trap", callback: "proxy_on_tick", message: "", frames: [], hostCalls: [] },
    } as unknown as FaultReport);
  return { desk, poisons, fail };
}

test("a thousand versions that fail have a series each, those after them one together; no fault is lost", () => {
  const { desk, fail } = stage();
  for (let number = 1; number <= 1500; number++) fail(`v${number}`);
  fail("v7");
  const samples = desk.samples();
  expect(samples).toHaveLength(1001);
  expect(samples.at(-1)).toMatchObject({ labels: { filter: "f", version: "other", reason: "trap" }, value: 500 });
  expect(samples[6]).toMatchObject({ labels: { version: "v7" }, value: 2 });
  expect(desk.total("f")).toBe(1501);
});

test("a version that keeps failing is noticed among any number of others", () => {
  const { poisons, fail } = stage();
  for (let number = 1; number <= 3000; number++) {
    fail(`v${number}`);
    if (number % 500 === 0) fail("poison");
    if (number === 1500) expect(poisons.map(({ version }) => version)).toEqual(["poison"]);
  }
});
