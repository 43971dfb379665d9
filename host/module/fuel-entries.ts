// Functions that stand before a module's callbacks and fill the fuel counter: `__fuel = __fuel_budget`, then the callback
// itself. The host would else write the counter through JavaScript before every callback, at several times the price of the
// callback's own crossing (bench: P6). Only the exports point here, so what a guest calls by itself refills nothing.
import { type ByteReader, uleb } from "./reader.ts";
import type { FunctionType } from "./sections.ts";

/** Exports the host calls as outermost callbacks. The allocator runs inside a host call, on what is left. */
const ENTRY = /^(?:proxy_on_(?!memory_allocate$)|proxy_validate_configuration$|sluice_on_|envoy_on_)/;

export interface EntryOptions {
  /** Functions the module imports; they cannot be given a counter. */
  readonly imported: number;
  /** Type index of each function the module defines. */
  readonly typeIndices: readonly number[];
  readonly types: readonly FunctionType[];
  /** Indices of the two globals, as LEB128. */
  readonly fuel: readonly number[];
  readonly budget: readonly number[];
}

export interface FuelEntries {
  /** The export section's entries, count not included, and their number. */
  readonly exports: readonly number[];
  /** Type index of each new function, as LEB128. */
  readonly functions: readonly (readonly number[])[];
  /** Body of each, with its size. */
  readonly bodies: readonly (readonly number[])[];
}

/** @param section content of the export section */
export function fuelEntries(section: ByteReader, options: EntryOptions): FuelEntries {
  const { imported, typeIndices } = options;
  const exports: number[] = [];
  const functions: number[][] = [];
  const bodies: number[][] = [];
  for (let left = section.u32(); left > 0; left--) {
    const from = section.at;
    const name = section.name();
    const isFunction = section.u8() === 0;
    exports.push(...section.bytes.subarray(from, section.at));
    const target = section.u32();
    const typeIndex = isFunction && ENTRY.test(name) ? typeIndices[target - imported] : undefined;
    if (typeIndex === undefined) {
      exports.push(...uleb(target));
      continue;
    }
    exports.push(...uleb(imported + typeIndices.length + functions.length));
    functions.push(uleb(typeIndex));
    bodies.push(entryBody(target, options.types[typeIndex]?.params.length ?? 0, options));
  }
  return { exports, functions, bodies };
}

/** No locals; `fuel = budget`; every parameter; `call target`. */
function entryBody(target: number, params: number, { fuel, budget }: EntryOptions): number[] {
  const given = Array.from({ length: params }, (_, at) => [0x20, ...uleb(at)]).flat();
  const code = [0, 0x23, ...budget, 0x24, ...fuel, ...given, 0x10, ...uleb(target), 0x0b];
  return [...uleb(code.length), ...code];
}
