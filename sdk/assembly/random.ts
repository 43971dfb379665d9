// Randomness for sampling and jitter, never for secrets. Portable and reproducible under a virtual clock: xorshift64*,
// seeded at first use from the host's clock and the running context (no WASI import).
import { nowNanos } from "./clock";
import { current } from "./scope";
import { fnv1aDecimal, fnv1aText } from "./text/hash";

let state: u64 = 0;

/** The next 64 bits. */
export function randomBits(): u64 {
  if (state == 0) {
    const context = current;
    state = (nowNanos() ^ ((<u64>(context ? context.id : 1)) << 32)) | 1;
  }
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1d;
}

/** Uniform in [0, 1). */
export function random(): f64 {
  return <f64>(randomBits() >> 11) / 9007199254740992.0;
}

/**
 * A sticky fraction in [0, 1): the same for the same `id` and `salt` in every filter, worker and hop. GrowthBook's v2
 * hash, `fnv1a(decimal(fnv1a(salt + id))) mod 10000 / 10000`, which the host's experiments use as well.
 */
export function stableFraction(id: string, salt: string = ""): f64 {
  return <f64>(fnv1aDecimal(fnv1aText(id, fnv1aText(salt))) % 10000) / 10000;
}
