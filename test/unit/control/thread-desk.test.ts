// What becomes of versions that a data thread takes with it when it ends.
import { expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import type { Runtime } from "../../../host/control/runtime.ts";
import { ThreadDesk } from "../../../host/control/thread-desk.ts";

/** Two data threads; `held`: keys of generations by thread. */
function stage(held: Record<number, string[]>) {
  const clock = new VirtualClock();
  const dropped: string[] = [];
  const retired: string[] = [];
  const alive = new Set([1, 2]);
  const runtime = {
    clock,
    events: { emit: ({ type, text }: { type: string; text: string }) => type === "retired" && retired.push(text) },
    committer: { committed: { snapshot: { epoch: 9, generations: [{ key: "f@v9:x" }] } }, lost() {}, restore() {} },
    taps: { lost() {}, isOpen: false },
    sampling: { isOpen: false },
    stores: { metrics: { drop: (scope: string) => dropped.push(scope) }, freeLocksOf() {} },
    threads: {
      stopping: false,
      get ids() {
        return [...alive];
      },
      respawn: (id: number) => void alive.add(id),
      collect: async () =>
        [...alive].map((id) => ({ generations: (held[id] ?? []).map((key) => ({ key, state: "live", streams: 0 })) })),
    },
  };
  const desk = new ThreadDesk(runtime as unknown as Runtime);
  const lose = async (id: number): Promise<void> => {
    alive.delete(id);
    held[id] = ["f@v9:x"];
    desk.lost(id, undefined);
    clock.advance(1000);
    await settle();
  };
  const free = async (id: number, key: string): Promise<void> => {
    held[id] = (held[id] ?? []).filter((one) => one !== key);
    desk.received(id, { type: "retired", key });
    await settle();
  };
  return { dropped, retired, lose, free };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};

test("a version is gone when the last thread has freed it", async () => {
  const { dropped, retired, free } = stage({ 1: ["f@v8:x", "f@v9:x"], 2: ["f@v8:x", "f@v9:x"] });
  await free(1, "f@v8:x");
  expect([dropped, retired]).toEqual([[], []]);
  await free(2, "f@v8:x");
  expect([dropped, retired]).toEqual([["f@v8"], ["f@v8  freed on all data threads"]]);
});

test("the last thread that had it ends: it is gone", async () => {
  const { dropped, free, lose } = stage({ 1: ["f@v8:x", "f@v9:x"], 2: ["f@v8:x", "f@v9:x"] });
  await free(1, "f@v8:x");
  await lose(2);
  expect(dropped).toEqual(["f@v8"]);
});

test("a successor that never had it is not waited for", async () => {
  const { dropped, free, lose } = stage({ 1: ["f@v8:x", "f@v9:x"], 2: ["f@v8:x", "f@v9:x"] });
  await lose(2);
  expect(dropped).toEqual([]);
  await free(1, "f@v8:x");
  expect(dropped).toEqual(["f@v8"]);
});

test("a version that runs again keeps its series", async () => {
  const { dropped, free, lose } = stage({ 1: ["f@v9:x", "f@v9:old"], 2: ["f@v9:x"] });
  await lose(2);
  await free(1, "f@v9:old");
  expect(dropped).toEqual([]);
});
