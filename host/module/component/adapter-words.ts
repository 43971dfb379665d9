// Words that the generated adapters share: the world's name, its functions' names, and the lines that import them.

export const PACKAGE = "sluice:proxy-wasm";
export const VERSION = "0.2.1";
export const HOST = `${PACKAGE}/host@${VERSION}`;

/** Whether a kind of argument goes to the host (proxy-wasm-adapter.ts has the letters). */
export const isIn = (kind: string): boolean => "ilb".includes(kind);
export const kebab = (name: string): string => name.replace(/^proxy_/, "").replaceAll("_", "-");

const CORE: Readonly<Record<string, string>> = { i: "i32", l: "i64", b: "i32 i32" };

/** Import line of a host function; the generator collects them from comments. */
export function importLine(name: string, kinds: string): string {
  const params = [...kinds].filter(isIn).map((kind) => CORE[kind] ?? "");
  const hasOuts = [...kinds].some((kind) => !isIn(kind));
  const types = [...params, hasOuts ? "i32" : ""].join(" ");
  return `;;import (import "${HOST}" "${kebab(name)}" (func $h_${name} (param ${types})${hasOuts ? "" : " (result i32)"}))`;
}
