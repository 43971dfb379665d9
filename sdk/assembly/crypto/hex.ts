// Bytes as hexadecimal digits and back.
import { Bytes } from "../bytes";
import { scratch } from "../scratch";
import { hexDigit } from "../text/hex";
import { decode } from "../text/utf8";

function digit(value: u8): u8 {
  return value < 10 ? value + 48 : value + 87;
}

/** Lower-case digits. */
export function toHex(bytes: Bytes): string {
  const from = bytes.ptr;
  const length = <usize>bytes.length;
  const to = scratch(length << 1);
  for (let i: usize = 0; i < length; i++) {
    const value = load<u8>(from + i);
    store<u8>(to + (i << 1), digit(value >> 4));
    store<u8>(to + (i << 1), digit(value & 15), 1);
  }
  return decode(to, length << 1);
}

/** The bytes that digits of either case stand for, null when they are none; valid until the callback returns. */
export function fromHex(text: Bytes): Bytes | null {
  if (text.length & 1) return null;
  const from = text.ptr;
  const length = <usize>text.length >> 1;
  const to = scratch(length);
  for (let i: usize = 0; i < length; i++) {
    const high = hexDigit(load<u8>(from + (i << 1)));
    const low = hexDigit(load<u8>(from + (i << 1), 1));
    if ((high | low) < 0) return null;
    store<u8>(to + i, <u8>((high << 4) | low));
  }
  return Bytes.at(to, length);
}
