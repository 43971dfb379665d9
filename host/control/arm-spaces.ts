// Where the arms of an experiment keep shared data and queues (experiments.md 3). By default a candidate has a namespace of its
// own, so that it can neither break what the control has written nor blur the comparison; the control keeps the filter's. The
// candidate's becomes the filter's when it is promoted, and is emptied when it is not.
import { problemError } from "../base/problem.ts";
import type { ProxyConfig } from "../config/options.ts";
import type { ExperimentRules } from "../experiment/options.ts";
import { isOpen } from "./experiment-state.ts";
import { liveSpace } from "./filter-record.ts";
import type { Runtime } from "./runtime.ts";

export interface Wanted<T> {
  readonly name: string;
  readonly filter: string;
  readonly arms: readonly T[];
  readonly rules: Pick<ExperimentRules, "sharedData">;
  /** As it is to be. */
  readonly config: ProxyConfig;
}

/** @throws ProblemError when `separate` is wanted and cannot be */
export function withSpaces<T extends { readonly name: string }>(
  runtime: Runtime,
  { name, filter, arms, rules, config }: Wanted<T>,
): readonly (T & { readonly space?: string })[] {
  if (rules.sharedData === "shared") return arms;
  const reason = whyShared(runtime, filter, config);
  if (reason !== null && rules.sharedData === null) return arms;
  if (reason !== null)
    throw problemError("config", "shared_namespace", `experiment ${name}: sharedData cannot be separate: ${reason}`, {
      pointer: "/sharedData",
      hint: "say sharedData: shared; both arms then read and write the same keys",
    });
  const { vmId } = runtime.book.get(filter).options;
  const used = usedSpaces(runtime, filter);
  if (!used.has(vmId)) runtime.stores.empty(vmId);
  return arms.map((arm, at) => {
    if (at === 0) return arm;
    // Two names in turn: one may be the filter's own by now, or that of a run which this one replaces.
    const own = [`${vmId}#${arm.name}`, `${vmId}#${arm.name}#2`, `${vmId}#${arm.name}#3`];
    const space = own.find((one) => !used.has(one)) ?? `${vmId}#${arm.name}`;
    runtime.stores.empty(space);
    return { ...arm, space };
  });
}

/** A namespace that others use cannot become another one with a promotion. */
function whyShared({ book, stores }: Runtime, filter: string, { filters }: ProxyConfig): string | null {
  const { vmId } = book.get(filter).options;
  const other = filters.find((one) => one.name !== filter && one.vmId === vmId);
  if (other !== undefined) return `filter ${other.name} has the vmId "${vmId}" too`;
  if (filters.length > 1 && stores.hasQueues(vmId)) return `other filters may read the queues of "${vmId}"`;
  return null;
}

function usedSpaces({ book, experiments }: Runtime, filter: string): ReadonlySet<string> {
  const open = [...experiments.values()].filter((state) => state.filter === filter && isOpen(state));
  const arms = open.flatMap((state) => state.arms.flatMap(({ space }) => space ?? []));
  return new Set([liveSpace(book.get(filter)), ...arms]);
}

/** Those of arms that serve nobody any more. */
export function dropSpaces({ stores }: Runtime, arms: readonly { readonly space?: string }[], kept?: string): void {
  for (const { space } of arms) if (space !== undefined && space !== kept) stores.empty(space);
}
