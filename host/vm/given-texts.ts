// The texts that guests were given last, as words: when the next filter of the chain asks for the same header, it is a few
// stores instead of a call out of JavaScript. A text is known by its string object, which stays the same along the chain.
// One for the thread, and small: what it holds keeps the head of a request alive (bench: P6).

const SLOTS = 16;
/** Longer ones are written by Node as fast. */
const MAX_KEPT = 64;
const WORDS = MAX_KEPT / 4;

const TEXTS: string[] = Array.from({ length: SLOTS }, () => "");
const KEPT = new Uint32Array(SLOTS * WORDS);
const KEPT_BYTES = Buffer.from(KEPT.buffer);

/** Writes latin1 text to `bytes[at...]`, which is known to have room; `words` are the same memory. */
export function giveText(value: string, bytes: Buffer, words: Uint32Array, at: number): void {
  const { length } = value;
  if (length > MAX_KEPT || (at & 3) !== 0) {
    bytes.latin1Write(value, at, length);
    return;
  }
  const slot = (length + value.charCodeAt(0)) & (SLOTS - 1);
  if (TEXTS[slot] === value) copy(slot * WORDS, length, bytes, words, at);
  else {
    bytes.latin1Write(value, at, length);
    keep(slot, value, words, at);
  }
}

/** Whole words, and then the bytes that are left: what stands behind them is somebody else's. */
function copy(from: number, length: number, bytes: Buffer, words: Uint32Array, at: number): void {
  const whole = length >>> 2;
  const to = at >>> 2;
  for (let i = 0; i < whole; i++) words[to + i] = KEPT[from + i] as number;
  for (let i = whole << 2; i < length; i++) bytes[at + i] = KEPT_BYTES[from * 4 + i] as number;
}

/** The last word may hold more than the text: `copy` leaves that out. */
function keep(slot: number, value: string, words: Uint32Array, at: number): void {
  const from = at >>> 2;
  const count = (value.length + 3) >>> 2;
  for (let i = 0; i < count; i++) KEPT[slot * WORDS + i] = words[from + i] as number;
  TEXTS[slot] = value;
}
