// Reads one function body and says where fuel is charged and how much. A region is the function or one loop without the
// loops inside it; within one pass over a region each instruction runs at most once, so charging the sum of all of them at
// its head bounds the work, however long the straight line and whichever way the branches go.
import { ENTRY_POINTS, LOOP_POINTS, type Surcharge, surchargeOf, weightOf, WEIGHTS_PER_POINT } from "./fuel-weights.ts";
import { OP, readInstruction } from "./opcodes.ts";
import type { ByteReader } from "./reader.ts";
import { readValueType } from "./sections.ts";

/** Something to insert before the byte at `at`. */
export interface Charge {
  readonly at: number;
  readonly what: Surcharge;
}

export interface FunctionPlan {
  /** In order of `at`. */
  readonly charges: readonly Charge[];
  /** Where the locals begin (their count of groups), and the first byte behind them. */
  readonly localsAt: number;
  readonly codeAt: number;
  readonly localGroups: number;
  readonly localCount: number;
  /** Whether a charge by length needs a local of its own. */
  readonly needsLocal: boolean;
}

interface Region {
  readonly at: number;
  readonly base: number;
  weight: number;
}

/** The reader stands at the body's first byte and ends at its last. */
export function planFunction(reader: ByteReader, end: number): FunctionPlan {
  const localsAt = reader.at;
  const localGroups = reader.u32();
  let localCount = 0;
  for (let left = localGroups; left > 0; left--) {
    localCount += reader.u32();
    readValueType(reader);
  }
  const codeAt = reader.at;
  // Locals are zeroed at every entry, so they are work: 50 000 of them would otherwise cost nothing.
  const regions: Region[] = [{ at: codeAt, base: ENTRY_POINTS, weight: localCount }];
  const extra = readBody(reader, end, regions);
  const charges = [...regions.map(toCharge), ...extra].sort((a, b) => a.at - b.at);
  const needsLocal = extra.some((charge) => charge.what.kind === "length");
  return { charges, localsAt, codeAt, localGroups, localCount, needsLocal };
}

/** Walks the instructions, opens a region per loop and adds each weight to the innermost one. */
function readBody(reader: ByteReader, end: number, regions: Region[]): Charge[] {
  const extra: Charge[] = [];
  let current = regions[0] as Region;
  const outer: Region[] = [];
  while (reader.at < end) {
    const at = reader.at;
    const code = readInstruction(reader);
    current.weight += weightOf(code);
    if (opensBlock(code)) {
      outer.push(current);
      if (code === OP.loop) {
        current = { at: reader.at, base: LOOP_POINTS, weight: 0 };
        regions.push(current);
      }
    } else if (code === OP.end || code === OP.delegate) {
      current = outer.pop() ?? current;
    } else {
      const what = surchargeOf(code);
      if (what !== undefined) extra.push({ at, what });
    }
  }
  if (reader.at !== end) reader.fail("an instruction that runs past its function");
  return extra;
}

function opensBlock(code: number): boolean {
  return code === OP.block || code === OP.loop || code === OP.if || code === OP.try || code === OP.tryTable;
}

function toCharge({ at, base, weight }: Region): Charge {
  return { at, what: { kind: "fixed", points: base + Math.ceil(weight / WEIGHTS_PER_POINT) } };
}
