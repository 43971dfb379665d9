// Short texts out of guest memory without making a string each time: the words of the guest's bytes pick a slot, and are
// compared with the words the string there was made from (the slot is only a guess). One table serves all instances of a
// thread: twenty filters use the same header names, and twenty tables would not stay in the processor's cache (bench: P6).
// Words instead of characters: what an SDK keeps of a literal begins at a word, and a name is three comparisons (bench: P5).
import { internalized } from "../abi/headers.ts";

const SLOTS = 1024;
/** Longer ones are rare and would let one guest fill the table with large strings. */
const MAX_INTERNED = 64;
const WORDS = MAX_INTERNED / 4;

/** Where bytes that do not begin at a word are laid out anew. One for the thread: nothing is kept in it. */
const LAID = new Uint32Array(WORDS);
const LAID_BYTES = new Uint8Array(LAID.buffer);

export class TextTable {
  readonly #texts: string[] = Array.from({ length: SLOTS }, () => "");
  readonly #words = new Uint32Array(SLOTS * WORDS);
  readonly #make: (text: string) => string;

  /** @param make what stands for a text that is not in the table; as long as the text */
  constructor(make: (text: string) => string) {
    this.#make = make;
  }

  /** The text at `bytes[at, at + length)`; `words` are the same memory. */
  lookup(bytes: Buffer, words: Uint32Array, at: number, length: number): string {
    if (length > MAX_INTERNED || length === 0) return this.#make(bytes.latin1Slice(at, at + length));
    if ((at & 3) === 0) return this.#find(bytes, words, at, length);
    LAID_BYTES.set(bytes.subarray(at, at + length));
    return this.#find(LAID_BYTES, LAID, 0, length);
  }

  #find(bytes: Uint8Array, words: Uint32Array, at: number, length: number): string {
    const from = at >>> 2;
    const last = (length - 1) >>> 2;
    // Behind the last byte stands something else: it is cut off.
    const tail = ((words[from + last] as number) & (0xffff_ffff >>> ((-length & 3) << 3))) >>> 0;
    const head = last === 0 ? tail : (words[from] as number);
    const slot = Math.imul(head ^ Math.imul(tail + length, 0x9e37_79b1), 0x85eb_ca6b) >>> 22;
    const text = this.#texts[slot] as string;
    if (text.length === length && this.#stands(slot * WORDS, words, from, last, tail)) return text;
    return this.#keep(slot, bytes, at, length);
  }

  #stands(at: number, words: Uint32Array, from: number, last: number, tail: number): boolean {
    const own = this.#words;
    if (own[at + last] !== tail) return false;
    for (let i = 0; i < last; i++) if (own[at + i] !== words[from + i]) return false;
    return true;
  }

  #keep(slot: number, bytes: Uint8Array, at: number, length: number): string {
    const own = Buffer.from(this.#words.buffer, slot * MAX_INTERNED, MAX_INTERNED).fill(0);
    own.set(bytes.subarray(at, at + length));
    return (this.#texts[slot] = this.#make(own.latin1Slice(0, length)));
  }
}

/** Header names: lower-cased, so that a name in capitals finds its lower-case twin. */
export const names: TextTable = new TextTable((text) => internalized(text.toLowerCase()));

/** Values that filters write: mostly the same few again and again. */
export const values: TextTable = new TextTable((text) => text);
