// Any number of timers over the one tick a plugin context has (abi.md 5.1). A heap ordered by deadline per root; the
// tick is set to the time until the next deadline, and stopped when none is left. Resolution 1 ms.
import { nowNanos } from "./clock";
import * as env from "./env";
import { onTick } from "./hooks";
import { Context, TimerSlot } from "./owner";
import { actOn, current } from "./scope";
import { Waiter } from "./waiter";

const MS: u64 = 1000000;

/** What a timer runs: an object with fields, where JavaScript would have a closure. */
export abstract class Task extends Waiter {
  /** When to run, nanoseconds since the Unix epoch. */
  deadline: u64 = 0;
  /** Nanoseconds between runs; 0 = once. */
  period: u64 = 0;
  /** Place in the heap, -1 outside. */
  place: i32 = -1;
  /** The heap it is in; null before its first start. */
  heap: TimerHeap | null = null;

  /** Runs on the stream (or root) that set the timer; dropped when that ended. */
  abstract run(): void;

  /** For `schedule`: puts this into `heap`, off again when the owner ends. */
  enlist(heap: TimerHeap, owner: Context): void {
    this.forget = (waiter: Waiter) => {
      const task = changetype<Task>(waiter);
      const heap = task.heap;
      if (heap) heap.remove(task);
    };
    this.heap = heap;
    this.attach(owner);
    heap.add(this);
  }
}

class TimerHeap extends TimerSlot {
  private tasks: Task[] = [];
  private tickMs: u32 = 0;

  add(task: Task): void {
    task.place = this.tasks.length;
    this.tasks.push(task);
    this.up(task.place);
  }
  remove(task: Task): void {
    const place = task.place;
    if (place < 0) return;
    task.place = -1;
    const last = this.tasks.pop();
    if (last === task) return;
    this.put(last, place);
    this.up(place);
    this.down(last.place);
  }
  /** The first task that is due at `now`, taken out; or null. */
  due(now: u64): Task | null {
    if (this.tasks.length == 0 || this.tasks[0].deadline > now) return null;
    const task = this.tasks[0];
    this.remove(task);
    return task;
  }
  /** Sets the host's tick to the next deadline. The period counts from the end of the callback. */
  arm(now: u64): void {
    let ms: u32 = 0;
    if (this.tasks.length) {
      const next = this.tasks[0].deadline;
      ms = next > now ? <u32>((next - now + MS - 1) / MS) : 1;
    }
    if (ms == this.tickMs) return;
    this.tickMs = ms;
    env.proxy_set_tick_period_milliseconds(ms);
  }

  private put(task: Task, place: i32): void {
    this.tasks[place] = task;
    task.place = place;
  }
  private up(place: i32): void {
    const task = this.tasks[place];
    for (; place > 0;) {
      const parent = (place - 1) >> 1;
      if (this.tasks[parent].deadline <= task.deadline) break;
      this.put(this.tasks[parent], place);
      place = parent;
    }
    this.put(task, place);
  }
  private down(place: i32): void {
    const task = this.tasks[place];
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.tasks.length) break;
      if (child + 1 < this.tasks.length && this.tasks[child + 1].deadline < this.tasks[child].deadline) child++;
      if (this.tasks[child].deadline >= task.deadline) break;
      this.put(this.tasks[child], place);
      place = child;
    }
    this.put(task, place);
  }
}

function heapOf(owner: Context): TimerHeap {
  const root = owner.root!;
  if (root.timers === null) root.timers = new TimerHeap();
  return changetype<TimerHeap>(root.timers);
}

/** Puts `task` into its root's heap. The build keeps `proxy_on_tick` exactly when this function is compiled. */
function schedule(task: Task, owner: Context, delayMs: u64, periodMs: u64): void {
  onTick(runTimers);
  const now = nowNanos();
  task.deadline = now + delayMs * MS;
  task.period = periodMs * MS;
  const heap = heapOf(owner);
  task.enlist(heap, owner);
  heap.arm(now);
}

/** Timers of the running callback's stream or root. *Portable.* */
export class Timer {
  /** Runs `task` once, after `ms`. False outside of callbacks. */
  static after(ms: u64, task: Task): bool {
    return Timer.start(task, ms, 0);
  }
  /** Runs `task` every `ms` (at least 1), first after `ms`. Missed runs are skipped, not caught up. */
  static every(ms: u64, task: Task): bool {
    const period = max<u64>(ms, 1);
    return Timer.start(task, period, period);
  }
  /** Stops it; fine when it is not running. */
  static cancel(task: Task): void {
    const heap = task.heap;
    if (heap === null) return;
    heap.remove(task);
    task.period = 0;
    task.detach();
    heap.arm(nowNanos());
  }

  private static start(task: Task, delay: u64, period: u64): bool {
    const owner = current;
    if (owner === null) return false;
    if (task.place >= 0) Timer.cancel(task);
    schedule(task, owner, delay, period);
    return true;
  }
}

/** For the dispatcher, through hooks.ts: the tick of `root`. */
function runTimers(root: Context): void {
  const heap = heapOf(root);
  const now = nowNanos();
  for (let task = heap.due(now); task; task = heap.due(now)) {
    const owner = task.owner;
    if (owner === null) continue;
    if (task.period) {
      task.deadline = max(task.deadline + task.period, now + 1);
      heap.add(task);
    } else task.detach();
    actOn(owner);
    task.run();
  }
  actOn(root);
  heap.arm(now);
}
