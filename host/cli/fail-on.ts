// What makes `sluice replay` fail: `diff`, `divergence`, `fuel:+10%`, several by comma; `none` = nothing.
import type { ReplayReport } from "../replay/replay.ts";
import { UsageError } from "./exit.ts";

export interface FailOn {
  readonly diff: boolean;
  readonly divergence: boolean;
  /** Rise of fuel that is allowed, percent; null = any. */
  readonly fuelPercent: number | null;
}

const HINT = "diff, divergence, fuel:+10%, none; several by comma";

/** @throws UsageError */
export function parseFailOn(text: string): FailOn {
  const words = text.split(",").map((word) => word.trim());
  let fuelPercent: number | null = null;
  for (const word of words) {
    const fuel = /^fuel:\+?(\d+(?:\.\d+)?)%$/.exec(word);
    if (fuel !== null) fuelPercent = Number(fuel[1]);
    else if (!["diff", "divergence", "none"].includes(word))
      throw new UsageError(`--fail-on: "${word}" is not known`, `expected ${HINT}`);
  }
  return { diff: words.includes("diff"), divergence: words.includes("divergence"), fuelPercent };
}

/** Why it fails, one sentence each; empty = it does not. A module that does not start always fails. */
export function failures(report: ReplayReport, on: FailOn): readonly string[] {
  const versions = [report.a, ...(report.b === null ? [] : [report.b])];
  const reasons = versions
    .filter(({ fault }) => fault !== "")
    .map(({ name, fault }) => `${name} does not start: ${fault}`);
  if (on.diff && report.differing > 0) reasons.push(`${report.differing} of ${report.compared} streams differ`);
  const diverged = versions.reduce((sum, { diverged: count }) => sum + count, 0);
  if (on.divergence && diverged > 0) reasons.push(`${diverged} times something was asked for that was not recorded`);
  if (on.fuelPercent !== null) reasons.push(...risen(report, on.fuelPercent));
  return reasons;
}

/** Callbacks whose mean fuel has risen by more: of B against A, or of A against the recording. */
function risen({ fuel, b }: ReplayReport, percent: number): readonly string[] {
  return fuel.flatMap((row) => {
    const [before, after] = b === null ? [row.recorded, row.a] : [row.a, row.b];
    if (before === null || after === null || after <= before * (1 + percent / 100)) return [];
    const rise = before === 0 ? "" : ` (+${(((after - before) / before) * 100).toFixed(1)} %)`;
    return [`${row.callback} uses ${after} points, before ${before}${rise}; allowed is +${percent} %`];
  });
}
