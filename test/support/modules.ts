// Test guests as modules, and modules that differ in their bytes only (equal bytes would hit V8's cache and prove nothing,
// decisions.md 28).
import { resolve } from "node:path";
import { compile } from "../../sdk/testing/index.ts";

const built = new Map<string, Promise<Uint8Array>>();

/** The module of test/support/guests/<name>. */
export function guest(name: string): Promise<Uint8Array> {
  const known = built.get(name) ?? compile(resolve(import.meta.dirname, `guests/${name}/index.ts`), "release");
  built.set(name, known);
  return known;
}

/** The same module with a custom section that nobody reads. */
export function withNonce(wasm: Uint8Array, nonce: number): Uint8Array {
  const content = [5, ...Buffer.from("nonce"), ...Buffer.from(String(nonce))];
  return Buffer.concat([wasm, Buffer.from([0, content.length, ...content])]);
}
