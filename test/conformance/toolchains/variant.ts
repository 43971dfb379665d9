// Variants of a probe guest. A guest is built once, with every export any variant wants (markers of all versions, both
// allocators, all ways to start, header callbacks of both arities); a variant is the same module with fewer exports, under
// the names hosts look for. So a variant costs no compiler run, and differs in nothing else.
import { readLeb, toLeb } from "../../../sdk/build/wasm.ts";

/** The two callbacks whose arity changed with ABI 0.2.0 (abi.md 2), and what their short forms are called in a build. */
export const HEADER_CALLBACKS: readonly string[] = ["proxy_on_request_headers", "proxy_on_response_headers"];
export const shortForm = (name: string): string => `short:${name}`;

export const MARKERS: readonly string[] = ["0_1_0", "0_2_0", "0_2_1", "9_9_9"];
const markerExport = (version: string): string => `proxy_abi_version_${version}`;
const ALLOCATORS = ["malloc", "proxy_on_memory_allocate"] as const;
const STARTS = ["_initialize", "main", "__main_void", "_start"] as const;

/** How one guest differs from the ordinary one. */
export interface GuestVariant {
  /** Version markers exported. Default ["0_2_1"]. */
  readonly markers?: readonly string[];
  /** Default "proxy_on_memory_allocate". */
  readonly allocator?: (typeof ALLOCATORS)[number] | "both" | "none";
  /** Exports that start the module. Default ["_initialize"]. */
  readonly starts?: readonly (typeof STARTS)[number][];
  /** Arguments of the two header callbacks. Default 3. */
  readonly headerArity?: 2 | 3;
  /** Callback exports left out. */
  readonly without?: readonly string[];
}

/** The module as `variant` describes it. */
export function toVariant(full: Uint8Array, variant: GuestVariant): Uint8Array {
  return rewriteExports(full, (name) => exportedAs(name, variant));
}

/** The name an export of the full build has in a variant; null = left out. */
function exportedAs(name: string, variant: GuestVariant): string | null {
  const { markers = ["0_2_1"], allocator = "proxy_on_memory_allocate" } = variant;
  const { starts = ["_initialize"], headerArity = 3, without = [] } = variant;
  const bare = name.replace(/^short:/, "");
  const groups: readonly (readonly [readonly string[], boolean])[] = [
    [without, false],
    [MARKERS.map(markerExport), markers.map(markerExport).includes(name)],
    [ALLOCATORS, allocator === "both" || allocator === name],
    [STARTS, starts.some((one) => one === name)],
    [HEADER_CALLBACKS, (headerArity === 2) === (name !== bare)],
  ];
  const isKept = groups.every(([members, kept]) => !members.includes(bare) || kept);
  return isKept ? bare : null;
}

const EXPORT_SECTION = 7;

/** The module with its exports renamed, or left out where `rename` says null. */
function rewriteExports(wasm: Uint8Array, rename: (name: string) => string | null): Uint8Array {
  for (let at = 8; at < wasm.length;) {
    const size = readLeb(wasm, at + 1);
    const end = size.next + size.value;
    if (wasm[at] === EXPORT_SECTION) {
      const content = renamed(wasm, size.next, rename);
      const head = Buffer.from([EXPORT_SECTION, ...toLeb(content.length)]);
      return Buffer.concat([wasm.subarray(0, at), head, content, wasm.subarray(end)]);
    }
    at = end;
  }
  return wasm;
}

function renamed(wasm: Uint8Array, start: number, rename: (name: string) => string | null): Buffer {
  const count = readLeb(wasm, start);
  const kept: Buffer[] = [];
  let at = count.next;
  for (let left = count.value; left > 0; left--) {
    const length = readLeb(wasm, at);
    const nameEnd = length.next + length.value;
    const name = rename(Buffer.from(wasm.subarray(length.next, nameEnd)).toString());
    const { next } = readLeb(wasm, nameEnd + 1);
    if (name !== null) {
      kept.push(Buffer.from([...toLeb(name.length), ...Buffer.from(name), ...wasm.subarray(nameEnd, next)]));
    }
    at = next;
  }
  return Buffer.concat([Buffer.from(toLeb(kept.length)), ...kept]);
}
