// Versions that an experiment has rolled back: the same module with the same configuration is not tried again by itself. The
// ended experiments say which they are, so a restart forgets nothing.
import { problemError } from "../base/problem.ts";
import type { ExperimentState } from "./experiment-state.ts";
import type { Runtime } from "./runtime.ts";

export interface Wanted {
  readonly name: string;
  readonly filter: string;
  /** Labels of the arms' versions, the control's first. */
  readonly versions: readonly string[];
  readonly force: boolean;
}

/** Module and configuration: what makes a version the same one under whatever label. */
function identityOf({ book }: Runtime, filter: string, label: string): string | null {
  const version = book.get(filter).versions.find((one) => one.label === label);
  return version === undefined ? null : `${version.sha256}/${version.configSha256}`;
}

/** The candidates of an experiment, to be remembered when it is rolled back. */
export function candidatesOf(runtime: Runtime, { filter, arms }: ExperimentState): readonly string[] {
  return arms.slice(1).flatMap(({ version }) => identityOf(runtime, filter, version) ?? []);
}

/** What a new experiment of this name goes on to refuse. */
export function inherited({ experiments }: Runtime, { name, filter, force }: Wanted): readonly string[] {
  const past = experiments.get(name);
  return past === undefined || past.filter !== filter || force ? [] : past.refused;
}

/** @throws ProblemError when a candidate was rolled back before, unless it is forced */
export function assertAllowed(runtime: Runtime, { filter, versions, force }: Wanted): void {
  for (const candidate of force ? [] : versions.slice(1)) {
    const identity = identityOf(runtime, filter, candidate);
    if (identity === null) continue;
    for (const past of runtime.experiments.values()) {
      if (past.filter !== filter || !past.refused.includes(identity)) continue;
      const why = past.log.findLast(({ what }) => what.startsWith("rolled back"))?.what ?? "it failed";
      const message = `${filter} ${candidate} was rolled back by experiment ${past.name}: ${why}`;
      const hint = 'change the candidate, or force it: POST experiments with "force": true, or sluice ab --force';
      throw problemError("state", "version_blocked", message, { hint });
    }
  }
}
