// Counts per filter version and experiment arm, as metric samples.
import type { ArmReport } from "../link/messages.ts";
import type { MetricSample } from "../observe/samples.ts";

const HELP = {
  sluice_filter_requests_total: "Requests that met a filter version",
  sluice_filter_responses_total: "Responses by class of requests that met a filter version",
  sluice_filter_local_replies_total: "Answers given by a filter itself",
  sluice_filter_faults_total: "Requests a filter version failed",
} as const;

export function armSamples(arms: readonly ArmReport[]): readonly MetricSample[] {
  return arms.flatMap(({ filter, version, experiment, arm, requests, responses, localReplies, faults }) => {
    const labels = { plugin: filter, plugin_version: version, ...(arm === "" ? {} : { experiment, arm }) };
    const count = (name: keyof typeof HELP, value: number, more: Record<string, string> = {}): MetricSample => ({
      name,
      type: "counter",
      help: HELP[name],
      labels: { ...labels, ...more },
      value,
    });
    return [
      count("sluice_filter_requests_total", requests),
      ...[2, 3, 4, 5].map((digit) =>
        count("sluice_filter_responses_total", responses[digit] ?? 0, { code_class: `${digit}xx` }),
      ),
      count("sluice_filter_local_replies_total", localReplies),
      count("sluice_filter_faults_total", faults),
    ];
  });
}
