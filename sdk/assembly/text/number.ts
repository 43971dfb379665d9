// Numbers as text in scratch memory, without garbage: for header values and bodies written on the hot path.
import { Bytes } from "../bytes";
import { scratch } from "../scratch";

/** Decimal digits of `value`. */
export function formatInt(value: i64): Bytes {
  const room = scratch(24);
  let rest: u64 = value < 0 ? -(<u64>value) : <u64>value;
  let at = room + 24;
  do {
    store<u8>(--at, <u8>(48 + (rest % 10)));
    rest /= 10;
  } while (rest);
  if (value < 0) store<u8>(--at, 45);
  return Bytes.at(at, room + 24 - at);
}
