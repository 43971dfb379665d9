// `npm run battery`: the hostile battery as a table. Arguments: words that must occur in a case's name or callback.
import { cells, runCell } from "./guests/battery.ts";

const wanted = process.argv.slice(2);
const chosen = cells().filter(({ deed, moment }) => wanted.every((word) => `${deed.name} ${moment}`.includes(word)));
let wrong = 0;
let slowest = 0;
for (const cell of chosen) {
  const { end, wrong: why, millis } = runCell(cell);
  slowest = Math.max(slowest, millis);
  if (why !== "") wrong++;
  const verdict = why === "" ? end : `WRONG: ${why}`;
  process.stdout.write(
    `${cell.deed.name.padEnd(56)} ${cell.moment.padEnd(42)} ${verdict.padEnd(20)} ${millis.toFixed(1).padStart(7)} ms\n`,
  );
}
process.stdout.write(`${chosen.length} cases, ${wrong} wrong, slowest ${slowest.toFixed(0)} ms\n`);
process.exitCode = wrong === 0 ? 0 : 1;
