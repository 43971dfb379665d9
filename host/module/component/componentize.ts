// Makes a filter component of what an author has: JavaScript, or a core module with the world's canonical exports. Called by
// `sluice componentize` and by tests.
import { problemError } from "../../base/problem.ts";
import { openSection, readExport, readSections, SECTION } from "../sections.ts";
import { withCanonicalNames } from "./canonical-names.ts";
import { checkFilterModule } from "../inspect.ts";
import type { Jco } from "./jco.ts";
import { adaptersFor } from "./proxy-wasm-adapter.ts";
import type { Encoding, WorldSource } from "./transpiled.ts";

/** Exports of the world, by their names in JavaScript. */
const EXPORTS = { onConfigure: "on-configure", onRequest: "on-request", onResponse: "on-response" } as const;
const TYPES: Readonly<Record<string, string>> = { "on-request": "request", "on-response": "response" };
const SIGNATURES: Readonly<Record<string, string>> = {
  "on-configure": "func(config: string) -> result<_, string>",
  "on-request": "func(req: request) -> action",
  "on-response": "func(res: response) -> action",
};

/** The part of the world that has these exports; `wit` is the text of sdk/wit/sluice-filter.wit. */
export function worldOf(exports: readonly string[], wit: string): WorldSource {
  const types = exports.flatMap((name) => TYPES[name] ?? []);
  const used = types.length === 0 ? "" : `use types.{${[...types, "action"].join(", ")}};`;
  const lines = exports.map((name) => `export ${name}: ${SIGNATURES[name]};`);
  return { wit: `${wit}\nworld built { import host; ${used} ${lines.join(" ")} }\n`, name: "built" };
}

export interface ComponentizeInput {
  /** Named in messages. */
  readonly file: string;
  /** Text of sdk/wit/sluice-filter.wit. */
  readonly wit: string;
  readonly jco: Jco;
}

/** @throws ProblemError when the source exports nothing of the world, or the tools refuse it */
export async function componentizeScript(source: string, { file, wit, jco }: ComponentizeInput): Promise<Uint8Array> {
  const named = [...source.matchAll(/\bexport\s+(?:async\s+)?(?:function|const|let)\s+(\w+)/g)].map(([, name]) => name);
  const exports = Object.entries(EXPORTS).flatMap(([js, name]) => (named.includes(js) ? [name] : []));
  assertFilter(exports, file, Object.keys(EXPORTS));
  return jco.componentize({ kind: "javascript", source, world: worldOf(exports, wit) }, file);
}

/** Names of a core module's exports that the world has; `on_request` stands for `on-request`. */
export function worldExportsOf(bytes: Uint8Array): readonly string[] {
  const names = readExports(bytes).map(({ name }) => name.replaceAll("_", "-"));
  return Object.values(EXPORTS).filter((name) => names.includes(name));
}

/** @throws ProblemError as {@link componentizeScript} */
export async function componentizeCore(
  bytes: Uint8Array,
  encoding: Encoding,
  { file, wit, jco }: ComponentizeInput,
): Promise<Uint8Array> {
  const exports = worldExportsOf(bytes);
  assertFilter(exports, file, Object.values(EXPORTS));
  const world = worldOf(exports, wit);
  return jco.componentize({ kind: "embed", bytes: withCanonicalNames(bytes), world, encoding }, file);
}

/** A proxy-wasm module as a component of the world `sluice:proxy-wasm`. @throws ProblemError */
export async function componentizeProxyWasm(bytes: Uint8Array, { file, jco }: ComponentizeInput): Promise<Uint8Array> {
  return jco.componentize({ kind: "wrap", bytes, adapters: adaptersFor(checkFilterModule(bytes, file), file) }, file);
}

function assertFilter(exports: readonly string[], file: string, expected: readonly string[]): void {
  if (exports.some((name) => name !== "on-configure")) return;
  throw problemError("abi", "not_a_filter", `${file} exports neither ${expected.slice(1).join(" nor ")}`, {
    hint: "see sdk/wit/sluice-filter.wit for what a filter component exports",
  });
}

function readExports(bytes: Uint8Array) {
  const reader = openSection(bytes, readSections(bytes), SECTION.export);
  const count = reader?.u32() ?? 0;
  return reader === null ? [] : Array.from({ length: count }, () => readExport(reader));
}
