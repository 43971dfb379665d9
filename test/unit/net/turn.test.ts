import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { atTurnEnd, enterTurn, inTurn, leaveTurn, turnTimeMs } from "../../../host/net/turn.ts";

const nextTick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

describe("a turn", () => {
  test("runs its tasks once, at the end of the outermost, with what they add", () => {
    const log: string[] = [];
    enterTurn();
    atTurnEnd({ turnEnded: () => (log.push("a"), atTurnEnd({ turnEnded: () => void log.push("b") })) });
    inTurn(() => void log.push("inner"));
    expect(log).toEqual(["inner"]);
    leaveTurn();
    expect(log).toEqual(["inner", "a", "b"]);
    inTurn(() => {});
    expect(log).toHaveLength(3);
  });

  test("outside of one, tasks run before the next event", async () => {
    const log: string[] = [];
    atTurnEnd({ turnEnded: () => void log.push("a") });
    atTurnEnd({ turnEnded: () => void log.push("b") });
    expect(log).toEqual([]);
    await nextTick();
    expect(log).toEqual(["a", "b"]);
  });

  test("reads the clock once", () => {
    const clock = new VirtualClock();
    enterTurn();
    const first = turnTimeMs(clock);
    clock.advance(5);
    expect(turnTimeMs(clock)).toBe(first);
    leaveTurn();
    expect(turnTimeMs(clock)).toBe(first + 5);
  });

  test("that throws leaves no turn open, and a task that throws does not stop the others", async () => {
    const log: string[] = [];
    const bad = {
      turnEnded: () => {
        throw new Error("task");
      },
    };
    expect(() =>
      inTurn(() => {
        throw new Error("event");
      }),
    ).toThrow("event");
    expect(() =>
      inTurn(() => {
        atTurnEnd(bad);
        atTurnEnd({ turnEnded: () => void log.push("other") });
      }),
    ).toThrow("task");
    await nextTick();
    expect(log).toEqual(["other"]);
    inTurn(() => atTurnEnd({ turnEnded: () => void log.push("later") }));
    expect(log).toEqual(["other", "later"]);
  });
});
