import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { Deadline, TICK_MS, TimerWheel } from "../../../host/base/timer-wheel.ts";

function setUp() {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const fired: number[] = [];
  const deadline = new Deadline({ deadlineReached: () => void fired.push(clock.monotonicMs()) });
  return { clock, wheel, fired, deadline };
}

describe("TimerWheel", () => {
  test.each([1, 19, 20, 21, 1000, 20_479, 20_480, 20_481, 100_000, 3_600_000])(
    "fires a deadline of %i ms at most a tick late and never early",
    (ms) => {
      const { clock, wheel, fired, deadline } = setUp();
      clock.advance(7);
      wheel.schedule(deadline, 7 + ms);
      clock.advance(ms + 3 * TICK_MS);
      expect(fired).toHaveLength(1);
      expect(fired[0]).toBeGreaterThanOrEqual(7 + ms);
      expect(fired[0]).toBeLessThanOrEqual(7 + ms + 2 * TICK_MS);
    },
  );

  test("a deadline that moves later fires once, at its last date", () => {
    const { clock, wheel, fired, deadline } = setUp();
    for (let now = 0; now < 1000; now += 10) {
      wheel.schedule(deadline, now + 100);
      clock.advance(10);
    }
    expect(fired).toEqual([]);
    clock.advance(200);
    expect(fired).toHaveLength(1);
    expect(fired[0]).toBeGreaterThanOrEqual(1090);
  });

  test("a deadline that moves nearer fires at the nearer date", () => {
    const { clock, wheel, fired, deadline } = setUp();
    wheel.schedule(deadline, 10_000);
    wheel.schedule(deadline, 100);
    clock.advance(200);
    expect(fired).toHaveLength(1);
    clock.advance(20_000);
    expect(fired).toHaveLength(1);
  });

  test("suspended and cancelled deadlines do not fire, and nothing is left behind", () => {
    const { clock, wheel, fired, deadline } = setUp();
    wheel.schedule(deadline, 100);
    wheel.suspend(deadline);
    clock.advance(30_000);
    wheel.schedule(deadline, clock.monotonicMs() + 100);
    wheel.cancel(deadline);
    clock.advance(30_000);
    expect(fired).toEqual([]);
    expect(wheel.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("an owner may schedule and cancel others while it is called", () => {
    const { clock, wheel, fired, deadline } = setUp();
    const other = new Deadline({ deadlineReached: () => void fired.push(-1) });
    const first = new Deadline({
      deadlineReached: () => {
        wheel.cancel(other);
        wheel.schedule(deadline, clock.monotonicMs() + 50);
      },
    });
    wheel.schedule(other, 100);
    wheel.schedule(first, 100);
    clock.advance(500);
    expect(fired).toHaveLength(1);
    expect(fired[0]).toBeGreaterThan(100);
  });

  test("a long sleep fires everything that fell due, once", () => {
    const { clock, wheel, fired, deadline } = setUp();
    wheel.schedule(deadline, 100);
    clock.advance(10_000_000);
    expect(fired).toHaveLength(1);
  });
});
