// The same bytes cut in every way that matters: whole, in two at each place, byte by byte, and at random. Finds what a
// filter does wrong where a word lies across the edge of two chunks.
import { deepStrictEqual } from "node:assert";
import type { Random } from "../base/random.ts";

/** Bodies longer than this are cut in two at so many places, evenly spread. */
const MAX_CUTS = 256;
const RANDOM_ROUNDS = 16;

/** Every way to cut; each is a list of chunks that give `body` again. */
export function* cutsOf(body: Buffer, random: Random): Generator<readonly Buffer[]> {
  yield [body];
  const step = Math.max(1, Math.ceil(body.length / MAX_CUTS));
  for (let at = 0; at <= body.length; at += step) yield [body.subarray(0, at), body.subarray(at)];
  if (body.length <= MAX_CUTS) yield Array.from(body, (_byte, at) => body.subarray(at, at + 1));
  for (let round = 0; round < RANDOM_ROUNDS; round++) yield randomCuts(body, random);
}

function randomCuts(body: Buffer, random: Random): readonly Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const size = 1 + Math.floor(random.fraction() * Math.max(1, body.length / 3));
    chunks.push(body.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** Runs `run` with every cut; all results must be equal to the first. @throws Error that names the cut */
export function sameForAll<T>(cuts: Iterable<readonly Buffer[]>, run: (chunks: readonly Buffer[]) => T): T {
  let first: { readonly result: T } | null = null;
  for (const chunks of cuts) {
    const result = run(chunks);
    first ??= { result };
    try {
      deepStrictEqual(result, first.result);
    } catch (error) {
      const cut = chunks.map((chunk) => JSON.stringify(chunk.toString("latin1"))).join(" + ");
      const words = error instanceof Error ? error.message : String(error);
      throw new Error(`cut as ${cut} the result is another one than in one piece:\n${words}`, { cause: error });
    }
  }
  if (first === null) throw new Error("there was nothing to run");
  return first.result;
}
