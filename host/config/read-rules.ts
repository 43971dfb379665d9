// The part of an experiment's config that says how it runs: who takes part, what is judged, the steps and the hooks.
import { parseRange } from "../experiment/client-ranges.ts";
import { betterOf, isMetricName, isQuantile, METRIC_FORMS, METRIC_NAMES } from "../experiment/metrics.ts";
import {
  type AnalysisOptions,
  type ExperimentRules,
  type Guardrail,
  HOOKS,
  type HookOptions,
  type LayerOptions,
  type MetricsOptions,
  type OverrideOptions,
  type PrimaryMetric,
  type Targeting,
} from "../experiment/options.ts";
import { DEFAULT_ANALYSIS, DEFAULT_RULES } from "../experiment/rules.ts";
import { readHeaderMatch } from "./read-listeners.ts";
import { readSteps } from "./read-steps.ts";
import type { Reader } from "./reader.ts";
import { nearest } from "./suggest.ts";

function readLayer(reader: Reader): LayerOptions | null {
  if (!reader.isPresent) return null;
  if (!reader.isObject) return { name: reader.text(), from: 0, to: 1 };
  const range = reader.get("range");
  const [from = 0, to = 1] = range.items.map((item) => item.number(0));
  if (!(from < to)) range.problem("bad_range", `a range goes from less to more, got [${from}, ${to}]`);
  return { name: reader.get("name").text(), from, to };
}

function readTargeting(reader: Reader): Targeting | null {
  if (!reader.isPresent) return null;
  const headers = reader.get("headers").entries.map(([name, match]) => readHeaderMatch(name, match));
  const [prefix, exact] = [reader.get("prefix"), reader.get("exact")];
  if (prefix.isPresent && exact.isPresent) reader.problem("pick_one", "at most one of prefix, exact can be set");
  if (exact.isPresent) return { exact: exact.text(), headers };
  return { prefix: prefix.text("/"), headers };
}

function readOverrides(reader: Reader, arms: readonly string[]): OverrideOptions | null {
  if (!reader.isPresent) return null;
  for (const [, arm] of reader.get("units").entries) {
    if (!arms.includes(arm.text())) arm.problem("unknown_arm", `there is no variant "${arm.text()}"`);
  }
  const trusted = reader.get("trustedClients");
  for (const item of trusted.items) {
    if (parseRange(item.text()) === null)
      item.problem("bad_range", `expected an address or a range such as 10.0.0.0/8, got "${item.text()}"`);
  }
  const header = reader.get("header").text().toLowerCase();
  if (header !== "" && trusted.items.length === 0) {
    reader.get("header").problem("missing_key", "a header that names the arm needs trustedClients", {
      hint: "add trustedClients: [127.0.0.1]; without, every client could choose its arm",
    });
  }
  return { units: reader.get("units").record(), header, trustedClients: trusted.strings() };
}

function readMetricName(reader: Reader): string {
  const name = reader.text();
  if (name !== "" && !isMetricName(name)) {
    const near = nearest(name, METRIC_NAMES);
    const hint = near === null ? `known: ${METRIC_FORMS}` : `did you mean "${near}"?`;
    reader.problem("unknown_metric", `no metric is named "${name}"`, { hint });
  }
  return name;
}

function readPrimary(reader: Reader): PrimaryMetric | null {
  if (!reader.isPresent) return null;
  const name = readMetricName(reader.get("name"));
  const direction = reader.get("direction");
  if (isQuantile(name)) {
    reader.get("name").problem("unusable_metric", `"${name}" can only be a guardrail`, {
      hint: "latency_ms is the mean, which can be a primary metric",
    });
  }
  const better = betterOf(name);
  if (!direction.isPresent && better === null && isMetricName(name))
    reader.problem("missing_key", `"${name}" needs a direction`, { hint: "add direction: increase, or decrease" });
  return { name, direction: direction.oneOf(["increase", "decrease"], better ?? "increase") };
}

const limit = (reader: Reader): number | null => (reader.isPresent ? reader.number(0) : null);

function readGuardrail(reader: Reader): Guardrail {
  const name = readMetricName(reader.get("name"));
  const [max, min, margin] = [limit(reader.get("max")), limit(reader.get("min")), limit(reader.get("margin"))];
  const isBounded = max !== null || min !== null;
  if (!isQuantile(name) && isBounded === (margin !== null)) {
    reader.problem("pick_one", "a guardrail needs max or min, or else margin", {
      hint: "max: 0.02 limits the candidate's own value, margin: 0.005 how much worse than the control it may be",
    });
  }
  if (isQuantile(name) && (min !== null || margin !== null))
    reader.problem("unusable_limit", `"${name}" takes max, or nothing: then the control's own quantile is the limit`);
  if (margin !== null && isMetricName(name) && betterOf(name) === null)
    reader
      .get("margin")
      .problem("unusable_limit", `nobody knows which way "${name}" is worse`, { hint: "use max or min" });
  if (max !== null && min !== null && min > max)
    reader.get("min").problem("bad_range", `min ${min} is above max ${max}`);
  return { name, max, min, margin, action: reader.get("action").oneOf(["abort", "hold"], "abort") };
}

