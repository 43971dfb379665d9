// What a plugin context keeps of finished streams; recycle.ts says why and how.

@unmanaged
export class Spares {
  /** Address of a stream as it is when new; 0 = none yet, or not recyclable. */
  pristine: usize;
  /** Address of the first object that waits to be used again. */
  first: usize;
}

/** None yet. */
export function newSpares(): Spares {
  const at = heap.alloc(offsetof<Spares>());
  memory.fill(at, 0, offsetof<Spares>());
  return changetype<Spares>(at);
}
