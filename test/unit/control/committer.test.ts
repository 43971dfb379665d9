// Two-phase commit over data threads that are played by the test.
import { createConnectionBudget } from "../../../host/net/connection-budget.ts";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { ProblemError } from "../../../host/base/problem.ts";
import { Committer, PREPARE_DEADLINE_MS, START_DEADLINE_MS, type Draft } from "../../../host/control/committer.ts";
import { Threads, type ThreadHandle } from "../../../host/control/threads.ts";
import type { FromData, ToData } from "../../../host/link/messages.ts";

interface Played {
  readonly heard: ToData[];
  say(message: FromData): void;
  die(): void;
}

function stage(count: number) {
  const clock = new VirtualClock();
  const epoch = new Int32Array(new SharedArrayBuffer(4));
  const played: Played[] = [];
  const lost: number[] = [];
  const spawn = (): ThreadHandle => {
    const exit = Promise.withResolvers<Error | undefined>();
    let handler: (message: FromData) => void = () => {};
    const heard: ToData[] = [];
    played.push({ heard, say: (message) => handler(message), die: () => exit.resolve(new Error("crashed")) });
    const link = {
      send: (message: ToData) => void heard.push(message),
      onMessage: (h: typeof handler) => void (handler = h),
      close: () => {},
    };
    return { link, exited: exit.promise, terminate: () => {} };
  };
  const threads: Threads = new Threads({
    count,
    init: {
      epoch: epoch.buffer as SharedArrayBuffer,
      threads: count,
      sharedData: null,
      sharedMetrics: null,
      sharedQueues: null,
      logLevel: 2,
      connections: createConnectionBudget(3),
      ticketKeys: new Uint8Array(48),
    },
    spawn,
    onMessage: (id, message) => {
      if (message.type === "prepared" || message.type === "refused") committer.received(id, message);
    },
    onLost: (id) => {
      lost.push(id);
      committer.lost(id);
    },
  });
  const committer: Committer = new Committer(() => threads, clock, epoch);
  const draft = (): Draft => ({
    snapshot: {
      epoch: committer.nextEpoch,
      listeners: [],
      clusters: [],
      generations: [],
      slots: [],
      drainTimeoutMs: 1000,
    },
    modules: [],
  });
  const types = (index: number): string[] => played[index]!.heard.map((message) => message.type);
  return { clock, epoch, played, lost, threads, committer, draft, types };
}

const prepared = (epoch: number): FromData => ({ type: "prepared", epoch, ports: {} });

