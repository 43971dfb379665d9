// A filter's module as its limits want it: memory cap and fuel counter built in, compiled.
import { MAX_FUEL, START_FUEL_FACTOR } from "../abi/limits.ts";
import { prepareModule, type PreparedModule } from "../module/prepare.ts";
import type { FilterOptions } from "../plugin/options.ts";

/** @throws ProblemError (kind `abi`) */
export function prepareFilter(wasm: Uint8Array, { name, limits }: FilterOptions): PreparedModule {
  const { memoryBytes, tableEntries, fuel } = limits;
  // The counter's first value is what start-up may use: it runs before the host can write a budget.
  return prepareModule(wasm, {
    name,
    memoryBytes,
    tableEntries,
    fuel: fuel === null ? null : Math.min(fuel * START_FUEL_FACTOR, MAX_FUEL),
  });
}

/** What tells one compiled module from another: the bytes and what was built into them. */
export function moduleKeyOf(sha256: string, { limits }: FilterOptions): string {
  return `${sha256}:${limits.memoryBytes}:${limits.tableEntries}:${limits.fuel ?? "none"}`;
}
