// The part of protocol buffers (proto3) that Envoy's foreign functions use for arguments and results (abi.md 11.1): flat
// messages of strings, bytes, booleans and enums. Pure. As in C++: the last value of a field counts, unknown fields and
// fields of another wire type are skipped, a string that is not UTF-8 makes the message unreadable.
import { isUtf8 } from "node:buffer";

/** Field number and what it holds. Strings are kept as latin1 code units, as everywhere in this room. */
export type Field = readonly [number: number, kind: "string" | "bytes" | "bool" | "int"];
export type Shape = Readonly<Record<string, Field>>;

interface Values {
  readonly string: string;
  readonly bytes: Buffer;
  readonly bool: boolean;
  readonly int: number;
}
export type Message<S extends Shape> = { readonly [Name in keyof S]: Values[S[Name][1]] };

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
const NOTHING = Buffer.alloc(0);
const DEFAULTS: Values = { string: "", bytes: NOTHING, bool: false, int: 0 };

/** The message, absent fields at their defaults; null when the bytes are none. */
export function readMessage<S extends Shape>(bytes: Buffer, shape: S): Message<S> | null {
  const names = new Map(Object.entries(shape).map(([name, [number]]) => [number, name]));
  const message: Record<string, unknown> = {};
  for (const [name, [, kind]] of Object.entries(shape)) message[name] = DEFAULTS[kind];
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = reader.varint();
    const number = Number(tag >> 3n);
    const value = reader.value(Number(tag & 7n));
    if (value === null || number === 0 || number > 0x1fff_ffff) return null;
    const name = names.get(number);
    if (name === undefined) continue;
    const read = toField(value, shape[name]?.[1] ?? "bytes");
    if (read === null) return null;
    if (read !== undefined) message[name] = read;
  }
  return reader.failed ? null : (message as Message<S>);
}

/** undefined: another wire type, the field is skipped. null: not UTF-8. */
function toField(value: bigint | Buffer, kind: Field[1]): Values[Field[1]] | undefined | null {
  if (typeof value === "bigint") {
    if (kind === "bool") return value !== 0n;
    return kind === "int" ? Number(BigInt.asIntN(32, value)) : undefined;
  }
  if (kind === "bytes") return value;
  if (kind !== "string") return undefined;
  return isUtf8(value) ? value.latin1Slice() : null;
}

class Reader {
  failed = false;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.failed || this.#at >= this.#bytes.length;
  }

  /** At most ten bytes, 64 bits. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    this.failed = true;
    return 0n;
  }

  /** A number or a slice; null when cut short, or for the groups of proto2. */
  value(wire: number): bigint | Buffer | null {
    if (wire === VARINT) return this.#orNull(this.varint());
    if (wire === LENGTH) return this.#slice(Number(this.varint()));
    if (wire === FIXED64) return this.#slice(8);
    return wire === FIXED32 ? this.#slice(4) : null;
  }

  #orNull(value: bigint): bigint | null {
    return this.failed ? null : value;
  }

  #slice(size: number): Buffer | null {
    const from = this.#at;
    if (this.failed || size > this.#bytes.length - from) return null;
    this.#at += size;
    return this.#bytes.subarray(from, this.#at);
  }
}

/** A varint field; nothing for 0, the default. */
export function intField(number: number, value: number | bigint): Buffer {
  return value === 0 || value === 0n
    ? NOTHING
    : Buffer.concat([varint(number << 3), varint(BigInt.asUintN(64, BigInt(value)))]);
}

/** A length-delimited field: bytes, a nested message, or text in latin1 code units; nothing when empty. */
export function bytesField(number: number, value: Uint8Array | string): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "latin1") : value;
  return bytes.length === 0 ? NOTHING : lengthField(number, bytes);
}

/** As {@link bytesField}, written when empty too: members of lists, maps and oneofs. */
export function lengthField(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint((number << 3) | LENGTH), varint(bytes.length), bytes]);
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt(value);
  while (left > 0x7fn) {
    bytes.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  bytes.push(Number(left));
  return Buffer.from(bytes);
}