function readMetrics(reader: Reader): MetricsOptions {
  const guardrails = reader.get("guardrails").items;
  guardrails.forEach((item, at) => {
    const name = item.get("name").text();
    if (guardrails.slice(0, at).some((other) => other.get("name").text() === name))
      item.get("name").problem("duplicate_name", `there is already a guardrail on "${name}"`);
  });
  return {
    primary: readPrimary(reader.get("primary")),
    guardrails: guardrails.map(readGuardrail),
    secondary: reader.get("secondary").items.map(readMetricName),
  };
}

function readAlpha(reader: Reader, byDefault: number): number {
  const alpha = reader.number(byDefault);
  if (!(alpha > 0 && alpha <= 0.5))
    reader.problem("bad_alpha", `expected a number above 0 and at most 0.5, got ${alpha}`, {
      hint: "0.05 = wrong in at most 5 of 100 experiments",
    });
  return alpha;
}

function readAnalysis(reader: Reader): AnalysisOptions {
  const { alpha, tuning, minSamples, minRuntimeMs, errorAlpha, srmAlpha } = DEFAULT_ANALYSIS;
  return {
    alpha: readAlpha(reader.get("alpha"), alpha),
    tuning: reader.get("tuning").number(tuning),
    minSamples: reader.get("minSamples").number(minSamples),
    minRuntimeMs: reader.get("minRuntime").durationMs(minRuntimeMs),
    errorAlpha: readAlpha(reader.get("errorAlpha"), errorAlpha),
    srmAlpha: readAlpha(reader.get("srmAlpha"), srmAlpha),
    srmAction: reader.get("srmAction").oneOf(["hold", "warn", "rollback"], "hold"),
    onInconclusive: reader.get("onInconclusive").oneOf(["hold", "continue", "abort"], "hold"),
    prePeriodMs: reader.get("prePeriod").durationMs(0),
  };
}

function readHooks(reader: Reader): readonly HookOptions[] {
  return HOOKS.flatMap((name) => {
    const hook = reader.get(name);
    if (!hook.isPresent) return [];
    const url = hook.isObject ? hook.get("url") : hook;
    if (!/^https?:\/\/[^/]/.test(url.text()) || !URL.canParse(url.text()))
      url.problem("bad_url", `expected an http:// or https:// address, got "${url.text()}"`);
    return [{ name, url: url.text(), timeoutMs: hook.get("timeout").durationMs(5000) }];
  });
}

function refuseShadow(reader: Reader, arms: readonly string[]): void {
  if (arms.length !== 2)
    reader.get("variants").problem("one_candidate", `a shadow is of one candidate, here are ${arms.length - 1}`, {
      hint: "rehearse them one after the other",
    });
  else
    reader.get("analysis").get("prePeriod").problem("pick_one", "an A/A phase needs users, a shadow has none", {
      hint: "leave out either prePeriod or the shadow",
    });
}

/** Everything of an experiment but its name, filter, unit and arms; defaults filled in. */
export function readRules(reader: Reader, arms: readonly string[]): ExperimentRules {
  const mode = reader.get("mode").oneOf(["ab", "canary", "shadow"], "ab");
  const analysis = readAnalysis(reader.get("analysis"));
  const canShadow = arms.length === 2 && analysis.prePeriodMs === 0;
  const steps = readSteps(reader.get("rollout"), { mode, canShadow });
  if (!canShadow && steps[0]?.kind === "shadow") refuseShadow(reader, arms);
  for (const name of steps.length === 0 ? ["confirm-rollout", "pre-rollout"] : []) {
    const hook = reader.get("hooks").get(name);
    if (hook.isPresent)
      hook.problem("missing_steps", `${name} is asked before the first step, and there are no steps`, {
        hint: "add rollout: { steps: [{ setWeight: 10 }, ...] }",
      });
  }
  return {
    mode,
    sharedData: reader.get("sharedData").isPresent
      ? reader.get("sharedData").oneOf(["separate", "shared"], "separate")
      : null,
    layer: readLayer(reader.get("layer")),
    targeting: readTargeting(reader.get("targeting")),
    overrides: readOverrides(reader.get("overrides"), arms),
    metrics: readMetrics(reader.get("metrics")),
    analysis,
    steps,
    diagnosisMs: reader.get("rollout").get("diagnosis").durationMs(DEFAULT_RULES.diagnosisMs),
    hooks: readHooks(reader.get("hooks")),
  };
}
