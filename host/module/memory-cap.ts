// Gives the memory and the tables a module defines a maximum, by rewriting sections 4 and 5. `memory.grow` past it then
// answers -1 inside the guest, exactly at the cap; nothing at run time has to watch (components-and-isolation.md 2.5).
import { MAX_TABLE_ENTRIES } from "../abi/limits.ts";
import { problemError } from "../base/problem.ts";
import { type ByteReader, uleb } from "./reader.ts";
import {
  type Limits,
  openSection,
  readLimits,
  readSections,
  readValueType,
  SECTION,
  type Section,
} from "./sections.ts";

export const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;

export interface CapOptions {
  /** At least one page; rounded down to whole pages. */
  readonly memoryBytes: number;
  /** Default 100 000. */
  readonly tableEntries?: number;
}

export interface CappedModule {
  readonly bytes: Uint8Array;
  /** How far everything behind the rewritten sections moved: offset there = original offset + shift. */
  readonly shift: number;
}

/** Throws a problem that names both numbers when a minimum lies above its cap. Expects a valid module. */
export function capMemory(bytes: Uint8Array, options: CapOptions): CappedModule {
  const pages = Math.min(Math.floor(options.memoryBytes / PAGE_BYTES), MAX_PAGES);
  const entries = options.tableEntries ?? MAX_TABLE_ENTRIES;
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const section of readSections(bytes)) {
    const isTable = section.id === SECTION.table;
    if (!isTable && section.id !== SECTION.memory) continue;
    const content = isTable ? capTables(bytes, section, entries) : capMemories(bytes, section, pages);
    parts.push(
      bytes.subarray(from, section.header),
      Uint8Array.from([section.id, ...uleb(content.length), ...content]),
    );
    from = section.end;
  }
  parts.push(bytes.subarray(from));
  const capped = Buffer.concat(parts);
  return { bytes: capped, shift: capped.length - bytes.length };
}

function capMemories(bytes: Uint8Array, section: Section, cap: number): number[] {
  return rewrite(bytes, section, (reader) => limits(readLimits(reader), cap, "memory", "pages of 64 KiB"));
}

function capTables(bytes: Uint8Array, section: Section, cap: number): number[] {
  return rewrite(bytes, section, (reader) => {
    const from = reader.at;
    // 0x40 0x00 opens a table with an initialiser, an expression up to its `end` (0x0b): a constant or a ref.
    const initialised = reader.bytes[from] === 0x40;
    if (initialised) reader.skip(2);
    readValueType(reader);
    const head = [...reader.bytes.subarray(from, reader.at)];
    const bounds = limits(readLimits(reader), cap, "table", "entries");
    return [...head, ...bounds, ...(initialised ? initialiser(reader) : [])];
  });
}

/** ref.null t, ref.func i or global.get i, then end: the only constant expressions of a reference type without GC. */
function initialiser(reader: ByteReader): number[] {
  const from = reader.at;
  reader.skip(1);
  reader.skipLeb(5);
  if (reader.u8() !== 0x0b) {
    throw problemError("abi", "not_instrumentable", "a table is initialised by an expression that cannot be read");
  }
  return [...reader.bytes.subarray(from, reader.at)];
}

function rewrite(bytes: Uint8Array, section: Section, one: (reader: ByteReader) => number[]): number[] {
  const reader = openSection(bytes, [section], section.id);
  if (reader === null) return [];
  const count = reader.u32();
  const out = uleb(count);
  for (let left = count; left > 0; left--) out.push(...one(reader));
  return out;
}

function limits(given: Limits, cap: number, what: string, unit: string): number[] {
  if (given.is64) throw problemError("abi", "memory64", `a 64-bit ${what}, which cannot be capped`);
  if (given.min > cap) {
    const message = `the ${what} begins with ${given.min} ${unit}, the cap is ${cap}`;
    const hint =
      what === "memory"
        ? "raise limits.memory or build with less initial memory"
        : "raise limits.tableEntries or build a smaller table";
    throw problemError("abi", `${what}_cap`, message, { hint });
  }
  const max = Math.min(given.max ?? cap, cap);
  return [given.shared ? 3 : 1, ...uleb(given.min), ...uleb(max)];
}
