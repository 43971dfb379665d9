// A head in both its forms: as text, from which names and values are cut, and as the bytes it was made of, in which single
// characters are looked at: reading a byte costs a fraction of asking a string for a character, and a head is looked at
// character by character (docs/performance.md).

export class HeadText {
  text = "";
  /** `bytes[base + at]` is `text.charCodeAt(at)`, over the whole of `text`. */
  bytes: Uint8Array = new Uint8Array(0);
  base = 0;
}

// One for the thread: a head is parsed in one go, and nothing of it is kept but strings.
const current = new HeadText();

/** `text` as found at `bytes[at]`. The result is lent until the next call. */
export function headText(text: string, bytes: Uint8Array, at: number): HeadText {
  current.text = text;
  current.bytes = bytes;
  current.base = at;
  return current;
}

/** `text` that was put together from several reads. */
export const headTextOf = (text: string): HeadText => headText(text, Buffer.from(text, "latin1"), 0);
