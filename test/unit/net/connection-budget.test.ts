// The cap on connections of the whole process, over threads that come and go.
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { connectionsFor, openFilesLimit } from "../../../host/control/open-files.ts";
import { ConnectionBudget, createConnectionBudget } from "../../../host/net/connection-budget.ts";

test("threads share one limit, and what one leaves another may take", () => {
  const handle = createConnectionBudget(2);
  const control = new ConnectionBudget(handle, 0);
  const [one, two] = [new ConnectionBudget(handle, 1), new ConnectionBudget(handle, 2)];
  control.limit(3);
  expect([one.enter(), one.enter(), two.enter(), two.enter(), one.enter()]).toEqual([true, true, true, false, false]);
  expect(control.open).toBe(3);
  one.leave();
  expect([two.enter(), two.enter()]).toEqual([true, false]);
});

test("a lower limit closes nothing and lets nobody in until there is room", () => {
  const handle = createConnectionBudget(1);
  const budget = new ConnectionBudget(handle, 1);
  for (let count = 0; count < 5; count++) budget.enter();
  budget.limit(2);
  expect(budget.open).toBe(5);
  for (let count = 0; count < 4; count++) budget.leave();
  expect([budget.enter(), budget.enter()]).toEqual([true, false]);
});

test("the connections of a thread that ended are given back", () => {
  const handle = createConnectionBudget(2);
  const control = new ConnectionBudget(handle, 0);
  const [one, two] = [new ConnectionBudget(handle, 1), new ConnectionBudget(handle, 2)];
  control.limit(2);
  one.enter();
  one.enter();
  control.forget(1);
  expect([two.enter(), two.enter(), two.enter()]).toEqual([true, true, false]);
});

test("four threads at once never get beyond the limit, and lose no count", async () => {
  const handle = createConnectionBudget(4);
  const control = new ConnectionBudget(handle, 0);
  control.limit(100);
  const url = new URL("../../../host/net/connection-budget.ts", import.meta.url).href;
  const code = `
    const { workerData, parentPort } = require("node:worker_threads");
    import(workerData.url).then(({ ConnectionBudget }) => {
      const budget = new ConnectionBudget(workerData.handle, workerData.thread);
      let held = 0;
      for (let turn = 0; turn < 100_000; turn++) {
        if (turn % 3 === 2 && held > 0) { budget.leave(); held--; }
        else if (budget.enter()) held++;
      }
      parentPort.postMessage(held);
    });`;
  const held = await Promise.all(
    [1, 2, 3, 4].map(
      (thread) =>
        new Promise<number>((done, failed) => {
          const worker = new Worker(code, { eval: true, workerData: { url, handle, thread } });
          worker.on("error", failed);
          worker.on("message", done);
        }),
    ),
  );
  expect(control.open).toBe(held.reduce((sum, one) => sum + one, 0));
  expect(control.open).toBeLessThanOrEqual(100);
});

test.each([
  [50_000, null, 50_000],
  [50_000, 1_048_576, 50_000],
  [50_000, 20_000, 18_000],
  [50_000, 1024, 512],
  [100, 1024, 100],
])("of %i connections wanted under %s files there are %i", (wanted, files, expected) => {
  expect(connectionsFor(wanted, files)).toBe(expected);
});

test("the limit on open files is read from what Linux says, and unknown elsewhere", () => {
  const text = "Limit                     Soft Limit           Hard Limit           Units\n";
  expect(
    openFilesLimit(() => `${text}Max open files            1024                 4096                 files\n`),
  ).toBe(1024);
  expect(
    openFilesLimit(() => `${text}Max open files            unlimited            unlimited            files\n`),
  ).toBeNull();
  expect(
    openFilesLimit(() => {
      throw new Error("no such file");
    }),
  ).toBeNull();
});
