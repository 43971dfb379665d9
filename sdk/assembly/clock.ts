// The host's wall clock. It stands still within one callback, which makes replay and tests exact (abi.md 5.1).
import * as env from "./env";
import { out } from "./scratch";

/** Nanoseconds since the Unix epoch; constant within one callback. Not available at the top level. */
export function nowNanos(): u64 {
  return env.proxy_get_current_time_nanoseconds(out) == 0 ? load<u64>(out) : 0;
}

/** Milliseconds since the Unix epoch. */
export function nowMillis(): u64 {
  return nowNanos() / 1000000;
}
