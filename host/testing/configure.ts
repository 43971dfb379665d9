// Starts a filter once with its configuration and throws it away: what `sluice validate` knows of a configuration beyond YAML.
import { ProblemError, type Problem } from "../base/problem.ts";
import type { FilterOptions } from "../plugin/options.ts";
import { Harness } from "./harness.ts";

/** Why the filter does not start, or refuses its configuration; empty when it serves. */
export function configureOnce(wasm: Uint8Array, options: FilterOptions): readonly Problem[] {
  const { name, pluginConfig } = options;
  try {
    new Harness([{ name, wasm, config: pluginConfig, options }]).close();
    return [];
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    // The harness calls its version so; nobody here asked for one.
    return error.problems.map((one) => ({
      ...one,
      message: one.message.replace(`filter ${name} test:`, `filter ${name}:`),
    }));
  }
}
