// Experiments as metric samples: shares, units without an arm, units in several.
import type { ThreadReport } from "../link/messages.ts";
import type { MetricSample } from "../observe/samples.ts";
import { isOpen } from "./experiment-state.ts";
import type { Runtime } from "./runtime.ts";

export function experimentSamples(
  { experiments, trials }: Runtime,
  reports: readonly ThreadReport[],
): readonly MetricSample[] {
  return [...experiments.values()].flatMap((state) => {
    const { name, arms } = state;
    const sample = (what: Omit<MetricSample, "labels">, more: Record<string, string> = {}): MetricSample => ({
      ...what,
      labels: { experiment: name, ...more },
    });
    const missing = reports.reduce((sum, report) => sum + (report.unitMissing[name] ?? 0), 0);
    const unit = sample({
      name: "sluice_experiment_unit_missing_total",
      type: "counter",
      help: "Requests without a unit, which got the control",
      value: missing,
    });
    if (!isOpen(state)) return [unit];
    const mixed = sample({
      name: "sluice_experiment_multiple_exposure",
      type: "gauge",
      help: "Units of this step that were seen in several arms, and are left out",
      value: trials.of(state).book.mixed,
    });
    const help = "Share of the units, percent";
    const weights = arms.map((arm) =>
      sample({ name: "sluice_experiment_weight", type: "gauge", help, value: arm.weight }, { arm: arm.name }),
    );
    return [unit, mixed, ...weights];
  });
}
