// What changed between two configurations, one sentence each: the answer of a reload and the line in the event feed.
import type { ProxyConfig } from "./options.ts";

type Named = { readonly name: string };

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The fields in which two objects differ, without unit suffixes. */
function changedFields(before: object, after: object): string {
  const old = new Map<string, unknown>(Object.entries(before));
  const fields = Object.entries(after).filter(([key, value]) => !same(old.get(key), value));
  return fields.map(([key]) => key.replace(/(Ms|Bytes)$/, "")).join(", ");
}

function diffList(kind: string, before: readonly Named[], after: readonly Named[]): string[] {
  const old = new Map(before.map((one) => [one.name, one]));
  const names = new Set(after.map((one) => one.name));
  const removed = before.filter((one) => !names.has(one.name)).map((one) => `${kind} ${one.name} removed`);
  const rest = after.flatMap((one) => {
    const was = old.get(one.name);
    if (was === undefined) return [`${kind} ${one.name} added`];
    return same(was, one) ? [] : [`${kind} ${one.name} changed: ${changedFields(was, one)}`];
  });
  const kept = (list: readonly Named[], others: readonly Named[]): string[] =>
    list.map((one) => one.name).filter((name) => others.some((other) => other.name === name));
  const isMoved = !same(kept(before, after), kept(after, before));
  return [...removed, ...rest, ...(isMoved ? [`order of ${kind}s changed`] : [])];
}

/** Sentences without secrets, in the order of the file's sections; empty when nothing changed. */
export function diffConfig(before: ProxyConfig, after: ProxyConfig): string[] {
  const plain = (["drainTimeoutMs", "workers", "maxConnections", "stateDir", "logLevel"] as const)
    .filter((key) => before[key] !== after[key])
    .map((key) => {
      const unit = key.endsWith("Ms") ? "ms" : "";
      return `${key.replace(/Ms$/, "")} changed from ${before[key]}${unit} to ${after[key]}${unit}`;
    });
  return [
    ...(same(before.admin, after.admin) ? [] : ["admin changed"]),
    ...plain,
    ...(same(before.node, after.node) ? [] : ["node changed"]),
    ...diffList("listener", before.listeners, after.listeners),
    ...diffList("cluster", before.clusters, after.clusters),
    ...diffList("filter", before.filters, after.filters),
    ...diffList("experiment", before.experiments, after.experiments),
  ];
}
