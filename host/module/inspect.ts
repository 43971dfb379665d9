// Looks at a wasm binary without running it: what it is, what it wants, what it offers, and why it could not be a filter.
// Called by the control side before anything is compiled, and by `sluice inspect`. Never throws on strange bytes.
import { sha256Hex } from "../base/hash.ts";
import { type Problem, ProblemError, problemError } from "../base/problem.ts";
import type { AbiVersion } from "./callbacks.ts";
import { judge, type ModuleShape } from "./judge.ts";
import { ByteReader, ModuleFormatError } from "./reader.ts";
import {
  type ExportEntry,
  type FunctionType,
  type ImportEntry,
  openSection,
  type RawImport,
  readExport,
  readImport,
  readLimits,
  readSections,
  readTypes,
  readVector,
  type Section,
  SECTION,
} from "./sections.ts";

export interface ModuleInfo {
  readonly kind: "core" | "component" | "unknown";
  /** Of the highest marker, or null. */
  readonly abiVersion: AbiVersion | null;
  readonly imports: readonly ImportEntry[];
  readonly exports: readonly ExportEntry[];
  /** Names, in order. */
  readonly customSections: readonly string[];
  /** JSON of the custom section `sluice`, or null. */
  readonly sluice: unknown;
  /** The one the host calls: `malloc` goes first, as in Envoy (abi.md 15.7). */
  readonly allocator: "malloc" | "proxy_on_memory_allocate" | null;
  readonly start: "_initialize" | "_start" | null;
  readonly hasStartSection: boolean;
  /** Pages of 64 KiB as written; the first memory, own or imported. */
  readonly memory: { readonly min: number; readonly max: number | null } | null;
  /** Bytes. */
  readonly size: number;
  /** Bytes without custom sections: what size budgets count. */
  readonly sizeWithoutCustom: number;
  /** 64 hex digits, over all bytes. */
  readonly sha256: string;
  /** Why it cannot be loaded as a filter; empty for a good one. */
  readonly problems: readonly Problem[];
  /** What will not work as its author may think. */
  readonly warnings: readonly string[];
}

const EMPTY: ModuleShape = { imports: [], exports: [], memories: [], hasGcTypes: false, hasStartSection: false };

export function inspectModule(bytes: Uint8Array): ModuleInfo {
  const kind = kindOf(bytes);
  const base = { kind, size: bytes.length, sizeWithoutCustom: bytes.length, sha256: sha256Hex(bytes) };
  if (kind === "component") return { ...base, ...describe(EMPTY), problems: [], customSections: [], sluice: null };
  try {
    const sections = readSections(bytes);
    const shape = readShape(bytes, sections);
    const custom = readCustom(bytes, sections);
    const described = describe(shape);
    const warnings = [...described.warnings, ...custom.warnings];
    return { ...base, ...described, ...custom, warnings, sizeWithoutCustom: bytes.length - custom.bytes };
  } catch (error) {
    if (!(error instanceof ModuleFormatError)) throw error;
    const problem = { kind: "abi", code: kind === "core" ? "malformed" : "not_wasm", message: error.message } as const;
    return { ...base, ...describe(EMPTY), problems: [problem], customSections: [], sluice: null, warnings: [] };
  }
}

/** The module's description, or a ProblemError (kind `abi`) with everything that keeps it from being filter `name`. */
export function checkFilterModule(bytes: Uint8Array, name: string): ModuleInfo {
  const info = inspectModule(bytes);
  if (info.kind === "component") {
    throw problemError("abi", "component", `filter ${name} is a component; a core proxy-wasm module was expected`, {
      hint: "name the .wasm as the source of a filter: the host takes it apart by itself",
    });
  }
  if (info.problems.length === 0) return info;
  throw new ProblemError(
    info.problems.map((problem) => ({ ...problem, message: `filter ${name}: ${problem.message}` })),
  );
}

/** By the first eight bytes: version 1 layer 0 is a core module, layer 1 a component. */
export function kindOf(bytes: Uint8Array): ModuleInfo["kind"] {
  if (bytes.length < 8 || Buffer.from(bytes.subarray(0, 4)).toString("latin1") !== "\0asm") return "unknown";
  if (bytes[6] === 1 && bytes[7] === 0) return "component";
  return bytes[4] === 1 && bytes[5] === 0 && bytes[6] === 0 && bytes[7] === 0 ? "core" : "unknown";
}

function describe(
  shape: ModuleShape,
): Omit<ModuleInfo, "kind" | "size" | "sizeWithoutCustom" | "sha256" | "customSections" | "sluice"> {
  const { imports, exports, hasStartSection } = shape;
  const has = (name: string): boolean => exports.some((each) => each.name === name && each.kind === "func");
  const first = <T extends string>(...names: T[]): T | null => names.find(has) ?? null;
  const [memory] = shape.memories;
  return {
    imports,
    exports,
    hasStartSection,
    allocator: first("malloc", "proxy_on_memory_allocate"),
    start: first("_initialize", "_start"),
    memory: memory === undefined ? null : { min: memory.min, max: memory.max },
    ...judge(shape),
  };
}

function readShape(bytes: Uint8Array, sections: readonly Section[]): ModuleShape {
  const open = (id: number): ByteReader | null => openSection(bytes, sections, id);
  const types = readTypes(bytes, sections);
  const imports = readVector(open(SECTION.import), readImport);
  const own = readVector(open(SECTION.function), (reader) => reader.u32());
  const functions = [...imports.filter((each) => each.kind === "func").map((each) => each.typeIndex ?? -1), ...own];
  const typed = (index: number | undefined): { type?: FunctionType } => {
    const type = types?.[index ?? -1];
    return type === undefined ? {} : { type };
  };
  const toImport = ({ module, name, kind, typeIndex }: RawImport): ImportEntry =>
    kind === "func" ? { module, name, kind, ...typed(typeIndex) } : { module, name, kind };
  const exports = readVector(open(SECTION.export), readExport).map(({ name, kind, index }) =>
    kind === "func" ? { name, kind, ...typed(functions[index]) } : { name, kind },
  );
  const imported = imports.filter((each) => each.kind === "memory").flatMap((each) => each.limits ?? []);
  return {
    imports: imports.map(toImport),
    exports,
    memories: [...imported, ...readVector(open(SECTION.memory), readLimits)],
    hasGcTypes: types === null,
    hasStartSection: open(SECTION.start) !== null,
  };
}

interface Custom {
  readonly customSections: readonly string[];
  readonly sluice: unknown;
  readonly bytes: number;
  readonly warnings: readonly string[];
}

function readCustom(bytes: Uint8Array, sections: readonly Section[]): Custom {
  const customSections: string[] = [];
  const warnings: string[] = [];
  let sluice: unknown = null;
  let size = 0;
  for (const section of sections.filter((each) => each.id === SECTION.custom)) {
    const reader = new ByteReader(bytes, section.start, section.end);
    const name = reader.name();
    customSections.push(name);
    size += section.end - section.header;
    if (name !== "sluice") continue;
    try {
      sluice = JSON.parse(Buffer.from(reader.take(section.end - reader.at)).toString("utf8"));
    } catch {
      warnings.push("the custom section `sluice` is not JSON and is ignored");
    }
  }
  return { customSections, sluice, bytes: size, warnings };
}
