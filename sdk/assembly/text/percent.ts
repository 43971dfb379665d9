// Percent-decoding for query parameters (application/x-www-form-urlencoded, WHATWG URL section 5).
import { Bytes } from "../bytes";
import { scratch } from "../scratch";
import { hexDigit } from "./hex";
import { decode } from "./utf8";

/** `+` is a blank, `%41` is `A`; a malformed escape stays as it is. */
export function percentDecode(raw: Bytes): string {
  const to = scratch(raw.length);
  let size: usize = 0;
  for (let i = 0; i < raw.length; i++) {
    let c = raw[i];
    if (c == 43) c = 32;
    else if (c == 37 && i + 2 < raw.length) {
      const high = hexDigit(raw[i + 1]);
      const low = hexDigit(raw[i + 2]);
      if (high >= 0 && low >= 0) {
        c = <u8>((high << 4) | low);
        i += 2;
      }
    }
    store<u8>(to + size++, c);
  }
  return decode(to, size);
}
