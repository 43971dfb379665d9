// A filter in AssemblyScript, as a component, written directly on the canonical ABI: with string encoding utf16 a string of
// AssemblyScript passes as pointer and length in code units, with nothing to translate.
//   asc examples/components/count.ts -o count.core.wasm -O3 --runtime incremental --use abort=
//   sluice componentize count.core.wasm -o count.wasm
// Whatever the host passes belongs to the guest and is released here; what the guest answers is released in cabi_post_*.

import { log } from "./sluice-filter-host";

const INFO = 2;
const MUTATE: u8 = 1;
/** Name and value, each pointer and length. */
const PAIR = 16;
/** The answer's record: discriminant, then two lists. */
const ANSWER = memory.data(20, 4);

let count: u32 = 0;

export function cabi_realloc(old: usize, _oldSize: usize, align: usize, size: usize): usize {
  if (size == 0) return align;
  return old == 0 ? heap.alloc(size) : heap.realloc(old, size);
}

/** `request{method, path, authority, scheme, headers}`: five pairs of pointer and length. */
export function on_request(
  method: usize,
  methodLength: usize,
  path: usize,
  pathLength: usize,
  authority: usize,
  authorityLength: usize,
  scheme: usize,
  schemeLength: usize,
  headers: usize,
  headerCount: usize,
): usize {
  release(method, methodLength);
  release(authority, authorityLength);
  release(scheme, schemeLength);
  const where = take(path, pathLength);
  let agent = "none";
  for (let i: usize = 0; i < headerCount; i++) {
    const pair = headers + i * PAIR;
    const name = take(load<u32>(pair), load<u32>(pair, 4));
    const value = take(load<u32>(pair, 8), load<u32>(pair, 12));
    if (name == "user-agent") agent = value;
  }
  release(headers, headerCount);
  count++;
  if (where == "/log") say("request " + count.toString());
  if (where == "/trap") unreachable();
  if (where == "/loop") while (true) {}
  if (where == "/grow") while (memory.grow(1) >= 0) {}
  if (where == "/grow") unreachable();
  const set = heap.alloc(2 * PAIR);
  put(set, "x-count", count.toString());
  put(set + PAIR, "x-agent", agent);
  const remove = heap.alloc(8);
  text(remove, "x-secret");
  store<u8>(ANSWER, MUTATE);
  list(ANSWER + 4, set, 2);
  list(ANSWER + 12, remove, 1);
  return ANSWER;
}

export function cabi_post_on_request(answer: usize): void {
  heap.free(load<u32>(answer, 4));
  heap.free(load<u32>(answer, 12));
}

function say(words: string): void {
  log(INFO, changetype<usize>(words), words.length);
}

/** The host's text as a string of ours. */
function take(at: usize, length: usize): string {
  const copy = changetype<string>(__new(length << 1, idof<string>()));
  memory.copy(changetype<usize>(copy), at, length << 1);
  release(at, length);
  return copy;
}

/** An empty list or text is no block: its address is its alignment. */
function release(at: usize, length: usize): void {
  if (length > 0) heap.free(at);
}

function put(pair: usize, name: string, value: string): void {
  text(pair, name);
  text(pair + 8, value);
}

// The strings live until the collector runs, which it does not do before the host has read them.
function text(at: usize, value: string): void {
  list(at, changetype<usize>(value), value.length);
}

function list(at: usize, items: usize, length: usize): void {
  store<u32>(at, <u32>items);
  store<u32>(at, <u32>length, 4);
}
