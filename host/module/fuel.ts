// Gives a core module a fuel counter: a global `__fuel`, counted down at every function entry and loop pass; below zero the
// guest traps, which it cannot catch. Everything new stands at the end of its index space, so nothing is renumbered and
// element, data and name sections stay valid (components-and-isolation.md 2.2-2.4, reliability.md 2.2).
// See RATIONALE: "Why a counter in the module and not a timeout around the call?"
import { problemError } from "../base/problem.ts";
import { type FuelEntries, fuelEntries } from "./fuel-entries.ts";
import { type FunctionPlan, planFunction } from "./fuel-plan.ts";
import type { Surcharge } from "./fuel-weights.ts";
import { ByteReader, ModuleFormatError, sleb, uleb } from "./reader.ts";
import {
  openSection,
  readExport,
  readImport,
  readSections,
  readTypes,
  readVector,
  type Section,
  SECTION,
  sectionRank,
} from "./sections.ts";
import { ModuleWriter } from "./writer.ts";

/** Name of the exported counter, a mutable i32. */
export const FUEL_EXPORT = "__fuel";
/** Name of the exported global the counter is filled from at each callback, a mutable i32. */
export const BUDGET_EXPORT = "__fuel_budget";
/** Part of the key of any cache of rewritten modules: change it with every change of the output. */
export const FUEL_VERSION = 3;

/** A mutable i64 that begins with 0. */
const METER: readonly number[] = [0x7e, 1, 0x42, 0, 0x0b];

export interface FuelOptions {
  /** First value of the counter and of the budget, 0 to 2^31 - 1: what a start section may use. */
  readonly initial: number;
  /** Callbacks fill the counter themselves. Default true; false where the host does, as for the parts of a component. */
  readonly entries?: boolean;
}

export interface FueledModule {
  readonly bytes: Uint8Array;
  /** Places where fuel is charged. */
  readonly points: number;
  /** For `originalOffset`; the original is the module given. */
  readonly offsets: Uint32Array;
}

/**
 * Rewrites a module; what comes out is validated when it is compiled. Throws a problem (kind `abi`): `invalid` when the
 * module itself does not validate, `reserved_export` when it exports a name of ours, `not_instrumentable` when it uses what
 * the rewriter cannot read.
 */
export function instrument(bytes: Uint8Array, options: FuelOptions): FueledModule {
  // The original first: code that names the global one past the end is invalid now, and would be able to refill its own
  // fuel once that global exists.
  assertValid(bytes, "the module");
  return instrumentValid(bytes, options);
}

/** As {@link instrument}, for bytes that have been validated, or made from such by changing limits alone. */
export function instrumentValid(bytes: Uint8Array, options: FuelOptions): FueledModule {
  try {
    return new Rewriter(bytes, options).rewrite();
  } catch (error) {
    if (!(error instanceof ModuleFormatError)) throw error;
    throw problemError("abi", "not_instrumentable", `cannot be given a CPU limit: ${error.message}`, {
      hint: "build without that feature, or set limits.fuel: none to run it without a CPU limit",
    });
  }
}

/** Throws a problem with V8's own words when the bytes do not validate. */
export function assertValid(bytes: Uint8Array, what: string): void {
  if (WebAssembly.validate(bytes)) return;
  let reason = "";
  try {
    void new WebAssembly.Module(bytes);
  } catch (error) {
    reason = error instanceof Error ? error.message.replace(/^WebAssembly\.Module\(\): /, ": ") : "";
  }
  throw problemError("abi", "invalid", `${what} is not valid WebAssembly${reason}`);
}

class Rewriter {
  readonly #bytes: Uint8Array;
  readonly #sections: readonly Section[];
  readonly #charges: Charges;
  /** Parameters of each function the module defines. */
  readonly #params: readonly number[];
  readonly #entries: FuelEntries;
  /** What is appended to a section's items. */
  readonly #added: Map<number, readonly (readonly number[])[]>;
  readonly #out: ModuleWriter;
  #points = 0;

  constructor(bytes: Uint8Array, { initial, entries = true }: FuelOptions) {
    this.#bytes = bytes;
    this.#sections = readSections(bytes);
    this.#out = new ModuleWriter(bytes.length + (bytes.length >> 2) + 1024);
    const types = readTypes(bytes, this.#sections);
    if (types === null) throw new ModuleFormatError("types of the GC proposal", 8);
    const imported = readVector(this.#open(SECTION.import), readImport);
    const typeIndices = readVector(this.#open(SECTION.function), (reader) => reader.u32());
    this.#params = typeIndices.map((index) => types[index]?.params.length ?? 0);
    const globals = imported.filter((each) => each.kind === "global").length + this.#count(SECTION.global);
    this.#charges = new Charges(uleb(globals));
    this.#refuseReserved();
    this.#entries = fuelEntries(this.#open(SECTION.export) ?? new ByteReader(Uint8Array.of(0)), {
      imported: imported.filter((each) => each.kind === "func").length,
      typeIndices,
      types,
      fuel: uleb(globals),
      budget: uleb(globals + 1),
      firstMeter: globals + 2,
      wanted: entries,
    });
    const { meters } = this.#entries;
    const mutable = [0x7f, 1, 0x41, ...sleb(initial), 0x0b];
    this.#added = new Map([
      [SECTION.global, [mutable, mutable, ...meters.flatMap(() => [METER, METER])]],
      [
        SECTION.export,
        [
          exportOf(FUEL_EXPORT, globals),
          exportOf(BUDGET_EXPORT, globals + 1),
          ...meters.flatMap((name, at) => [
            exportOf(`${FUEL_EXPORT}_used:${name}`, globals + 2 + 2 * at),
            exportOf(`${FUEL_EXPORT}_calls:${name}`, globals + 3 + 2 * at),
          ]),
        ],
      ],
    ]);
    if (this.#entries.functions.length > 0) this.#added.set(SECTION.function, this.#entries.functions);
  }

