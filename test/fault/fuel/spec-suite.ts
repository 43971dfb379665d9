// By hand: every text module of a folder of .wast scripts, plain and with fuel. The WebAssembly project's test-suite is the
// folder meant; it is not part of this repository.
//   node test/fault/fuel/spec-suite.ts FOLDER
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { wat } from "../../unit/module/build.ts";
import { compare } from "./compare.ts";

/** The top-level forms of a script, strings and comments respected. */
export function forms(text: string): readonly string[] {
  const found: string[] = [];
  let depth = 0;
  let from = 0;
  const token = /"(?:\\.|[^"\\])*"|;;[^\n]*|\(;[\s\S]*?;\)|[()]/g;
  for (const { 0: mark, index } of text.matchAll(token)) {
    if (mark === "(" && depth++ === 0) from = index;
    if (mark === ")" && --depth === 0) found.push(text.slice(from, index + 1));
  }
  return found;
}

function bytesOf(form: string): Uint8Array | null {
  if (!/^\(module\b/.test(form) || /^\(module\s+(?:\$\S+\s+)?(?:binary|quote|definition|instance)/.test(form))
    return null;
  try {
    return wat(form);
  } catch {
    return null;
  }
}

function main(folder: string): void {
  const counts = { equal: 0, different: 0, refused: 0, unusable: 0 };
  let calls = 0;
  const refusals = new Map<string, number>();
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((one) =>
    one.endsWith(".wast"),
  )) {
    for (const form of forms(readFileSync(join(folder, name), "utf8"))) {
      const bytes = bytesOf(form);
      if (bytes === null) continue;
      const result = compare(bytes);
      counts[result.verdict]++;
      calls += result.calls;
      if (result.verdict === "different") process.stdout.write(`${name}: ${result.detail}\n`);
      const reason = result.detail.replaceAll(/\d+/g, "n");
      if (result.verdict === "refused") refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
    }
  }
  for (const [reason, count] of refusals) process.stdout.write(`refused ${count} times: ${reason}\n`);
  process.stdout.write(`${JSON.stringify(counts)} in ${calls} calls\n`);
  process.exitCode = counts.different === 0 ? 0 : 1;
}

const folder = process.argv[2];
if (import.meta.main && folder !== undefined) main(folder);
