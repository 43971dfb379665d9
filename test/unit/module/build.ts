// Guests for the tests of host/module: WAT through binaryen (which comes with assemblyscript), AssemblyScript through asc
// in memory, and hand-made sections where a tool would refuse to write the bytes.
import { main } from "assemblyscript/asc";
import binaryen from "binaryen";

/** Text format to bytes; as written, without optimising. */
export function wat(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All & ~binaryen.Features.GC);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

/** AssemblyScript source to bytes. */
export async function assembly(source: string, ...options: string[]): Promise<Uint8Array> {
  const outputs = new Map<string, Uint8Array>();
  const { error, stderr } = await main(
    ["input.ts", "-o", "out.wasm", "--runtime", "stub", "--use", "abort=", ...options],
    {
      readFile: (name: string) => (name === "input.ts" ? source : null),
      writeFile: (name: string, contents: string | Uint8Array) => {
        if (typeof contents !== "string") outputs.set(name, contents);
      },
      listFiles: () => [],
    },
  );
  const bytes = outputs.get("out.wasm");
  if (error !== null || bytes === undefined) throw new Error(stderr.toString());
  return bytes;
}

/** A body around what makes a core filter loadable. */
export const filterWat = (more = "", memory = '(memory (export "memory") 1)'): string => `(module
  ${memory}
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
  ${more})`;

const text = (value: string): number[] => [value.length, ...Buffer.from(value, "latin1")];
export const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content];
export const custom = (name: string, body: string): number[] => section(0, ...text(name), ...Buffer.from(body));
export const HEAD: readonly number[] = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
export const core = (...sections: number[][]): Uint8Array => Uint8Array.from([...HEAD, ...sections.flat()]);
export const append = (bytes: Uint8Array, ...sections: number[][]): Uint8Array =>
  Uint8Array.from([...bytes, ...sections.flat()]);

/** Runs a module; imports answer 0. */
export function run(bytes: Uint8Array): Record<string, (...args: number[]) => number> & {
  __fuel: WebAssembly.Global;
  memory: WebAssembly.Memory;
} {
  const module = new WebAssembly.Module(bytes);
  const imports: Record<string, Record<string, () => number>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) (imports[from] ??= {})[name] = () => 0;
  return new WebAssembly.Instance(module, imports).exports as never;
}
