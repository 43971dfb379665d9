// What a tap's records may cost: number, size and rate are bounded, and what is given up is counted.
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../../host/base/clock.ts";
import { TapOutbox } from "../../../../host/data-plane/tap/outbox.ts";
import { begins, hasStatus, OpenTap } from "../../../../host/data-plane/tap/selection.ts";
import type { TappedMessage, TapSelection } from "../../../../host/link/tap.ts";
import { Refusal } from "../../../../host/vm/refusal.ts";
import { type Phase, Story } from "../../../../host/vm/story.ts";
import { record } from "../../../support/tap.ts";

const ANY: TapSelection = { filter: "", route: "", match: [], status: [], rate: 10, trace: false };

describe("the outbox", () => {
  function outbox() {
    const clock = new VirtualClock();
    const sent: TappedMessage[] = [];
    return { clock, sent, box: new TapOutbox(clock, (message) => void sent.push(message)) };
  }

  test("sends in bundles of at most 256 records, and says how many it gave up", () => {
    const { clock, sent, box } = outbox();
    for (let n = 0; n < 300; n++) box.add(1, record(), 100);
    box.add(2, record(), 100);
    expect(sent).toEqual([]);
    clock.advance(50);
    expect(sent[0]?.records).toHaveLength(256);
    expect(sent[0]?.lost).toEqual({ 1: 44, 2: 1 });
    box.add(1, record(), 100);
    clock.advance(50);
    expect(sent[1]).toMatchObject({ records: [{ tap: 1 }], lost: {} });
    expect(clock.pending).toBe(0);
  });

  test("a bundle holds at most 512 KiB of text", () => {
    const { clock, sent, box } = outbox();
    for (let n = 0; n < 20; n++) box.add(1, record(), 32 * 1024);
    clock.advance(50);
    expect(sent[0]?.records).toHaveLength(16);
    expect(sent[0]?.lost).toEqual({ 1: 4 });
  });
});

describe("a story", () => {
  const guest = { context: { id: 7 }, fuelLeft: 40, refusal: new Refusal() };

  test("keeps so many calls per phase, cuts long lines, and counts the rest", () => {
    const phases: [Phase, number, number][] = [];
    const tell = (...told: [Phase, number, number]): void => void phases.push(told);
    let now = 0;
    const story = new Story({ now: () => now, budget: 100, maxCalls: 2, tell });
    story.callbackBegan("proxy_on_request_headers", 5, [3, 1]);
    for (let n = 0; n < 5; n++) story.hostCall("x".repeat(2000));
    story.refused("why");
    now = 2;
    story.callbackEnded("proxy_on_request_headers", 1, guest);
    const [[phase, began, ended] = []] = phases;
    expect([began, ended]).toEqual([5, 7]);
    expect(phase).toMatchObject({ args: [3, 1], action: "pause", millis: 2, fuel: 60, omitted: 3, refusals: ["why"] });
    expect(phase?.hostCalls.map((line) => line.length)).toEqual([513, 513]);
  });

  test("a callback is told with the arguments it has; start-up has a budget of its own", () => {
    const phases: Phase[] = [];
    const story = new Story({ now: () => 0, budget: 10, maxCalls: 2, tell: (phase) => void phases.push(phase) });
    for (const name of ["proxy_on_log", "proxy_on_response_trailers", "proxy_on_request_body"]) {
      story.callbackBegan(name, 1, [4, 0]);
      story.callbackEnded(name, -1, guest);
    }
    expect(phases.map(({ args, action, fuel }) => [args, action, fuel])).toEqual([
      [[], "fault", null],
      [[4], "fault", null],
      [[4, 0], "fault", null],
    ]);
  });
});

describe("the selection", () => {
  const headers = [":method", "GET", ":path", "/a?b", ":authority", "h", "x-u", "1", "x-u", "2"];
  const request = { listener: "public", route: "all", headers, filters: ["gray"] };
  const match = (key: string, value: string, isPrefix = false) => ({ ...ANY, match: [{ key, value, isPrefix }] });

  test.each([
    [ANY, true],
    [{ ...ANY, filter: "gray" }, true],
    [{ ...ANY, filter: "other" }, false],
    [{ ...ANY, route: "all" }, true],
    [{ ...ANY, route: "rest" }, false],
    [match("listener", "public"), true],
    [match("host", "h"), true],
    [match("path", "/a", true), true],
    [match("path", "/a"), false],
    [match("x-u", "1, 2"), true],
    [match("x-u", "", true), true],
    [match("x-none", "", true), false],
  ])("%j: %s", (selection, wanted) => expect(begins(selection, request)).toBe(wanted));

  test("statuses are classes or numbers; 0 is no answer", () => {
    expect(hasStatus({ ...ANY, status: ["5xx"] }, 503)).toBe(true);
    expect(hasStatus({ ...ANY, status: ["5xx"] }, 404)).toBe(false);
    expect(hasStatus({ ...ANY, status: ["404"] }, 404)).toBe(true);
    expect(hasStatus({ ...ANY, status: ["0"] }, 0)).toBe(true);
    expect(hasStatus(ANY, 0)).toBe(true);
  });

  test("the rate begins anew each second", () => {
    const tap = new OpenTap({ id: 1, selection: { ...ANY, rate: 2 } });
    expect([0, 1, 2, 999].map((now) => tap.take(now))).toEqual([true, true, false, false]);
    expect([1000, 1001, 1002].map((now) => tap.take(now))).toEqual([true, true, false]);
  });
});
