// The desk ends a shadow thread that is in a loop which nothing else ends, and with it the shadows; traffic notices nothing.
import { expect, test } from "vitest";
import { VirtualClock } from "../../../../host/base/clock.ts";
import { EventHub } from "../../../../host/control/events.ts";
import { Sampling } from "../../../../host/control/record/sampling.ts";
import { ShadowDesk, type ShadowDeskParts } from "../../../../host/control/shadow/shadow-desk.ts";
import type { ToShadow } from "../../../../host/control/shadow/messages.ts";
import type { ShadowListener } from "../../../../host/control/shadow/thread-handle.ts";
import type { Version } from "../../../../host/control/version.ts";
import { FILTER_DEFAULTS } from "../../../../host/plugin/defaults.ts";

const version = (label: string): Version =>
  ({
    label,
    sha256: label,
    configSha256: "",
    options: { ...FILTER_DEFAULTS, name: "tag", source: "" },
  }) as unknown as Version;

function desk() {
  const clock = new VirtualClock();
  const sent: ToShadow[] = [];
  const freed: number[] = [];
  const threads: { listener: ShadowListener; terminated: boolean }[] = [];
  const sampling = new Sampling(() => {});
  const parts: ShadowDeskParts = {
    clock,
    sampling,
    events: new EventHub(clock),
    stores: {
      handles: { sharedData: {} },
      freeDataLocksOf: (thread: number) => void freed.push(thread),
    } as unknown as ShadowDeskParts["stores"],
    spaceOf: () => "f",
    live: () => version("v1"),
    find: () => version("v2"),
    spawn: (_data, listener) => {
      const thread = { listener, terminated: false };
      threads.push(thread);
      return { send: (message) => void sent.push(message), terminate: () => void (thread.terminated = true) };
    },
    threads: () => 2,
  };
  const shadows = new ShadowDesk(parts);
  const start = () => shadows.start({ filter: "tag", version: "v2", percent: 100, cpuPercent: 5, ignore: [] });
  const bundle = () => sampling.received({ type: "recorded", id: 1, text: "[]", streams: 0, dropped: 0 });
  return { clock, shadows, threads, sent, freed, sampling, start, bundle };
}

test("a thread that takes nothing for ten seconds is ended, its locks are freed, and its shadows end", () => {
  const { clock, shadows, threads, freed, sampling, start, bundle } = desk();
  start();
  bundle();
  clock.advance(9000);
  expect(shadows.report("tag").state).toBe("running");
  clock.advance(3000);
  expect(shadows.report("tag")).toMatchObject({ state: "ended", ended: "thread" });
  expect(threads).toMatchObject([{ terminated: true }]);
  expect(freed.length).toBeGreaterThan(0);
  expect(sampling.isOpen).toBe(false);
  expect(clock.pending).toBe(0);
});

test("one that takes what it is sent is left alone, however long it has nothing to do", () => {
  const { clock, shadows, threads, start, bundle } = desk();
  start();
  for (let at = 0; at < 5; at++) {
    bundle();
    clock.advance(8000);
    threads[0]?.listener.heard({ type: "taken", id: 1 });
  }
  clock.advance(60_000);
  expect(shadows.report("tag").state).toBe("running");
  expect(threads).toMatchObject([{ terminated: false }]);
  shadows.close();
});

test("after a hang the next shadow gets a thread of its own", () => {
  const { clock, shadows, threads, start, bundle } = desk();
  start();
  bundle();
  clock.advance(12_000);
  start();
  expect(threads).toHaveLength(2);
  expect(shadows.report("tag").state).toBe("running");
  shadows.close();
});
