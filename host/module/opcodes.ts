// What the fuel rewriter must know of each instruction: how long it is, and how much work it stands for. Covers MVP, sign
// extension, saturating floats, bulk memory, references, tail calls, both encodings of exceptions, SIMD with the relaxed
// part, and atomics. Anything else, GC foremost, is refused: what cannot be read cannot be charged.
import type { ByteReader } from "./reader.ts";

/** Code of a prefixed instruction: prefix and number in one. */
export const prefixed = (prefix: number, number: number): number => (prefix << 16) | number;

export const OP = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  try: 0x06,
  throw: 0x08,
  rethrow: 0x09,
  throwRef: 0x0a,
  end: 0x0b,
  delegate: 0x18,
  tryTable: 0x1f,
  memoryGrow: 0x40,
  memoryInit: prefixed(0xfc, 8),
  memoryCopy: prefixed(0xfc, 10),
  memoryFill: prefixed(0xfc, 11),
  tableInit: prefixed(0xfc, 12),
  tableCopy: prefixed(0xfc, 14),
  tableGrow: prefixed(0xfc, 15),
  tableFill: prefixed(0xfc, 17),
  atomicNotify: prefixed(0xfe, 0),
} as const;

const BARE = 0;
/** Shapes of what follows the opcode byte. */
const LEB = 1;
const LEB2 = 2;
const MEMARG = 3;
const OTHER = 4;
const UNKNOWN = 5;

const SHAPES = new Uint8Array(256).fill(UNKNOWN);
const mark = (shape: number, ...codes: readonly (number | readonly [number, number])[]): void => {
  for (const code of codes) {
    const [from, to] = typeof code === "number" ? [code, code] : code;
    SHAPES.fill(shape, from, to + 1);
  }
};
mark(BARE, 0x00, 0x01, 0x05, 0x0a, 0x0b, 0x0f, 0x19, 0x1a, 0x1b, [0x45, 0xc4], 0xd1, 0xd3, 0xd4);
mark(LEB, 0x02, 0x03, 0x04, [0x06, 0x09], 0x0c, 0x0d, 0x10, 0x12, 0x14, 0x15, 0x18, [0x20, 0x26], 0x3f, 0x40, 0x41);
mark(LEB, 0xd0, 0xd2, 0xd5, 0xd6);
mark(LEB2, 0x11, 0x13);
mark(MEMARG, [0x28, 0x3e]);
mark(OTHER, 0x0e, 0x1c, 0x1f, 0x42, 0x43, 0x44, 0xfc, 0xfd, 0xfe);

/** Reads one instruction with all that belongs to it and returns its code. */
export function readInstruction(reader: ByteReader): number {
  const op = reader.u8();
  switch (SHAPES[op]) {
    case BARE:
      return op;
    case LEB:
      reader.skipLeb(5);
      return op;
    case LEB2:
      reader.skipLeb(5);
      reader.skipLeb(5);
      return op;
    case MEMARG:
      skipMemarg(reader);
      return op;
    case OTHER:
      return readLong(reader, op);
    default:
      return reader.fail(`the unknown instruction 0x${op.toString(16)}`, reader.at - 1);
  }
}

/** Alignment and offset; bit 6 of the alignment announces a memory index. */
function skipMemarg(reader: ByteReader): void {
  if ((reader.u32() & 64) !== 0) reader.skipLeb(5);
  reader.skipLeb(10);
}

function readLong(reader: ByteReader, op: number): number {
  switch (op) {
    case 0x0e:
      for (let left = reader.u32(); left >= 0; left--) reader.skipLeb(5);
      return op;
    case 0x1c:
      for (let left = reader.u32(); left > 0; left--) skipValueType(reader);
      return op;
    case 0x1f:
      skipCatches(reader);
      return op;
    case 0x42:
      reader.skipLeb(10);
      return op;
    case 0x43:
    case 0x44:
      reader.skip(op === 0x43 ? 4 : 8);
      return op;
    case 0xfc:
      return readNumeric(reader);
    default:
      return op === 0xfd ? readVector(reader) : readAtomic(reader);
  }
}

function skipValueType(reader: ByteReader): void {
  const byte = reader.u8();
  if (byte === 0x63 || byte === 0x64) reader.skipLeb(5);
}

/** A block type, then clauses: kinds 0 and 1 name a tag, all name a label. */
function skipCatches(reader: ByteReader): void {
  reader.skipLeb(5);
  for (let left = reader.u32(); left > 0; left--) {
    if (reader.u8() < 2) reader.skipLeb(5);
    reader.skipLeb(5);
  }
}

/** 0-7 saturating conversions; 8, 10, 12, 14 name two indices; 9, 11, 13, 15-17 one. */
function readNumeric(reader: ByteReader): number {
  const number = reader.u32();
  if (number > 17) reader.fail(`the unknown instruction 0xfc ${number}`);
  if (number >= 8) reader.skipLeb(5);
  if (number === 8 || number === 10 || number === 12 || number === 14) reader.skipLeb(5);
  return prefixed(0xfc, number);
}

function readVector(reader: ByteReader): number {
  const number = reader.u32();
  if (number > 0x113) reader.fail(`the unknown instruction 0xfd ${number}`);
  if (number <= 11 || (number >= 84 && number <= 93)) skipMemarg(reader);
  if (number === 12 || number === 13) reader.skip(16);
  if ((number >= 21 && number <= 34) || (number >= 84 && number <= 91)) reader.skip(1);
  return prefixed(0xfd, number);
}

function readAtomic(reader: ByteReader): number {
  const number = reader.u32();
  if (number > 0x4e || (number > 3 && number < 0x10)) reader.fail(`the unknown instruction 0xfe ${number}`);
  if (number === 3) reader.skip(1);
  else skipMemarg(reader);
  return prefixed(0xfe, number);
}
