// Functions that stand before a module's callbacks and fill the fuel counter: `__fuel = __fuel_budget`, then the callback
// itself. The host would else write the counter through JavaScript before every callback, at several times the price of the
// callback's own crossing (bench: P6). Only the exports point here, so what a guest calls by itself refills nothing.
import { CALLBACKS } from "./callbacks.ts";
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
  /** Index of the first global that {@link FuelEntries.meters} adds. */
  readonly firstMeter: number;
  /** Indices of the two globals, as LEB128. */
  readonly fuel: readonly number[];
  readonly budget: readonly number[];
  /** False: the export section stays as it is. */
  readonly wanted: boolean;
}

export interface FuelEntries {
  /** The export section's entries, count not included, and their number. */
  readonly exports: readonly number[];
  /** Type index of each new function, as LEB128. */
  readonly functions: readonly (readonly number[])[];
  /** Callbacks whose use of fuel is added up: two i64 globals each, points and calls, in this order. */
  readonly meters: readonly string[];
  /** Body of each, with its size. */
  readonly bodies: readonly (readonly number[])[];
}

/** @param section content of the export section */
export function fuelEntries(section: ByteReader, options: EntryOptions): FuelEntries {
  const { imported, typeIndices } = options;
  const exports: number[] = [];
  const functions: number[][] = [];
  const bodies: number[][] = [];
  const meters: string[] = [];
  for (let left = section.u32(); left > 0; left--) {
    const from = section.at;
    const name = section.name();
    const isFunction = section.u8() === 0 && options.wanted;
    exports.push(...section.bytes.subarray(from, section.at));
    const target = section.u32();
    const typeIndex = isFunction && ENTRY.test(name) ? typeIndices[target - imported] : undefined;
    if (typeIndex === undefined) {
      exports.push(...uleb(target));
      continue;
    }
    exports.push(...uleb(imported + typeIndices.length + functions.length));
    functions.push(uleb(typeIndex));
    const meter = Object.hasOwn(CALLBACKS, name) ? options.firstMeter + 2 * (meters.push(name) - 1) : null;
    bodies.push(entryBody({ target, params: options.types[typeIndex]?.params.length ?? 0, meter }, options));
  }
  return { exports, functions, bodies, meters };
}

interface Entry {
  /** The callback itself. */
  readonly target: number;
  readonly params: number;
  /** Global of its points, the next one that of its calls; null = not added up. */
  readonly meter: number | null;
}

/** No locals; `fuel = budget`; every parameter; `call target`; the results stay while the meter adds. */
function entryBody({ target, params, meter }: Entry, { fuel, budget }: EntryOptions): number[] {
  const given = Array.from({ length: params }, (_, at) => [0x20, ...uleb(at)]).flat();
  const fill = [0x23, ...budget, 0x24, ...fuel];
  const tail = meter === null ? [] : meterCode(uleb(meter), uleb(meter + 1), { fuel, budget });
  const code = [0, ...fill, ...given, 0x10, ...uleb(target), ...tail, 0x0b];
  return [...uleb(code.length), ...code];
}

/** `points += budget - fuel; calls += 1`, in i64. */
function meterCode(
  points: readonly number[],
  calls: readonly number[],
  { fuel, budget }: Pick<EntryOptions, "fuel" | "budget">,
): number[] {
  const used = [0x23, ...budget, 0x23, ...fuel, 0x6b, 0xad];
  return [0x23, ...points, ...used, 0x7c, 0x24, ...points, 0x23, ...calls, 0x42, 1, 0x7c, 0x24, ...calls];
}
