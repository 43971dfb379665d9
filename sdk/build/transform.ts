// The build's transforms for plain `asc --config asconfig.json`: the template's asconfig names this module, and asc takes its
// exports for the hooks of one transform. What only `sluice build` adds: schema and `sluice` section, short names, checks.
import type { Parser, Program } from "assemblyscript";
import type binaryen from "assemblyscript/binaryen";
import { diagnosticAt } from "./diagnostics.ts";
import { ConfigTransform } from "./transforms/config.ts";
import { PruneExports } from "./transforms/prune.ts";
import { RecycleTransform } from "./transforms/recycle.ts";
import { describe } from "./types.ts";

// asc compiles once per process here.
const config = new ConfigTransform();
const recycle = new RecycleTransform();
const prune = new PruneExports();

export function afterParse(parser: Parser): void {
  try {
    config.afterParse(parser);
  } catch (error) {
    const found = config.problems.map((one) => {
      const { normalizedPath: path, text } = one.range.source;
      return describe(diagnosticAt({ path, text }, one.range, one));
    });
    throw found.length === 0 ? error : new Error(found.join("\n\n"), { cause: error });
  }
  recycle.afterParse(parser);
}

export function afterInitialize(program: Program): void {
  prune.afterInitialize(program);
}

export function afterCompile(module: binaryen.Module): void {
  prune.afterCompile(module);
}
