// What filters are refused, and what becomes of the state they hand over, on one data thread, as counters.
import type { MetricRegistry } from "../observe/metrics.ts";
import type { PluginServices } from "../plugin/services.ts";

const REPLY_IGNORED = {
  name: "sluice_filter_local_response_ignored_total",
  help: "Local replies of a filter that nobody could be given",
};
const HANDED_OVER = {
  name: "sluice_filter_state_handovers_total",
  help: "State that versions handed to the next, by what became of it",
};
const OVER_LIMIT = {
  name: "sluice_filter_limit_total",
  help: "Times a filter met one of its limits (docs/limits.md)",
};
const DENIED = {
  name: "sluice_filter_denied_total",
  help: "Times a filter asked for something it has no right to",
};

export function filterCounters(
  registry: MetricRegistry,
): Required<Pick<PluginServices, "replyIgnored" | "handedOver" | "overLimit" | "denied">> {
  return {
    replyIgnored: (plugin) => registry.counter(REPLY_IGNORED, { plugin }).inc(),
    handedOver: (plugin, result) => registry.counter(HANDED_OVER, { plugin, result }).inc(),
    overLimit: (filter, limit) => registry.counter(OVER_LIMIT, { filter, limit }).inc(),
    denied: (filter, right) => registry.counter(DENIED, { filter, right }).inc(),
  };
}
