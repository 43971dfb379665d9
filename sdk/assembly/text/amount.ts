// Numbers with units as people write them: `250ms`, `1.5 MiB`, `100/s`. The host reads the same texts (host/base/units.ts).

const LARGEST: u64 = 1 << 63;

/** A decimal number and the unit behind it. */
export class Amount {
  constructor(
    /** The digits without the point: 1.5 -> 15. */
    public digits: u64,
    /** Power of ten to divide by: 1.5 -> 10. */
    public scale: u64,
    /** What follows the number, without blanks. */
    public unit: string,
  ) {}

  /** `digits / scale * factor`, rounded; saturates at 2^63. */
  times(factor: u64): u64 {
    const whole = this.digits / this.scale;
    const broken = this.digits % this.scale;
    if (whole > LARGEST / factor) return LARGEST;
    // The broken part is below one unit: f64 holds it to the nanosecond for any unit up to an hour.
    return whole * factor + <u64>floor((<f64>broken / <f64>this.scale) * <f64>factor + 0.5);
  }

  /** Reads `text`; null unless it begins with a number of at most 15 digits. */
  static parse(text: string): Amount | null {
    const trimmed = text.trim();
    let digits: u64 = 0;
    let scale: u64 = 1;
    let seen = 0;
    let point = false;
    let i = 0;
    for (; i < trimmed.length; i++) {
      const c = trimmed.charCodeAt(i);
      if (c == 46 && !point && seen) point = true;
      else if (c >= 48 && c <= 57) {
        digits = digits * 10 + (c - 48);
        if (point) scale *= 10;
        seen++;
      } else break;
    }
    if (seen == 0 || seen > 15 || (point && scale == 1)) return null;
    return new Amount(digits, scale, trimmed.substring(i).trimStart());
  }
}
