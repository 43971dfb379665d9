// The generic cell rate algorithm over state that all data threads share. One request is one foreign call without
// garbage; hosts that lack `sluice.gcra` get the same arithmetic over shared data with compare-and-set.
import { Bytes, callForeign, lastStatus, nowNanos, Rate, SharedData, Updater } from "@sluice/sdk";
import { NOT_FOUND } from "@sluice/sdk/assembly/abi/status";

/** u64 period, u32 limit, u32 burst, u32 cost; the key follows. */
const HEAD: i32 = 20;
/** Bytes of a key that are kept as they are. */
const LONGEST_KEY: i32 = 256;
const TRIES: i32 = 4;

/** Set once the host has said that it lacks `sluice.gcra`. */
let portable: bool = false;

/** The answer of the last `take()` is in the fields. */
export class Limiter {
  allowed: bool = false;
  /** Further events that would be allowed now. */
  remaining: u32 = 0;
  /** When the same event would be allowed, 0 when it is. */
  retryAfterNanos: u64 = 0;
  /** The state could not be read or written: the other fields say nothing. */
  failed: bool = false;
  private request: ArrayBuffer;
  private cell: Cell;
  private prefixEnd: i32;

  /**
   * @param intervalNanos time one event costs
   * @param prefix of all keys: tells limiters of one host apart
   */
  constructor(intervalNanos: u64, burst: u32, prefix: string) {
    const bytes = Bytes.from(prefix);
    const end = HEAD + bytes.length;
    const request = new ArrayBuffer(end + LONGEST_KEY);
    const at = changetype<usize>(request);
    // One event per interval instead of the rate's own numbers: the host then has nothing left to round.
    store<u64>(at, intervalNanos);
    store<u32>(at, 1, 8);
    store<u32>(at, burst, 12);
    store<u32>(at, 1, 16);
    memory.copy(at + HEAD, bytes.ptr, bytes.length);
    this.request = request;
    this.prefixEnd = end;
    this.cell = new Cell(intervalNanos, burst);
  }
  /** Counts one event of `key`. */
  take(key: Bytes): void {
    const at = changetype<usize>(this.request);
    const size = min(key.length, LONGEST_KEY);
    memory.copy(at + this.prefixEnd, key.ptr, size);
    // What does not fit is told apart by a hash: hosts bound the length of keys, and clients choose it.
    if (key.length > LONGEST_KEY) store<u32>(at + this.prefixEnd + size - 4, key.hash32());
    const request = Bytes.at(at, this.prefixEnd + size);
    if (portable || !this.askHost(request)) this.takeShared(request.slice(HEAD).toString());
  }

  /** False when the host lacks the function. */
  private askHost(request: Bytes): bool {
    const answer = callForeign("sluice.gcra", request);
    this.failed = answer === null || answer.length < 13;
    if (answer === null) return !(portable = lastStatus() == NOT_FOUND);
    if (this.failed) return true;
    this.allowed = answer[0] != 0;
    this.remaining = load<u32>(answer.ptr, 1);
    this.retryAfterNanos = load<u64>(answer.ptr, 5);
    return true;
  }
  private takeShared(key: string): void {
    const cell = this.cell;
    cell.now = nowNanos();
    this.failed = !SharedData.update("gcra:" + key, cell, TRIES);
    this.allowed = cell.ahead <= cell.tolerance;
    const used = this.allowed ? cell.ahead : cell.ahead - cell.interval;
    this.remaining = <u32>((cell.tolerance - used) / cell.interval);
    this.retryAfterNanos = this.allowed ? 0 : cell.ahead - cell.tolerance;
  }
}

/** One step on the stored value, the theoretical arrival time in u64 nanoseconds, little endian. */
class Cell extends Updater {
  now: u64 = 0;
  /** How far the arrival time lies ahead of now, this event included. */
  ahead: u64 = 0;
  tolerance: u64;
  private value: ArrayBuffer = new ArrayBuffer(8);

  constructor(
    public interval: u64,
    burst: u32,
  ) {
    super();
    this.tolerance = interval * burst;
  }
  next(old: Bytes | null): Bytes | null {
    const stored = old && old.length == 8 ? load<u64>(old.ptr) : 0;
    // Further ahead than the tolerance: the clock was set back. Blocked for one burst, not until the clock catches up.
    const used = stored > this.now ? min(stored - this.now, this.tolerance) : 0;
    this.ahead = used + this.interval;
    if (this.ahead > this.tolerance) return null;
    store<u64>(changetype<usize>(this.value), this.now + this.ahead);
    return Bytes.over(this.value);
  }
}

/** Nanoseconds one event of `rate` costs. Rounded down: after a whole period a whole period's events must fit. */
export function intervalOf(rate: Rate): u64 {
  return rate.periodNanos / rate.events;
}
