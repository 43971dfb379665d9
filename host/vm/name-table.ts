// Short texts out of guest memory without making a string each time: the bytes pick a slot, and the string that stands there
// is compared character by character (the slot is only a guess). One table serves all instances of a thread: twenty filters
// use the same header names, and twenty tables would not stay in the processor's cache (bench: P6).
import { internalized } from "../abi/headers.ts";

const SLOTS = 1024;
/** Longer ones are rare and would let one guest fill the table with large strings. */
const MAX_INTERNED = 64;

class TextTable {
  readonly #slots: string[] = Array.from({ length: SLOTS }, () => "");
  readonly #make: (text: string) => string;

  /** @param make what stands for a text that is not in the table */
  constructor(make: (text: string) => string) {
    this.#make = make;
  }

  /** The text at `bytes[at, at + length)`. */
  lookup(bytes: Buffer, at: number, length: number): string {
    if (length > MAX_INTERNED || length === 0) return this.#make(bytes.latin1Slice(at, at + length));
    const index = slotOf(bytes, at, length);
    const known = this.#slots[index] as string;
    if (known.length === length && stands(known, bytes, at)) return known;
    return (this.#slots[index] = this.#make(bytes.latin1Slice(at, at + length)));
  }
}

/** Four characters tell most texts apart; those they do not tell apart take turns in one slot. */
function slotOf(bytes: Buffer, at: number, length: number): number {
  const last = at + length - 1;
  const sum =
    length * 0x1f1 +
    (bytes[at] as number) * 0x83 +
    (bytes[last] as number) * 0x25 +
    (bytes[at + (length >> 1)] as number) * 0x3b5 +
    (bytes[at + (length >> 2)] as number) * 0x1d;
  return (sum ^ (sum >>> 10)) & (SLOTS - 1);
}

function stands(text: string, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[at + i]) return false;
  return true;
}

/** Header names: lower-cased. A name in capitals never matches what stands in its slot and is made each time. */
export const names: TextTable = new TextTable((text) => internalized(text.toLowerCase()));

/** Values that filters write: mostly the same few again and again. */
export const values: TextTable = new TextTable((text) => text);
