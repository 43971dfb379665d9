// What filters are refused, on one data thread, as counters.
import type { MetricRegistry } from "../observe/metrics.ts";
import type { PluginServices } from "../plugin/services.ts";

const REPLY_IGNORED = {
  name: "sluice_filter_local_response_ignored_total",
  help: "Local replies of a filter that nobody could be given",
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
): Required<Pick<PluginServices, "replyIgnored" | "overLimit" | "denied">> {
  return {
    replyIgnored: (plugin) => registry.counter(REPLY_IGNORED, { plugin }).inc(),
    overLimit: (filter, limit) => registry.counter(OVER_LIMIT, { filter, limit }).inc(),
    denied: (filter, right) => registry.counter(DENIED, { filter, right }).inc(),
  };
}
