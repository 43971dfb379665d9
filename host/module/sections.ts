// The sections of a core module and the declarations in them: types, imports, functions, tables, memories, exports. What
// inspect.ts judges and what memory-cap.ts and fuel.ts rewrite; function bodies are fuel.ts's alone.
import { ByteReader } from "./reader.ts";

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** The tag section stands before globals, the data count before code. */
const ORDER: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/** Place of a section in the prescribed order. */
export const sectionRank = (id: number): number => ORDER.indexOf(id);

export interface Section {
  readonly id: number;
  /** Offset of the id byte. */
  readonly header: number;
  /** First byte of the content. */
  readonly start: number;
  /** First byte after it. */
  readonly end: number;
}

export type ExternKind = "func" | "table" | "memory" | "global" | "tag";
const KINDS: readonly ExternKind[] = ["func", "table", "memory", "global", "tag"];

/** Value types by their names in the text format; typed references are `ref`. */
export interface FunctionType {
  readonly params: readonly string[];
  readonly results: readonly string[];
}

/** Limits as written; a 64-bit limit is cut to a number. */
export interface Limits {
  readonly min: number;
  readonly max: number | null;
  readonly shared: boolean;
  readonly is64: boolean;
}

export interface ImportEntry {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  readonly type?: FunctionType;
}

export interface ExportEntry {
  readonly name: string;
  readonly kind: ExternKind;
  readonly type?: FunctionType;
}

/** Splits a module; refuses a wrong head, unknown or repeated sections, wrong order, and sizes past the end. */
export function readSections(bytes: Uint8Array): Section[] {
  const reader = new ByteReader(bytes);
  if (Buffer.from(reader.take(8)).readUInt32BE(0) !== 0x0061736d) reader.fail("not a wasm binary", 0);
  const sections: Section[] = [];
  let last = -1;
  while (!reader.done) {
    const header = reader.at;
    const id = reader.u8();
    const size = reader.u32();
    if (size > reader.end - reader.at) {
      reader.fail(`section ${id} says ${size} bytes, ${reader.end - reader.at} are left`, header);
    }
    const rank = sectionRank(id);
    if (id !== SECTION.custom && rank <= last) {
      reader.fail(rank < 0 ? `unknown section ${id}` : `section ${id} twice or out of order`, header);
    }
    if (id !== SECTION.custom) last = rank;
    sections.push({ id, header, start: reader.at, end: reader.at + size });
    reader.skip(size);
  }
  return sections;
}

/** A reader over one section, or null when the module has none. */
export function openSection(bytes: Uint8Array, sections: readonly Section[], id: number): ByteReader | null {
  const section = sections.find((each) => each.id === id);
  return section === undefined ? null : new ByteReader(bytes, section.start, section.end);
}

/** Runs `read` as often as the leading count says; the section must end there. */
export function readVector<T>(reader: ByteReader | null, read: (reader: ByteReader) => T): T[] {
  if (reader === null) return [];
  const items: T[] = [];
  for (let left = reader.u32(); left > 0; left--) items.push(read(reader));
  if (!reader.done) reader.fail("bytes left over in a section");
  return items;
}

const VALUE_TYPES: Readonly<Record<number, string>> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
  0x70: "funcref",
  0x6f: "externref",
  0x69: "exnref",
};

export function readValueType(reader: ByteReader): string {
  const byte = reader.u8();
  if (byte !== 0x63 && byte !== 0x64) return VALUE_TYPES[byte] ?? "ref";
  reader.skipLeb(5);
  return "ref";
}

/** A plain function type; null for one of the GC proposal, behind which nothing more of the section is read. */
function readFunctionType(reader: ByteReader): FunctionType | null {
  if (reader.u8() !== 0x60) return null;
  const list = (): string[] => Array.from({ length: countOf(reader) }, () => readValueType(reader));
  return { params: list(), results: list() };
}

/** A count of items of at least one byte each, so that a lie about it cannot ask for memory. */
function countOf(reader: ByteReader): number {
  const count = reader.u32();
  if (count > reader.end - reader.at) reader.fail("a count larger than its section");
  return count;
}

/** All function types, or null when the module has GC types. */
export function readTypes(bytes: Uint8Array, sections: readonly Section[]): FunctionType[] | null {
  const reader = openSection(bytes, sections, SECTION.type);
  if (reader === null) return [];
  const types: FunctionType[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const type = readFunctionType(reader);
    if (type === null) return null;
    types.push(type);
  }
  return types;
}

export function readLimits(reader: ByteReader): Limits {
  const flags = reader.u8();
  const is64 = (flags & 4) !== 0;
  const bound = (): number => (is64 ? bound64(reader) : reader.u32());
  const min = bound();
  return { min, max: (flags & 1) === 0 ? null : bound(), shared: (flags & 2) !== 0, is64 };
}

function bound64(reader: ByteReader): number {
  const from = reader.at;
  reader.skipLeb(10);
  let value = 0;
  for (let at = from; at < reader.at; at++) value += ((reader.bytes[at] ?? 0) & 127) * 2 ** (7 * (at - from));
  return value;
}

/** Everything one import says; `typeIndex` for functions, `limits` for memories and tables. */
export interface RawImport {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  readonly typeIndex?: number;
  readonly limits?: Limits;
}

export function readImport(reader: ByteReader): RawImport {
  const module = reader.name();
  const name = reader.name();
  const kind = readKind(reader);
  if (kind === "func") return { module, name, kind, typeIndex: reader.u32() };
  if (kind === "table") readValueType(reader);
  if (kind === "table" || kind === "memory") return { module, name, kind, limits: readLimits(reader) };
  if (kind === "tag") reader.skip(1);
  if (kind === "tag") return { module, name, kind, typeIndex: reader.u32() };
  readValueType(reader);
  reader.skip(1);
  return { module, name, kind };
}

export interface RawExport {
  readonly name: string;
  readonly kind: ExternKind;
  readonly index: number;
}

export function readExport(reader: ByteReader): RawExport {
  return { name: reader.name(), kind: readKind(reader), index: reader.u32() };
}

function readKind(reader: ByteReader): ExternKind {
  const byte = reader.u8();
  return KINDS[byte] ?? reader.fail(`unknown kind ${byte}`, reader.at - 1);
}

/** `(i32, i32) -> i32`, for comparing and for people. */
export function typeText(type: FunctionType): string {
  const [only] = type.results;
  const results = type.results.length === 1 ? only : `(${type.results.join(", ")})`;
  return `(${type.params.join(", ")}) -> ${results}`;
}
