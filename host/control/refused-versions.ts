// Versions that an experiment has rolled back: the same module with the same configuration is not tried again by itself. The
// ended experiments say which they are, so a restart forgets nothing.
import { problemError } from "../base/problem.ts";
import type { Runtime } from "./runtime.ts";
import type { Version } from "./version.ts";

export interface Wanted {
  readonly name: string;
  readonly filter: string;
  /** Labels of the arms' versions, the control's first. */
  readonly versions: readonly string[];
  readonly force: boolean;
}

const same = (a: Version, b: Version): boolean => a.sha256 === b.sha256 && a.configSha256 === b.configSha256;

/** @throws ProblemError when a candidate was rolled back before, unless it is forced */
export function assertAllowed({ experiments, book }: Runtime, { filter, versions, force }: Wanted): void {
  if (force) return;
  const known = book.get(filter).versions;
  const find = (label: string): Version | undefined => known.find((version) => version.label === label);
  for (const candidate of versions.slice(1)) {
    const version = find(candidate);
    if (version === undefined) continue;
    for (const past of experiments.values()) {
      if (past.filter !== filter || past.state !== "rolledBack") continue;
      const bad = past.arms.slice(1).some((arm) => {
        const old = find(arm.version);
        return old !== undefined && same(old, version);
      });
      if (!bad) continue;
      const message = `${filter} ${candidate} was rolled back by experiment ${past.name}: ${past.log.at(-1)?.what ?? ""}`;
      const hint = 'change the candidate, or force it: POST experiments with "force": true, or sluice ab --force';
      throw problemError("state", "version_blocked", message, { hint });
    }
  }
}
