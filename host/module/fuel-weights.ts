// How much fuel instructions cost. The rule they serve: a budget is a time. Eight weights make a point, and a point is at most
// about 2 ns (measured, Node 26, programs of one instruction each: loops 0.1, fills and copies 1.6, divisions 2.2, denormal
// floats 5, unwinding through deep recursion 5). One thing no weight can bound without starving honest filters: a chain of
// loads that each miss every cache takes 90 ns a load, up to 75 ns per point.
import { OP, prefixed } from "./opcodes.ts";

/** Points of a function entry and of each pass of a loop, before the work in them. */
export const ENTRY_POINTS = 3;
export const LOOP_POINTS = 1;
export const WEIGHTS_PER_POINT = 8;

const PLAIN = new Uint8Array(256).fill(1);
const weigh = (weight: number, ...codes: readonly (number | readonly [number, number])[]): void => {
  for (const code of codes) {
    const [from, to] = typeof code === "number" ? [code, code] : code;
    PLAIN.fill(weight, from, to + 1);
  }
};
weigh(4, 0x0e);
/** Loads and stores. */
weigh(8, [0x28, 0x35]);
weigh(4, [0x36, 0x3e]);
/** Integer division and remainder. */
weigh(8, [0x6d, 0x70], [0x7f, 0x82]);
/** Calls through a table or a reference check type and bounds. */
weigh(8, 0x11, 0x13, 0x14, 0x15);
/** Table access and function references; writing an entry takes 22 ns. */
weigh(8, 0x25, 0xd2);
weigh(64, 0x26);
/** Rounding, conversions: the unsigned 64-bit ones are several instructions. */
weigh(8, [0x8d, 0x90], [0x9b, 0x9e]);
weigh(4, [0xa8, 0xbb]);
/** Float arithmetic: 1 ns on ordinary numbers, 25 ns on denormal ones, and the guest chooses. */
weigh(32, [0x91, 0x95], [0x9f, 0xa3], 0xb6, 0xbb);

/** Weight of one instruction inside its region. */
export function weightOf(code: number): number {
  if (code < 256) return PLAIN[code] ?? 1;
  // An atomic access locks the line also where memory is not shared: 5 ns.
  if (code >= prefixed(0xfe, 0)) return 24;
  if (code >= prefixed(0xfd, 0xe0)) return 32;
  return 8;
}

/** An extra charge just before an instruction whose cost depends on its operand, or that is dear and rarely reached. */
export type Surcharge =
  | { readonly kind: "fixed"; readonly points: number }
  /** By the length on top of the stack: a fixed part, and the length shifted right (shift > 0) or left (shift < 0). */
  | { readonly kind: "length"; readonly points: number; readonly shift: number };

/** A point per 32 bytes. The fixed part of `init`, a call into the engine, takes 40 ns. */
const byBytes = (points: number): Surcharge => ({ kind: "length", points, shift: 5 });
/**
 * 16 points per entry: filling and copying function references takes 17 to 20 ns each, 30 times what bytes take. The product
 * wraps from 2^28 entries on, far above the cap of a table, where the instruction itself traps.
 */
const byEntries = (points: number): Surcharge => ({ kind: "length", points, shift: -4 });

const SURCHARGES: ReadonlyMap<number, Surcharge> = new Map<number, Surcharge>([
  [OP.memoryInit, byBytes(24)],
  [OP.memoryCopy, byBytes(2)],
  [OP.memoryFill, byBytes(2)],
  [OP.tableInit, byEntries(128)],
  [OP.tableCopy, byEntries(16)],
  [OP.tableFill, byEntries(16)],
  [OP.memoryGrow, { kind: "fixed", points: 1024 }],
  [OP.tableGrow, { kind: "fixed", points: 1024 }],
  [OP.throw, { kind: "fixed", points: 1024 }],
  [OP.rethrow, { kind: "fixed", points: 1024 }],
  [OP.throwRef, { kind: "fixed", points: 1024 }],
  [OP.atomicNotify, { kind: "fixed", points: 64 }],
]);

/** Whether a plain instruction has one: almost none, and most of a body is plain instructions. */
const HAS_SURCHARGE = new Uint8Array(256);
for (const code of SURCHARGES.keys()) if (code < 256) HAS_SURCHARGE[code] = 1;

export function surchargeOf(code: number): Surcharge | undefined {
  return code < 256 && HAS_SURCHARGE[code] === 0 ? undefined : SURCHARGES.get(code);
}