  #refuseReserved(): void {
    const exports = readVector(this.#open(SECTION.export), readExport);
    const taken = exports.find(({ name }) => name.startsWith(FUEL_EXPORT));
    if (taken !== undefined)
      throw problemError("abi", "reserved_export", `exports ${taken.name}, a name of the host's fuel counter`);
  }

  rewrite(): FueledModule {
    this.#out.copy(this.#bytes, 0, 8);
    for (const section of this.#sections) {
      if (section.id !== SECTION.custom) this.#addMissing(sectionRank(section.id));
      if (section.id === SECTION.code) this.#writeCode(section);
      else if (this.#added.has(section.id)) this.#extend(section);
      else this.#out.copy(this.#bytes, section.header, section.end);
    }
    this.#addMissing(Number.POSITIVE_INFINITY);
    return { ...this.#out.finish(), points: this.#points };
  }

  #open(id: number): ByteReader | null {
    return openSection(this.#bytes, this.#sections, id);
  }

  #count(id: number): number {
    return this.#open(id)?.u32() ?? 0;
  }

  /** Writes the sections that the module lacks and that stand before `rank`. */
  #addMissing(rank: number): void {
    for (const [id, items] of this.#added) {
      if (sectionRank(id) >= rank) continue;
      this.#added.delete(id);
      const content = [...uleb(items.length), ...items.flat()];
      this.#out.put([id, ...uleb(content.length), ...content]);
    }
  }

  #extend(section: Section): void {
    const items = this.#added.get(section.id) ?? [];
    this.#added.delete(section.id);
    const reader = new ByteReader(this.#bytes, section.start, section.end);
    this.#out.put([section.id]);
    const size = this.#out.hole();
    this.#out.put(uleb(reader.u32() + items.length));
    if (section.id === SECTION.export) this.#out.put(this.#entries.exports);
    else this.#out.copy(this.#bytes, reader.at, section.end);
    for (const item of items) this.#out.put(item);
    this.#out.fill(size);
  }

  #writeCode(section: Section): void {
    const reader = new ByteReader(this.#bytes, section.start, section.end);
    this.#out.put([SECTION.code]);
    const size = this.#out.hole();
    const count = reader.u32();
    this.#out.put(uleb(count + this.#entries.bodies.length));
    for (let index = 0; index < count; index++) {
      const end = reader.u32() + reader.at;
      const plan = planFunction(reader, end);
      this.#writeFunction(plan, end, (this.#params[index] ?? 0) + plan.localCount);
    }
    for (const body of this.#entries.bodies) this.#out.put(body);
    this.#out.fill(size);
  }

  /** @param local index of the local that a charge by length gets, the first behind all others */
  #writeFunction(plan: FunctionPlan, end: number, local: number): void {
    const size = this.#out.hole();
    let from = plan.localsAt;
    if (plan.needsLocal) {
      this.#out.put(uleb(plan.localGroups + 1));
      // The module's own count may be written longer than need be.
      const reader = new ByteReader(this.#bytes, plan.localsAt, end);
      reader.skipLeb(5);
      this.#out.copy(this.#bytes, reader.at, plan.codeAt);
      this.#out.put([1, 0x7f]);
      from = plan.codeAt;
    }
    for (const { at, what } of plan.charges) {
      this.#out.copy(this.#bytes, from, at);
      this.#charges.write(this.#out, what, local);
      this.#points++;
      from = at;
    }
    this.#out.copy(this.#bytes, from, end);
    this.#out.fill(size);
  }
}

/** A global by its name. */
const exportOf = (name: string, index: number): number[] => [name.length, ...Buffer.from(name), 3, ...uleb(index)];

/** Writes `fuel -= price; if (fuel < 0) unreachable`. A price by length leaves the length where it was. */
class Charges {
  readonly #before: readonly number[];
  readonly #after: readonly number[];

  /** @param global index of the counter */
  constructor(global: readonly number[]) {
    this.#before = [0x23, ...global];
    this.#after = [0x6b, 0x24, ...global, 0x23, ...global, 0x41, 0, 0x48, 0x04, 0x40, 0x00, 0x0b];
  }

  /** @param local where a price by length keeps the length */
  write(out: ModuleWriter, what: Surcharge, local: number): void {
    if (what.kind === "length") out.put([0x22, ...uleb(local)]);
    out.put(this.#before);
    if (what.kind === "length") out.put([0x20, ...uleb(local), ...shiftCode(what.shift)]);
    out.put([0x41, ...sleb(what.points)]);
    if (what.kind === "length") out.put([0x6a]);
    out.put(this.#after);
  }
}

const shiftCode = (shift: number): number[] => (shift > 0 ? [0x41, shift, 0x76] : [0x41, -shift, 0x74]);
