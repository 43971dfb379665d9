// A JSON number token, and its integer value without a detour through floating point: `1.50e2` is the integer 150, as
// JSON Schema counts integers, and 64-bit values stay exact.
import { scratch } from "../scratch";
import { decode } from "../text/utf8";

function isDigit(p: usize, end: usize): bool {
  return p < end && <u32>load<u8>(p) - 48 <= 9;
}

@unmanaged
export class JsonNumber {
  private start: usize;
  /** Bytes of the token. */
  size: usize;
  /** Whether the last `signed()` or `unsigned()` is the exact value. */
  exact: bool;
  private minus: bool;
  private overflow: bool;
  private exponent: i32;
  private digits: u64;

  /** The number at `p` by the grammar of RFC 8259 section 6, or null. */
  static scan(p: usize, end: usize): JsonNumber | null {
    const number = changetype<JsonNumber>(scratch(offsetof<JsonNumber>()));
    memory.fill(changetype<usize>(number), 0, offsetof<JsonNumber>());
    number.start = p;
    if (p < end && load<u8>(p) == 45) {
      number.minus = true;
      p++;
    }
    if (!isDigit(p, end)) return null;
    if (load<u8>(p) == 48) p++;
    else p = number.take(p, end, false);
    if (p < end && load<u8>(p) == 46) {
      if (!isDigit(p + 1, end)) return null;
      p = number.take(p + 1, end, true);
    }
    if (p < end && (load<u8>(p) | 32) == 101) p = number.takeExponent(p + 1, end);
    if (p == 0 || isDigit(p, end)) return null;
    number.size = p - number.start;
    return number;
  }
  /** The token as written. */
  get text(): string {
    return decode(this.start, this.size);
  }
  /** As i64; `exact` says whether that is the value. */
  signed(): i64 {
    const size = this.magnitude();
    if (this.minus) {
      this.exact = this.exact && size <= <u64>i64.MAX_VALUE + 1;
      return -(<i64>size);
    }
    this.exact = this.exact && size <= <u64>i64.MAX_VALUE;
    return <i64>size;
  }
  /** As u64. */
  unsigned(): u64 {
    const size = this.magnitude();
    this.exact = this.exact && (!this.minus || size == 0);
    return size;
  }

  private magnitude(): u64 {
    let value = this.digits;
    this.exact = !this.overflow;
    for (let e = this.exponent; e < 0 && value; e++) {
      this.exact = this.exact && value % 10 == 0;
      value /= 10;
    }
    for (let e = this.exponent; e > 0 && value && this.exact; e--) {
      this.exact = value <= u64.MAX_VALUE / 10;
      value *= 10;
    }
    return value;
  }
  private take(p: usize, end: usize, fraction: bool): usize {
    for (; isDigit(p, end); p++) {
      const digit = <u64>(load<u8>(p) - 48);
      if (this.digits > (u64.MAX_VALUE - digit) / 10) this.overflow = true;
      this.digits = this.digits * 10 + digit;
      if (fraction) this.exponent--;
    }
    return p;
  }
  /** 0 when malformed. */
  private takeExponent(p: usize, end: usize): usize {
    const minus = p < end && load<u8>(p) == 45;
    if (minus || (p < end && load<u8>(p) == 43)) p++;
    if (!isDigit(p, end)) return 0;
    let value = 0;
    for (; isDigit(p, end); p++) value = min(value * 10 + <i32>(load<u8>(p) - 48), 100000);
    this.exponent += minus ? -value : value;
    return p;
  }
}
