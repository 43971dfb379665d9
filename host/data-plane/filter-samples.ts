// What the filters of one data thread use, as metric samples: fuel and calls per callback, linear memory. Read from the
// instances when somebody asks; counting costs the callbacks nothing beyond what the module does by itself.
import type { MetricSample } from "../observe/samples.ts";
import type { Generation } from "../plugin/generation.ts";

const FUEL = {
  name: "sluice_filter_fuel_total",
  type: "counter",
  help: "Points of fuel used, by callback (an instruction count with weights, at most about 2 ns each)",
} as const;
const CALLS = { name: "sluice_filter_callbacks_total", type: "counter", help: "Callbacks run, by callback" } as const;
const MEMORY = { name: "sluice_filter_memory_bytes", type: "gauge", help: "Linear memory of the instances" } as const;

export function filterSamples(generations: Iterable<Generation>): readonly MetricSample[] {
  return [...generations].flatMap((generation) => {
    const { options, version } = generation.spec;
    const labels = { filter: options.name, version };
    const uses = [...generation.fuelUses].flatMap(([callback, { calls, points }]): MetricSample[] => [
      { ...FUEL, labels: { ...labels, callback }, value: points },
      { ...CALLS, labels: { ...labels, callback }, value: calls },
    ]);
    return [...uses, { ...MEMORY, labels, value: generation.memoryBytes }];
  });
}
