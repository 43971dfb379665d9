// Base64 and base64url (RFC 4648 4 and 5), strict: no white space, no second spelling of the same bytes. Base64 is padded,
// base64url is not, as in JOSE and cookies.
import { Bytes } from "../bytes";
import { scratch } from "../scratch";
import { decode } from "../text/utf8";

const EQUALS: u8 = 61;

/** The character of six bits. */
function letter(bits: u32, url: bool): u8 {
  if (bits < 26) return <u8>(bits + 65);
  if (bits < 52) return <u8>(bits + 71);
  if (bits < 62) return <u8>(bits - 4);
  if (url) return bits == 62 ? 45 : 95;
  return bits == 62 ? 43 : 47;
}

/** Six bits of a character, 64 for any other. */
function bitsOf(c: u8, url: bool): u32 {
  if (c >= 65 && c <= 90) return c - 65;
  if (c >= 97 && c <= 122) return c - 71;
  if (c >= 48 && c <= 57) return c + 4;
  if (c == (url ? 45 : 43)) return 62;
  return c == (url ? 95 : 47) ? 63 : 64;
}

function write(bytes: Bytes, url: bool): string {
  const from = bytes.ptr;
  const length = <usize>bytes.length;
  const to = scratch(((length + 2) / 3) << 2);
  let end = to;
  for (let at: usize = 0; at < length; at += 3) {
    const left = length - at;
    const high = (<u32>load<u8>(from + at)) << 16;
    const middle = left > 1 ? (<u32>load<u8>(from + at, 1)) << 8 : 0;
    const bits = high | middle | (left > 2 ? <u32>load<u8>(from + at, 2) : 0);
    store<u8>(end, letter(bits >> 18, url));
    store<u8>(end, letter((bits >> 12) & 63, url), 1);
    store<u8>(end, left > 1 ? letter((bits >> 6) & 63, url) : EQUALS, 2);
    store<u8>(end, left > 2 ? letter(bits & 63, url) : EQUALS, 3);
    end += 4;
  }
  const padding: usize = length % 3 == 0 ? 0 : 3 - (length % 3);
  return decode(to, end - to - (url ? padding : 0));
}

/** Characters without padding; -1 where there is too much of it, too little, or none may be. */
function unpadded(text: Bytes, url: bool): i32 {
  const length = text.length;
  if (url) return length % 4 == 1 ? -1 : length;
  if (length % 4 != 0) return -1;
  if (length == 0 || text[length - 1] != EQUALS) return length;
  return text[length - 2] == EQUALS ? length - 2 : length - 1;
}

function read(text: Bytes, url: bool): Bytes | null {
  const characters = unpadded(text, url);
  if (characters < 0) return null;
  const from = text.ptr;
  const to = scratch(<usize>characters + 1);
  let size: usize = 0;
  let bits: u32 = 0;
  let known = 0;
  for (let i = 0; i < characters; i++) {
    const six = bitsOf(load<u8>(from + i), url);
    if (six > 63) return null;
    bits = (bits << 6) | six;
    known += 6;
    if (known < 8) continue;
    known -= 8;
    store<u8>(to + size++, <u8>(bits >> known));
  }
  // Bits that belong to no byte are 0, or the same bytes had several spellings.
  return bits & ((1 << known) - 1) ? null : Bytes.at(to, size);
}

/** Base64 with padding. */
export function toBase64(bytes: Bytes): string {
  return write(bytes, false);
}
/** Base64url without padding. */
export function toBase64Url(bytes: Bytes): string {
  return write(bytes, true);
}
/** The bytes of padded base64, null when it is none; valid until the callback returns. */
export function fromBase64(text: Bytes): Bytes | null {
  return read(text, false);
}
/** The bytes of unpadded base64url, null when it is none; valid until the callback returns. */
export function fromBase64Url(text: Bytes): Bytes | null {
  return read(text, true);
}
