// `npm run check:guest`: checks all guest code with asc, without emitting anything: every filter's entry and the SDK
// itself (through an entry that uses the whole door). Prints what is wrong and exits with 1 on errors.
import { globSync } from "node:fs";
import { join } from "node:path";
import { runAsc } from "./asc.ts";
import { describe } from "./types.ts";

const ROOT = join(import.meta.dirname, "../..");
const ENTRIES = ["filters/*/assembly/index.ts", "test/unit/sdk/guest/*/index.ts", "bench/guests/*/assembly/index.ts", "sdk/template/*/assembly/index.ts"];

let errors = 0;
const entries = ENTRIES.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).sort();
for (const entry of entries) {
  const { diagnostics } = await runAsc({ entry: join(ROOT, entry), mode: "check" });
  for (const one of diagnostics) process.stderr.write(`${describe(one)}\n\n`);
  errors += diagnostics.filter((one) => one.category === "error").length;
}
process.stdout.write(`guest code: ${entries.length} entries checked, ${errors} errors\n`);
process.exitCode = errors === 0 ? 0 : 1;
