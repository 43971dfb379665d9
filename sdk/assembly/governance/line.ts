// Text put together piece by piece, for header values on the hot path: one buffer that grows, no garbage per value.
import { Bytes } from "../bytes";
import { formatInt } from "../text/number";

/** A line of text put together without garbage. */
export class Line {
  private room: ArrayBuffer = new ArrayBuffer(256);
  private size: i32 = 0;

  /** Begins a new text; the one before is gone. */
  start(): this {
    this.size = 0;
    return this;
  }
  /** Appends UTF-8. */
  text(text: string): this {
    return this.bytes(Bytes.from(text));
  }
  /** Appends bytes as they are. */
  bytes(bytes: Bytes): this {
    const end = this.size + bytes.length;
    if (end > this.room.byteLength) this.grow(end);
    memory.copy(changetype<usize>(this.room) + this.size, bytes.ptr, bytes.length);
    this.size = end;
    return this;
  }
  /** Appends decimal digits, with zeros in front up to `width`. */
  int(value: i64, width: i32 = 0): this {
    const digits = formatInt(value);
    for (let i = digits.length; i < width; i++) this.text("0");
    return this.bytes(digits);
  }
  /** The text: valid until the next `start()` and until the callback returns. */
  done(): Bytes {
    return Bytes.at(changetype<usize>(this.room), this.size);
  }

  private grow(least: i32): void {
    const room = new ArrayBuffer(max(least, this.room.byteLength << 1));
    memory.copy(changetype<usize>(room), changetype<usize>(this.room), this.size);
    this.room = room;
  }
}
