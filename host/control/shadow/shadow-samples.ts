// The counters of a shadow, for /metrics.
import type { MetricSample } from "../../observe/samples.ts";
import type { ShadowReport } from "./shadow.ts";

export function shadowSamples({
  filter,
  b,
  compared,
  dropped,
  perField,
  diverged,
}: ShadowReport): readonly MetricSample[] {
  const own = { filter, version: b.version };
  const count = (name: string, help: string, value: number, labels = {}): MetricSample => ({
    name: `sluice_shadow_${name}_total`,
    type: "counter",
    help,
    labels: { ...own, ...labels },
    value,
  });
  return [
    count("compared", "Streams whose decisions were compared with those of a shadow", compared),
    count("dropped", "Streams that were picked for a shadow and not given to it", dropped),
    count("divergence", "Times a shadow asked for what was not recorded", diverged),
    ...Object.entries(perField).map(([field, value]) =>
      count("diff", "Decisions of a shadow that differ, by field", value, { field }),
    ),
  ];
}
