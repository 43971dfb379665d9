// A turn is everything that happens because of one event: bytes came, a timer fell due. What is written in a turn is held
// back and leaves at its end, so that a head and its body, or the answers to several pipelined requests, are one system
// call. Module state, since a turn belongs to the thread: every data thread has its own copy of this module.
import type { Clock } from "../base/clock.ts";

export interface TurnTask {
  /** Runs once at the end of the turn in which it was given to {@link atTurnEnd}. */
  turnEnded(): void;
}

/** Grows to the largest turn and keeps its length: cutting an array costs a call into the engine per turn. */
const tasks: (TurnTask | null)[] = [];
let count = 0;
let depth = 0;
let scheduled = false;
let nowMs = -1;

/** Every event handler of a socket or timer of this room begins with this and ends, whatever happens, with {@link leaveTurn}. */
export function enterTurn(): void {
  depth++;
}

export function leaveTurn(): void {
  try {
    // Tasks run inside the turn: what they cause is part of it.
    if (depth === 1 && count > 0) runTasks();
  } finally {
    depth--;
    if (depth === 0) nowMs = -1;
  }
}

/** A turn around `run`; for handlers that run too seldom for its closure to matter. */
export function inTurn(run: () => void): void {
  enterTurn();
  try {
    run();
  } finally {
    leaveTurn();
  }
}

/** Outside any turn (a filter's timer, a call-out of another room) the tasks run before the next event. */
export function atTurnEnd(task: TurnTask): void {
  tasks[count++] = task;
  if (depth === 0 && !scheduled) {
    scheduled = true;
    process.nextTick(runScheduled);
  }
}

/** Monotonic ms, read once per turn: a clock read costs as much as parsing two headers. */
export function turnTimeMs(clock: Clock): number {
  if (depth === 0) return clock.monotonicMs();
  if (nowMs < 0) nowMs = clock.monotonicMs();
  return nowMs;
}

function runScheduled(): void {
  scheduled = false;
  inTurn(() => {});
}

function runTasks(): void {
  let at = 0;
  try {
    while (at < count) {
      const task = tasks[at];
      tasks[at++] = null;
      task?.turnEnded();
    }
    count = 0;
  } finally {
    if (count > 0) keepFrom(at);
  }
}

/** A task has thrown: the others, answers to other clients among them, have their turn at once. */
function keepFrom(at: number): void {
  tasks.copyWithin(0, at, count);
  tasks.fill(null, count - at, count);
  count -= at;
  if (!scheduled) process.nextTick(runScheduled);
  scheduled = true;
}