describe("two-phase commit", () => {
  test("the epoch moves only after every thread is prepared", async () => {
    const { committer, draft, played, epoch, types } = stage(3);
    const commit = committer.commit(draft());
    played[0]!.say(prepared(1));
    played[1]!.say(prepared(1));
    await Promise.resolve();
    expect(epoch[0]).toBe(0);
    played[2]!.say(prepared(1));
    await commit;
    expect(epoch[0]).toBe(1);
    expect(types(2)).toEqual(["prepare", "committed"]);
  });

  test("one refusal leaves the old epoch everywhere and says why", async () => {
    const { committer, draft, played, epoch, types } = stage(2);
    const commit = committer.commit(draft());
    played[0]!.say(prepared(1));
    played[1]!.say({
      type: "refused",
      epoch: 1,
      problems: [{ kind: "config", code: "configure_refused", message: "rate must be positive" }],
    });
    await expect(commit).rejects.toThrow("rate must be positive");
    expect(epoch[0]).toBe(0);
    expect(types(0)).toEqual(["prepare", "abandon"]);
    expect(types(1)).toEqual(["prepare", "abandon"]);
  });

  test("silence past the deadline counts as a refusal and names the thread", async () => {
    const { committer, draft, played, epoch, clock } = stage(2);
    const start = committer.commit(draft());
    played.forEach(({ say }) => say(prepared(1)));
    await start;
    const commit = committer.commit(draft());
    played[0]!.say(prepared(2));
    clock.advance(PREPARE_DEADLINE_MS);
    await expect(commit).rejects.toThrow(/data thread 2 did not answer.*the old version keeps serving/);
    expect(epoch[0]).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test("threads that still load their code have longer for the first snapshot", async () => {
    const { committer, draft, played, clock } = stage(2);
    const start = committer.commit(draft());
    played[0]!.say(prepared(1));
    clock.advance(PREPARE_DEADLINE_MS);
    played[1]!.say(prepared(1));
    await start;
    expect(committer.committed).not.toBeNull();
  });

  test("a thread that never comes up is named, and nothing serves", async () => {
    const { committer, draft, clock } = stage(1);
    const start = committer.commit(draft());
    clock.advance(START_DEADLINE_MS);
    await expect(start).rejects.toThrow(/data thread 1 did not answer.*nothing serves yet/);
  });

  test("a thread that ends meanwhile counts as a refusal", async () => {
    const { committer, draft, played, epoch } = stage(2);
    const commit = committer.commit(draft());
    played[0]!.say(prepared(1));
    played[1]!.die();
    await expect(commit).rejects.toThrow(/ended while it prepared/);
    expect(epoch[0]).toBe(0);
  });

  test("an answer that comes after the round was given up changes nothing", async () => {
    const { committer, draft, played, epoch, clock } = stage(1);
    const first = committer.commit(draft());
    clock.advance(START_DEADLINE_MS);
    await expect(first).rejects.toThrow(ProblemError);
    const second = committer.commit(draft());
    played[0]!.say(prepared(1));
    await Promise.resolve();
    expect(epoch[0]).toBe(0);
    played[0]!.say(prepared(2));
    await second;
    expect(epoch[0]).toBe(2);
  });

  test("a respawned thread is brought to the committed snapshot", async () => {
    const { committer, draft, played, threads, types } = stage(1);
    const commit = committer.commit(draft());
    played[0]!.say(prepared(1));
    await commit;
    played[0]!.die();
    await Promise.resolve();
    await Promise.resolve();
    expect(threads.ids).toEqual([]);
    threads.respawn(1);
    committer.restore(1);
    expect(types(1)).toEqual(["prepare", "committed"]);
  });

  /** Two threads serve epoch 1, the second of them has just been respawned: it is played[2] from here on. */
  async function respawned() {
    const all = stage(2);
    const { committer, draft, played, threads } = all;
    const commit = committer.commit(draft());
    played.forEach(({ say }) => say(prepared(1)));
    await commit;
    played[1]!.die();
    await Promise.resolve();
    await Promise.resolve();
    threads.respawn(2);
    committer.restore(2);
    return all;
  }

  test("a commit waits for a respawned thread that still loads its code; the deadline counts from its first answer", async () => {
    const { committer, draft, played, clock, epoch } = await respawned();
    const commit = committer.commit(draft());
    played[0]!.say(prepared(2));
    clock.advance(PREPARE_DEADLINE_MS * 3);
    played[2]!.say(prepared(1));
    clock.advance(PREPARE_DEADLINE_MS - 1);
    played[2]!.say(prepared(2));
    await commit;
    expect([epoch[0], clock.pending]).toEqual([2, 0]);
  });

  test("a respawned thread that has loaded has no longer than the others", async () => {
    const { committer, draft, played, clock } = await respawned();
    const commit = committer.commit(draft());
    played[0]!.say(prepared(2));
    clock.advance(PREPARE_DEADLINE_MS * 2);
    played[2]!.say(prepared(1));
    clock.advance(PREPARE_DEADLINE_MS);
    await expect(commit).rejects.toThrow(/data thread 2 did not answer within 2000 ms; the old version keeps serving/);
  });

  test("a respawned thread that never loads holds up a commit for a bounded time, and one that runs for no longer than ever", async () => {
    const one = await respawned();
    const loading = one.committer.commit(one.draft());
    one.played[0]!.say(prepared(2));
    one.clock.advance(START_DEADLINE_MS);
    await expect(loading).rejects.toThrow(/data thread 2 did not answer within 15000 ms/);
    const two = await respawned();
    const silent = two.committer.commit(two.draft());
    two.clock.advance(PREPARE_DEADLINE_MS);
    await expect(silent).rejects.toThrow(/data thread 1 did not answer within 2000 ms/);
  });

  test.each([
    ["committed", true],
    ["given up", false],
  ])("a thread that is respawned during a commit takes what stands after it: %s", async (_end, accepted) => {
    const { committer, draft, played, threads, types } = stage(2);
    const first = committer.commit(draft());
    played.forEach(({ say }) => say(prepared(1)));
    await first;
    const commit = committer.commit(draft());
    played[1]!.say(prepared(2));
    played[1]!.die();
    await Promise.resolve();
    await Promise.resolve();
    threads.respawn(2);
    committer.restore(2);
    expect(types(2)).toEqual([]);
    played[0]!.say(accepted ? prepared(2) : { type: "refused", epoch: 2, problems: [] });
    await commit.catch(() => {});
    const epoch = accepted ? 2 : 1;
    expect(played[2]!.heard.slice(-2)).toMatchObject([
      { type: "prepare", snapshot: { epoch } },
      { type: "committed", epoch },
    ]);
  });

  test("a listener on port 0 is bound by the first thread, the others take its port", async () => {
    const { committer, draft, played } = stage(2);
    const base = draft();
    const listener = { name: "public", port: 0 } as Draft["snapshot"]["listeners"][number];
    const commit = committer.commit({ ...base, snapshot: { ...base.snapshot, listeners: [listener] } });
    expect(played[1]!.heard).toEqual([]);
    played[0]!.say({ type: "prepared", epoch: 1, ports: { public: 4242 } });
    await Promise.resolve();
    await Promise.resolve();
    expect(played[1]!.heard[0]).toMatchObject({ type: "prepare", ports: { public: 4242 } });
    played[1]!.say({ type: "prepared", epoch: 1, ports: { public: 4242 } });
    await commit;
  });
});
