// A proxy-wasm module inside a component that `sluice componentize` made around it (world sluice:proxy-wasm). The module lies
// there byte for byte, so the host runs it as what it is: neither jco nor the wrapper's glue is needed. Called wherever a
// module is made ready.
import { inspectModule, kindOf } from "../inspect.ts";
import { ByteReader, ModuleFormatError } from "../reader.ts";

/** Sections of a component (component model, Binary.md). */
const CORE_MODULE = 1;
const EXPORT = 11;
const WORLD = "sluice:proxy-wasm/callbacks@";

/** The module inside; null: the bytes are something else. */
export function wrappedModule(bytes: Uint8Array): Uint8Array | null {
  if (kindOf(bytes) !== "component") return null;
  try {
    const { modules, exports } = partsOf(bytes);
    if (!exports.includes(WORLD)) return null;
    return modules.find((module) => inspectModule(module).abiVersion !== null) ?? null;
  } catch (error) {
    // Malformed: whoever takes it apart says where.
    if (error instanceof ModuleFormatError) return null;
    throw error;
  }
}

/** What a filter's module is: the wrapped one, or the bytes themselves. */
export const filterModule = (bytes: Uint8Array): Uint8Array => wrappedModule(bytes) ?? bytes;

function partsOf(bytes: Uint8Array): { readonly modules: readonly Uint8Array[]; readonly exports: string } {
  const reader = new ByteReader(bytes, 8);
  const modules: Uint8Array[] = [];
  let exports = "";
  while (!reader.done) {
    const id = reader.u8();
    const size = reader.u32();
    const content = reader.take(size);
    if (id === CORE_MODULE) modules.push(content);
    if (id === EXPORT) exports += Buffer.from(content).toString("latin1");
  }
  return { modules, exports };
}
