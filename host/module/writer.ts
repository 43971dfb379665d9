// A growing byte buffer for a rewritten module, which also notes where each copied run came from.
export class ModuleWriter {
  #bytes: Uint8Array;
  #length = 0;
  readonly #offsets: number[] = [];

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  put(part: ArrayLike<number>): void {
    this.#room(part.length);
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
  }

  /** Copies `source[from, to)` and notes the run for the offset table. */
  copy(source: Uint8Array, from: number, to: number): void {
    if (to <= from) return;
    this.#offsets.push(this.#length, from);
    this.put(source.subarray(from, to));
  }

  /** Leaves five bytes for a size known later, a LEB128 padded to full length. */
  hole(): number {
    this.put([0, 0, 0, 0, 0]);
    return this.#length - 5;
  }

  /** Fills a hole with the count of bytes written since. */
  fill(hole: number): void {
    const size = this.#length - hole - 5;
    for (let at = 0; at < 5; at++) this.#bytes[hole + at] = ((size >>> (7 * at)) & 127) | (at < 4 ? 128 : 0);
  }

  finish(): { bytes: Uint8Array; offsets: Uint32Array } {
    return { bytes: this.#bytes.slice(0, this.#length), offsets: Uint32Array.from(this.#offsets) };
  }

  #room(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const next = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    next.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = next;
  }
}
