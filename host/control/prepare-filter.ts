// A filter's module as its limits want it: memory cap and fuel counter built in, compiled. A component is taken apart first.
import { MAX_FUEL, START_FUEL_FACTOR } from "../abi/limits.ts";
import { problemError } from "../base/problem.ts";
import type { Jco } from "../module/component/jco.ts";
import { prepareComponent } from "../module/component/prepare-component.ts";
import { filterModule } from "../module/component/wrapped.ts";
import { kindOf } from "../module/inspect.ts";
import { prepareModule, type PreparedFilter, type PrepareOptions } from "../module/prepare.ts";
import type { FilterOptions } from "../plugin/options.ts";

/** @throws ProblemError (kind `abi`) */
export async function prepareFilter(bytes: Uint8Array, options: FilterOptions, jco: Jco): Promise<PreparedFilter> {
  const wasm = filterModule(bytes);
  if (kindOf(wasm) !== "component") return prepareModule(wasm, toPrepare(options));
  return prepareComponent(wasm, await jco.transpile(wasm, `filter ${options.name}`), toPrepare(options));
}

/** As {@link prepareFilter}, for a version that was live before: what jco made of it then is kept. @throws ProblemError */
export function prepareKnown(bytes: Uint8Array, options: FilterOptions, jco: Jco): PreparedFilter {
  const wasm = filterModule(bytes);
  if (kindOf(wasm) !== "component") return prepareModule(wasm, toPrepare(options));
  const transpiled = jco.cached(wasm);
  if (transpiled !== null) return prepareComponent(wasm, transpiled, toPrepare(options));
  throw problemError("state", "cache_missing", `filter ${options.name}: this version is not in the component cache`, {
    hint: "jco was updated or the cache emptied since; load the component from its source again",
  });
}

function toPrepare({ name, limits }: FilterOptions): PrepareOptions {
  const { memoryBytes, tableEntries, fuel } = limits;
  // The counter's first value is what start-up may use: it runs before the host can write a budget.
  return { name, memoryBytes, tableEntries, fuel: fuel === null ? null : Math.min(fuel * START_FUEL_FACTOR, MAX_FUEL) };
}

/** What tells one compiled module from another: the bytes and what was built into them. */
export function moduleKeyOf(sha256: string, { limits }: FilterOptions): string {
  return `${sha256}:${limits.memoryBytes}:${limits.tableEntries}:${limits.fuel ?? "none"}`;
}
