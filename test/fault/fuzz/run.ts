// `npm run fuzz -- --seconds 60 --seed 1`: rounds with seeds from the given one on, until the time is up. What is found is
// printed, and kept in test/fault/cases, where the tests run it again.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string", default: "1" } },
});
const until = performance.now() + Number(values.seconds) * 1000;
const folder = join(import.meta.dirname, "../cases");
let seed = Number(values.seed);
let rounds = 0;
let findings = 0;
for (; performance.now() < until; seed++, rounds++) {
  const found = fuzz(seed);
  if (found === "") continue;
  findings++;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `fuzz-${seed}.json`), `${JSON.stringify({ seed, found }, null, 2)}\n`);
  process.stdout.write(`seed ${seed}: ${found}\n`);
}
process.stdout.write(`${rounds} rounds, seeds ${values.seed} to ${seed - 1}, ${findings} findings\n`);
process.exitCode = findings === 0 ? 0 : 1;
