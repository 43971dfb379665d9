// The rules a core module must keep to be a filter (abi.md 2, 3, 12; reliability.md 2.3), as problems and warnings over
// its declarations. Signatures are checked here because a wrong one would otherwise show as a trap in traffic.
import type { Problem } from "../base/problem.ts";
import {
  type AbiVersion,
  CALLBACKS,
  ENV_IMPORTS,
  MAIN_TYPE,
  MARKERS,
  WASI_IMPORTS,
  WASI_MODULES,
} from "./callbacks.ts";
import { type ExportEntry, type ImportEntry, type Limits, typeText } from "./sections.ts";

/** What is declared, before it is judged. */
export interface ModuleShape {
  readonly imports: readonly ImportEntry[];
  readonly exports: readonly ExportEntry[];
  /** Imported first. */
  readonly memories: readonly Limits[];
  readonly hasGcTypes: boolean;
  readonly hasStartSection: boolean;
}

export interface Judgement {
  readonly abiVersion: AbiVersion | null;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

const problem = (code: string, message: string, hint?: string): Problem =>
  hint === undefined ? { kind: "abi", code, message } : { kind: "abi", code, message, hint };

export function judge(shape: ModuleShape): Judgement {
  const functions = shape.exports.filter((each) => each.kind === "func");
  const names = new Set(functions.map((each) => each.name));
  const abiVersion = MARKERS.find(([name]) => names.has(name))?.[1] ?? null;
  const problems = [
    ...judgeMarker(abiVersion, shape.exports),
    ...judgeAllocator(names),
    ...judgeFeatures(shape),
    ...functions.flatMap((each) => judgeSignature(each, names)),
    ...shape.imports.flatMap(judgeImport),
  ];
  return { abiVersion, problems, warnings: [...warnExports(functions), ...warnImports(shape)] };
}

function judgeMarker(version: AbiVersion | null, exports: readonly ExportEntry[]): Problem[] {
  if (version !== null) return [];
  const found = exports.map((each) => each.name).slice(0, 12);
  const list = found.length === 0 ? "no exports at all" : `the exports ${found.join(", ")}`;
  return [
    problem(
      "no_marker",
      `no proxy_abi_version_* export: not a proxy-wasm module of version 0.1.0, 0.2.0 or 0.2.1; it has ${list}`,
      'an AssemblyScript entry must re-export the callbacks: export * from "@sluice/sdk/proxy"',
    ),
  ];
}

function judgeAllocator(names: ReadonlySet<string>): Problem[] {
  if (names.has("malloc") || names.has("proxy_on_memory_allocate")) return [];
  return [
    problem(
      "missing_allocator",
      "neither malloc nor proxy_on_memory_allocate is exported: the host cannot pass values",
    ),
  ];
}

/** What the limits of a filter could not hold: a second memory, one shared with others, types the rewriter cannot read. */
function judgeFeatures(shape: ModuleShape): Problem[] {
  const { memories } = shape;
  const exported = shape.exports.some((each) => each.kind === "memory" && each.name === "memory");
  const rules: [boolean, string, string][] = [
    [memories.length > 1, "multi_memory", `${memories.length} memories; one is allowed`],
    [memories.some((each) => each.shared), "shared_memory", "a shared memory: a guest could block its thread"],
    [memories.some((each) => each.is64), "memory64", "a 64-bit memory; addresses of the ABI have 32 bits"],
    [shape.hasGcTypes, "gc_types", "types of the GC proposal, which cannot be given a CPU limit"],
    [memories.length === 0, "no_memory", "no memory, so no value can be passed"],
    [memories.length > 0 && !exported, "no_memory", "its memory is not exported under the name `memory`"],
  ];
  return rules.filter(([broken]) => broken).map(([, code, message]) => problem(code, message));
}

function judgeSignature(entry: ExportEntry, names: ReadonlySet<string>): Problem[] {
  const isMain = entry.name === "main" && names.has("_initialize");
  const expected = isMain ? [MAIN_TYPE] : Object.hasOwn(CALLBACKS, entry.name) ? CALLBACKS[entry.name] : undefined;
  if (expected === undefined || entry.type === undefined) return [];
  const given = typeText(entry.type);
  if (expected.includes(given)) return [];
  return [problem("bad_signature", `${entry.name} is ${given}, expected ${expected.join(" or ")}`)];
}

function judgeImport(entry: ImportEntry): Problem[] {
  const name = `${entry.module}.${entry.name}`;
  if (entry.kind === "memory" || entry.kind === "table") {
    return [problem(`imported_${entry.kind}`, `imports the ${entry.kind} ${name}; a filter must define its own`)];
  }
  const env = entry.module === "env" && (ENV_IMPORTS.has(entry.name) || entry.name.startsWith("proxy_"));
  const wasi = WASI_MODULES.includes(entry.module) && WASI_IMPORTS.has(entry.name);
  if (entry.kind === "func" && (env || wasi)) return [];
  return [
    problem("unknown_import", `imports the ${entry.kind} ${name}, which this host does not offer`, adviceOn(entry)),
  ];
}

function adviceOn({ module, name }: ImportEntry): string {
  if (module === "env" && name === "seed") return "Math.random needs it; use the SDK's random";
  if (module.startsWith("wasi:")) return "this is WASI 0.2; build for wasm32-wasip1 or wasm32-unknown-unknown";
  if (WASI_MODULES.includes(module)) return "WASI preview 1 has no such function; check its spelling";
  return "a filter imports proxy_* of module env and WASI preview 1; leave out what needs more, or build without it";
}

function warnExports(functions: readonly ExportEntry[]): string[] {
  const known = new Set([...Object.keys(CALLBACKS), ...MARKERS.map(([name]) => name)]);
  return functions
    .filter(({ name }) => /^(?:proxy_|sluice_on_)/.test(name) && !known.has(name))
    .map(({ name }) => `exports ${name}, which no host of this ABI calls`);
}

function warnImports(shape: ModuleShape): string[] {
  const warnings = shape.imports
    .filter((each) => each.module === "env" && each.name.startsWith("proxy_") && !ENV_IMPORTS.has(each.name))
    .map(
      ({ name }) =>
        `imports env.${name}, which answers UNIMPLEMENTED: this host does not know it; ` +
        "use a function of proxy-wasm 0.2.1, or be ready for status 12",
    );
  if (shape.hasStartSection) {
    warnings.push(
      "has a start section, which runs before host calls can be served: build with --exportStart _initialize",
    );
  }
  return warnings;
}
