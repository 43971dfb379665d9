// Refuses a snapshot whose chains would pass a filter by: an HTTP filter on a TCP listener is never called, nor the other
// way round, and an authorisation that is never asked is worse than none.
import { problemError } from "../base/problem.ts";
import type { SnapshotMessage } from "../link/messages.ts";
import type { ListenerOptions } from "../net/options.ts";
import type { Generation } from "../plugin/generation.ts";
import type { GuestCallbacks } from "../vm/callbacks.ts";

type Protocol = "HTTP" | "TCP";

const CALLBACKS: Readonly<Record<Protocol, readonly (keyof GuestCallbacks)[]>> = {
  HTTP: [
    "onRequestHeaders",
    "onRequestBody",
    "onRequestTrailers",
    "onResponseHeaders",
    "onResponseBody",
    "onResponseTrailers",
  ],
  TCP: ["onNewConnection", "onDownstreamData", "onDownstreamClose", "onUpstreamData", "onUpstreamClose"],
};
const WORDS: Readonly<Record<Protocol, string>> = { HTTP: "HTTP requests", TCP: "TCP connections" };

/** Filters without any stream callback (timers, on_log) fit everywhere; the dead ones cannot be asked. */
function serves(generation: Generation, protocol: Protocol): boolean {
  const callbacks = generation.context(generation.spec.options.pluginConfig)?.vm.callbacks;
  if (callbacks === undefined) return true;
  const has = (one: Protocol): boolean => CALLBACKS[one].some((name) => callbacks[name] !== null);
  return has(protocol) || !has(protocol === "HTTP" ? "TCP" : "HTTP");
}

const chainsOf = ({ filters, routes }: ListenerOptions): ReadonlySet<string> =>
  new Set([...filters, ...routes.flatMap((route) => route.filters.add)]);

/** @throws ProblemError that names listener and filter */
export function checkProtocols(message: SnapshotMessage, generations: ReadonlyMap<string, Generation>): void {
  for (const listener of message.listeners) {
    const protocol: Protocol = listener.tcp === undefined ? "HTTP" : "TCP";
    const chained = chainsOf(listener);
    for (const slot of message.slots.filter(({ filter }) => chained.has(filter))) {
      const found = slot.arms.map((arm) => generations.get(arm.generation));
      if (found.every((generation) => generation === undefined || serves(generation, protocol))) continue;
      const other = WORDS[protocol === "HTTP" ? "TCP" : "HTTP"];
      throw problemError(
        "config",
        "wrong_protocol",
        `listener ${listener.name} speaks ${protocol}, and filter ${slot.filter} has callbacks for ${other} only`,
        { hint: `list the filters of listener ${listener.name} without it` },
      );
    }
  }
}
