// Field types of configurations that are more than a number: Duration ("250ms"), Size ("16MiB"), Percent (0 to 100) and
// Rate ("100/s"). `of` is for defaults in source code and aborts on a mistake (the build has checked it by then);
// `parse` gives null; `read` is what generated decoders call.
import { Amount } from "../text/amount";
import { JsonReader } from "./json-reader";

const MOST: u64 = u64.MAX_VALUE;

function nanosPer(unit: string): u64 {
  if (unit == "ms") return 1000000;
  if (unit == "s") return 1000000000;
  if (unit == "m") return 60000000000;
  if (unit == "h") return 3600000000000;
  if (unit == "us") return 1000;
  return unit == "ns" ? 1 : 0;
}

function bytesPer(unit: string): u64 {
  if (unit == "B") return 1;
  if (unit == "KiB") return 1024;
  if (unit == "MiB") return 1048576;
  if (unit == "GiB") return 1073741824;
  if (unit == "kB" || unit == "KB") return 1000;
  if (unit == "MB") return 1000000;
  return unit == "GB" ? 1000000000 : 0;
}

/** A span of time: `250ms`, `5s`, `1.5m`, `2h`, `10us`, `1ns`. */
export class Duration {
  constructor(
    /** Nanoseconds. */
    public nanos: u64,
  ) {}

  /** Whole milliseconds, rounded up so that a short time never becomes "none". */
  get millis(): u32 {
    return <u32>min<u64>((this.nanos + 999999) / 1000000, u32.MAX_VALUE);
  }
  /** Seconds with fraction. */
  get seconds(): f64 {
    return <f64>this.nanos / 1e9;
  }
  /** A text such as `250ms`; null when it is none. */
  static parse(text: string): Duration | null {
    const amount = Amount.parse(text);
    const factor = amount ? nanosPer(amount.unit) : 0;
    return amount && factor ? new Duration(amount.times(factor)) : null;
  }
  /** As `parse`, for defaults: aborts when the text is none. */
  static of(text: string): Duration {
    return assert(Duration.parse(text), "malformed duration");
  }
  /** For generated code: the value at the reader, or an error there. */
  static read(json: JsonReader, low: u64 = 0, high: u64 = MOST, expected: string = 'such as "250ms"'): Duration {
    const text = json.string();
    const value = Duration.parse(text);
    if (value && value.nanos >= low && value.nanos <= high) return value;
    json.fail("expected a duration " + expected + ', got "' + text + '"');
    return new Duration(low);
  }
}

/** A number of bytes: `16MiB`, `64kB`, `100B`. */
export class Size {
  constructor(public bytes: u64) {}

  /** A text such as `16MiB`; null when it is none. */
  static parse(text: string): Size | null {
    const amount = Amount.parse(text);
    const factor = amount ? bytesPer(amount.unit) : 0;
    return amount && factor ? new Size(amount.times(factor)) : null;
  }
  /** As `parse`, for defaults: aborts when the text is none. */
  static of(text: string): Size {
    return assert(Size.parse(text), "malformed size");
  }
  /** For generated code: the value at the reader, or an error there. */
  static read(json: JsonReader, low: u64 = 0, high: u64 = MOST, expected: string = 'such as "16MiB"'): Size {
    const text = json.string();
    const value = Size.parse(text);
    if (value && value.bytes >= low && value.bytes <= high) return value;
    json.fail("expected a size " + expected + ', got "' + text + '"');
    return new Size(low);
  }
}

/** A share from 0 to 100, written as a number. */
export class Percent {
  constructor(public value: f64) {}

  /** Whether a fraction in [0, 1) (`random()`, `stableFraction()`) falls into this share. */
  includes(fraction: f64): bool {
    return fraction * 100 < this.value;
  }
  /** For defaults. */
  static of(value: f64): Percent {
    assert(value >= 0 && value <= 100, "percent out of range");
    return new Percent(value);
  }
  /** For generated code: the value at the reader, or an error there. */
  static read(json: JsonReader, low: f64 = 0, high: f64 = 100, expected: string = "0-100"): Percent {
    return new Percent(json.float(low, high, expected));
  }
}

/** Events per time: `100/s`, `5/10s`, `1000/h`. */
export class Rate {
  constructor(
    public events: u32,
    /** Length of the period in nanoseconds. */
    public periodNanos: u64,
  ) {}

  /** A text such as `100/s`; null when it is none. */
  static parse(text: string): Rate | null {
    const slash = text.indexOf("/");
    const events = slash > 0 ? Amount.parse(text.substring(0, slash)) : null;
    if (!events || events.unit != "" || events.scale != 1 || events.digits > <u64>u32.MAX_VALUE) return null;
    const rest = text.substring(slash + 1).trim();
    // `/s` is short for `/1s`.
    const period = Duration.parse(nanosPer(rest) ? "1" + rest : rest);
    return period && period.nanos ? new Rate(<u32>events.digits, period.nanos) : null;
  }
  /** As `parse`, for defaults: aborts when the text is none. */
  static of(text: string): Rate {
    return assert(Rate.parse(text), "malformed rate");
  }
  /** For generated code: the value at the reader, or an error there. */
  static read(json: JsonReader): Rate {
    const text = json.string();
    const value = Rate.parse(text);
    if (value) return value;
    json.fail('expected a rate such as "100/s", got "' + text + '"');
    return new Rate(0, 1000000000);
  }
}
