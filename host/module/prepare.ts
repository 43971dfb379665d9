import { capMemory } from "./memory-cap.ts";
import { checkFilterModule, type ModuleInfo } from "./inspect.ts";
export interface PreparedModule {
  readonly info: ModuleInfo;
  readonly module: WebAssembly.Module;
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array | null;
}
export function prepareModule(
  bytes: Uint8Array,
  options: { readonly name: string; readonly memoryBytes: number; readonly fuel: number | null },
): PreparedModule {
  const info = checkFilterModule(bytes, options.name);
  const capped = capMemory(bytes, { name: options.name, memoryBytes: options.memoryBytes } as never);
  return { info, module: new WebAssembly.Module(capped.bytes), bytes: capped.bytes, offsets: null };
}
