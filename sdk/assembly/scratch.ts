// Per-callback memory. What the host hands over, and what is encoded for it, lives here until the outermost callback
// returns; only what does not fit goes to the heap, and is freed at the same moment. So a header callback makes no
// garbage, and memory stays flat (sdk.md 2.3: the fastest of seven strategies measured).
//
//   ROOM [ 32 KiB static, bumped from the left ........ top | free ]      spilled -> block -> block -> 0 (heap)
//
// The host may bump `top` itself instead of calling the allocator export: SCRATCH tells it where (see ../proxy.ts).

const CAPACITY: usize = 32768;
const ROOM: usize = memory.data(32768, 16);
/** Head of a spilled block: the address of the next one. 16 bytes keep what follows aligned. */
const HEAD: usize = 16;
/** A request above this is refused: the host sees 0 and reports a memory fault instead of the VM trapping. */
const MOST: usize = 1 << 30;

/** Three words: bytes of ROOM in use, address of ROOM, its capacity. */
export const SCRATCH: usize = memory.data<u32>([0, <u32>ROOM, <u32>CAPACITY]);
let spilled: usize = 0;
let depth: i32 = 0;

/** Counts outermost callbacks: a value stamped with an older number is out of date. 0 during start-up. */
export let generation: u32 = 0;

/** Where host calls write results: two or three words. */
export const out: usize = memory.data(32, 8);
/** First word of `out`: an address, an id or a token. */
export function outPtr(): usize {
  return load<usize>(out);
}
/** Second word of `out`: a size. */
export function outSize(): usize {
  return load<usize>(out, 4);
}

/** `size` bytes, aligned to 8, valid until the outermost callback returns. 0 for size 0 and for absurd sizes. */
export function scratch(size: usize): usize {
  if (size == 0 || size > MOST) return 0;
  const at = (load<usize>(SCRATCH) + 7) & ~7;
  if (at + size <= CAPACITY) {
    store<usize>(SCRATCH, at + size);
    return ROOM + at;
  }
  const block = heap.alloc(size + HEAD);
  store<usize>(block, spilled);
  spilled = block;
  return block + HEAD;
}

/** Gives the unused tail of the newest block back, so that a worst-case guess costs nothing. */
export function shrink(block: usize, size: usize): void {
  if (block >= ROOM && block < ROOM + CAPACITY) store<usize>(SCRATCH, block - ROOM + size);
}

/** Every export calls this first. A counter, because the host calls the allocator inside host calls. */
export function enter(): void {
  if (depth++ == 0) generation++;
}

/** ... and this last; the outermost one frees everything. */
export function leave(): void {
  if (--depth) return;
  store<usize>(SCRATCH, 0);
  while (spilled) {
    const next = load<usize>(spilled);
    heap.free(spilled);
    spilled = next;
  }
}
