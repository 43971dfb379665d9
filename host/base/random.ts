// Randomness enters the house here and nowhere else, so that tests and replays are exact.
import { randomFillSync } from "node:crypto";

export interface Random {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** Fills `bytes` in place. */
  fill(bytes: Uint8Array): void;
}

export const systemRandom: Random = {
  fraction: () => Math.random(),
  fill: (bytes) => void randomFillSync(bytes),
};

/** A repeatable source (mulberry32). Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { fraction, fill: (bytes) => bytes.forEach((_, at) => (bytes[at] = Math.floor(fraction() * 256))) };
}
