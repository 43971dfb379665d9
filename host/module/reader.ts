// Reads the bytes of a wasm binary. Every read is checked against the end, since the bytes come from strangers; numbers
// longer than their type allows are refused, as the specification asks (WebAssembly core 5.2.2).

/** The bytes are not a wasm binary, or not a whole one. */
export class ModuleFormatError extends Error {
  /** Byte offset in the module. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} at byte ${offset}`);
    this.name = "ModuleFormatError";
    this.offset = offset;
  }
}

export class ByteReader {
  readonly bytes: Uint8Array;
  /** Next byte to read. */
  at: number;
  /** First byte not to read. */
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  fail(message: string, at = this.at): never {
    throw new ModuleFormatError(message, at);
  }

  u8(): number {
    const byte = this.at < this.end ? this.bytes[this.at] : undefined;
    if (byte === undefined) this.fail("the module ends too early");
    this.at++;
    return byte;
  }

  /** Unsigned LEB128, 32 bits. */
  u32(): number {
    const from = this.at;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 15) this.fail("a number of more than 32 bits", from);
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    return this.fail("a number of more than 5 bytes", from);
  }

  /** Passes over a LEB128 of at most `most` bytes: 5 for 32 or 33 bits, 10 for 64. */
  skipLeb(most: number): void {
    const from = this.at;
    while (this.u8() >= 128) if (this.at - from >= most) this.fail(`a number of more than ${most} bytes`, from);
  }

  skip(count: number): void {
    if (count > this.end - this.at) this.fail("the module ends too early");
    this.at += count;
  }

  take(count: number): Uint8Array {
    this.skip(count);
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** A length and so many bytes of UTF-8. */
  name(): string {
    return Buffer.from(this.take(this.u32())).toString("utf8");
  }
}

/** Unsigned LEB128. */
export function uleb(value: number): number[] {
  const out: number[] = [];
  let rest = value >>> 0;
  do {
    const byte = rest & 127;
    rest >>>= 7;
    out.push(rest === 0 ? byte : byte | 128);
  } while (rest !== 0);
  return out;
}

/** Signed LEB128 of a 32-bit number. */
export function sleb(value: number): number[] {
  const out: number[] = [];
  let rest = value | 0;
  for (;;) {
    const byte = rest & 127;
    rest >>= 7;
    const last = (rest === 0 && (byte & 64) === 0) || (rest === -1 && (byte & 64) !== 0);
    out.push(last ? byte : byte | 128);
    if (last) return out;
  }
}
