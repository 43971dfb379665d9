// How much fuel instructions cost. The rule they serve: no program costs much more than 2 ns per point, so that a budget is
// a time. Eight weights make a point. Measured by test/unit/module/fuel.test.ts's programs on the reference machine.
import { OP, prefixed } from "./opcodes.ts";

/** Points of a function entry and of each pass of a loop, before the work in them. */
export const ENTRY_POINTS = 3;
export const LOOP_POINTS = 1;
export const WEIGHTS_PER_POINT = 8;

const PLAIN = new Uint8Array(256).fill(1);
/** Integer division and remainder, float division and root. */
for (const op of [0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82, 0x91, 0x95, 0x9f, 0xa3]) PLAIN[op] = 8;
/** Calls through a table or a reference check type and bounds. */
for (const op of [0x11, 0x13, 0x14, 0x15]) PLAIN[op] = 8;
/** Table access, function references. */
for (const op of [0x25, 0x26, 0xd2]) PLAIN[op] = 8;
PLAIN[0x0e] = 4;

const VECTOR_DIVISIONS: readonly number[] = [0xe3, 0xe7, 0xef, 0xf3].map((number) => prefixed(0xfd, number));

/** Weight of one instruction inside its region. */
export function weightOf(code: number): number {
  if (code < 256) return PLAIN[code] ?? 1;
  return VECTOR_DIVISIONS.includes(code) ? 16 : 2;
}

/** An extra charge just before an instruction whose cost depends on its operand, or that is dear and rarely reached. */
export type Surcharge =
  | { readonly kind: "fixed"; readonly points: number }
  /** The length on top of the stack, shifted right so many times, is the price. */
  | { readonly kind: "length"; readonly shift: number };

const BY_BYTES: Surcharge = { kind: "length", shift: 5 };
const BY_ENTRIES: Surcharge = { kind: "length", shift: 2 };

const SURCHARGES: ReadonlyMap<number, Surcharge> = new Map<number, Surcharge>([
  [OP.memoryInit, BY_BYTES],
  [OP.memoryCopy, BY_BYTES],
  [OP.memoryFill, BY_BYTES],
  [OP.tableInit, BY_ENTRIES],
  [OP.tableCopy, BY_ENTRIES],
  [OP.tableFill, BY_ENTRIES],
  [OP.memoryGrow, { kind: "fixed", points: 1024 }],
  [OP.tableGrow, { kind: "fixed", points: 1024 }],
  [OP.throw, { kind: "fixed", points: 1024 }],
  [OP.rethrow, { kind: "fixed", points: 1024 }],
  [OP.throwRef, { kind: "fixed", points: 1024 }],
  [OP.atomicNotify, { kind: "fixed", points: 64 }],
]);

export function surchargeOf(code: number): Surcharge | undefined {
  return SURCHARGES.get(code);
}
