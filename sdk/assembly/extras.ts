// Typed wrappers of sluice's foreign functions, each with what happens on hosts that lack it (abi.md 11.2).
import { Bytes } from "./bytes";
import { nowNanos } from "./clock";
import { Stream } from "./context";
import { Flow } from "./flow";
import { callForeign, lacking } from "./foreign";
import { current, onResponseSide } from "./scope";
import { scratch } from "./scratch";
import { SharedData, Updater } from "./shared-data";
import { encode, encodedSize } from "./text/utf8";
import { Task, Timer } from "./timer";

/** Answer of a rate limiter. */
export class Verdict {
  constructor(
    /** Whether the event fits. */
    public allowed: bool,
    /** Further events that would fit now. */
    public remaining: u32,
    /** When to come back, 0 when allowed. */
    public retryAfterNanos: u64,
  ) {}
}

/**
 * Generic cell rate algorithm: `limit` events per `periodNanos`, up to `burst` at once, each costing `cost`, per `key`.
 * *sluice*: one atomic step over all workers; elsewhere shared data with compare-and-set (four tries, then refused).
 */
export function gcra(key: string, limit: u32, periodNanos: u64, burst: u32, cost: u32 = 1): Verdict {
  const name = encode(key);
  const size = encodedSize;
  const args = scratch(20 + size);
  store<u64>(args, periodNanos);
  store<u32>(args, limit, 8);
  store<u32>(args, burst, 12);
  store<u32>(args, cost, 16);
  memory.copy(args + 20, name, size);
  const answer = callForeign("sluice.gcra", Bytes.at(args, 20 + size));
  if (answer && answer.length >= 13) {
    const at = answer.ptr;
    return new Verdict(load<u8>(at) != 0, load<u32>(at, 1), load<u64>(at, 5));
  }
  if (!lacking() || limit == 0) return new Verdict(false, 0, periodNanos);
  const cell = new Cell(periodNanos / limit, burst, cost);
  const stored = SharedData.update("gcra:" + key, cell);
  return stored ? cell.verdict() : new Verdict(false, 0, cell.interval);
}

/** The fallback's step: the value is the theoretical arrival time, u64 LE nanoseconds. */
class Cell extends Updater {
  private allowed: bool = false;
  private arrival: u64 = 0;
  private now: u64 = nowNanos();

  constructor(
    public interval: u64,
    private burst: u32,
    private cost: u32,
  ) {
    super();
  }
  next(old: Bytes | null): Bytes | null {
    const stored = old && old.length == 8 ? load<u64>(old.ptr) : 0;
    const from = max(stored, this.now);
    const next = from + this.interval * this.cost;
    this.allowed = next <= this.now + this.interval * max(this.burst, 1);
    this.arrival = this.allowed ? next : from;
    if (!this.allowed) return null;
    const value = scratch(8);
    store<u64>(value, next);
    return Bytes.at(value, 8);
  }
  verdict(): Verdict {
    const room = this.now + this.interval * max(this.burst, 1);
    if (!this.allowed) return new Verdict(false, 0, this.arrival + this.interval * this.cost - room);
    return new Verdict(true, <u32>((room - this.arrival) / max<u64>(this.interval, 1)), 0);
  }
}

/**
 * Adds to a counter shared by all workers and gives its new value. A name that starts with `inflight:` is undone by the
 * host when the stream ends. *sluice*; elsewhere shared data with compare-and-set, and `inflight:` is not undone.
 */
export function counterAdd(name: string, delta: i64): i64 {
  const text = encode(name);
  const size = encodedSize;
  const args = scratch(8 + size);
  store<i64>(args, delta);
  memory.copy(args + 8, text, size);
  const answer = callForeign("sluice.counter_add", Bytes.at(args, 8 + size));
  if (answer && answer.length == 8) return load<i64>(answer.ptr);
  if (!lacking()) return 0;
  const sum = new Sum(delta);
  SharedData.update("counter:" + name, sum);
  return sum.value;
}

class Sum extends Updater {
  value: i64 = 0;

  constructor(private delta: i64) {
    super();
  }
  next(old: Bytes | null): Bytes | null {
    const before = old && old.length == 8 ? load<i64>(old.ptr) : 0;
    this.value = before + this.delta;
    const bytes = scratch(8);
    store<i64>(bytes, this.value);
    return Bytes.at(bytes, 8);
  }
}

class Resume extends Task {
  constructor(
    private stream: Stream,
    private answer: bool,
  ) {
    super();
  }
  run(): void {
    this.stream.resumeSide(this.answer);
  }
}

/**
 * Holds this direction of the stream for `ms` (at most 60 000): `return delay(this, 250)`. *sluice*: the host waits by
 * itself; elsewhere a timer resumes. Continues at once when neither is possible.
 */
export function delay(stream: Stream, ms: u32): Flow {
  if (ms == 0) return Flow.Continue;
  const args = scratch(4);
  store<u32>(args, min<u32>(ms, 60000));
  if (callForeign("sluice.delay", Bytes.at(args, 4)) !== null) return Flow.Pause;
  if (!lacking() || current === null) return Flow.Continue;
  return Timer.after(ms, new Resume(stream, onResponseSide)) ? Flow.Pause : Flow.Continue;
}

/** Which route serves the request is decided anew with the current headers. *Envoy.* */
export function clearRouteCache(): bool {
  return callForeign("clear_route_cache") !== null;
}
