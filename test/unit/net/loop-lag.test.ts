import { expect, test } from "vitest";
import type { Clock } from "../../../host/base/clock.ts";
import { LoopLag } from "../../../host/net/loop-lag.ts";

/** A clock whose timers fire when the test says, however late. */
class LateClock implements Clock {
  now = 0;
  pending: { dueMs: number; run: () => void } | null = null;
  nowNanos = (): bigint => 0n;
  nowMs = (): number => this.now;
  monotonicMs = (): number => this.now;
  after(ms: number, run: () => void) {
    const entry = { dueMs: this.now + ms, run };
    this.pending = entry;
    return { cancel: () => void (this.pending === entry && (this.pending = null)) };
  }
  /** The timer fires `lateMs` after it was due. */
  fire(lateMs: number): void {
    const { pending } = this;
    if (pending === null) throw new Error("no timer runs");
    this.pending = null;
    this.now = pending.dueMs + lateMs;
    pending.run();
  }
}

test("four late looks in a row are overload, and the first that is in time ends it", () => {
  const clock = new LateClock();
  const lag = new LoopLag(clock);
  lag.watch(100);
  for (let turn = 0; turn < 3; turn++) {
    clock.fire(150);
    expect(lag.over).toBe(false);
  }
  clock.fire(100);
  expect(lag.over).toBe(true);
  clock.fire(99);
  expect(lag.over).toBe(false);
});

test("one long pause, however long, is none", () => {
  const clock = new LateClock();
  const lag = new LoopLag(clock);
  lag.watch(100);
  for (let turn = 0; turn < 10; turn++) {
    clock.fire(60_000);
    expect(lag.over).toBe(false);
    clock.fire(0);
  }
});

test("without a limit no timer runs; taking the limit away ends the overload", () => {
  const clock = new LateClock();
  const lag = new LoopLag(clock);
  lag.watch(0);
  expect(clock.pending).toBeNull();
  lag.watch(10);
  for (let turn = 0; turn < 4; turn++) clock.fire(10);
  expect(lag.over).toBe(true);
  lag.watch(0);
  expect(lag.over).toBe(false);
  expect(clock.pending).toBeNull();
});
