// `sluice ab <filter>`: starts, shows, shifts or ends an experiment on two or more versions of a filter.
import { parseDurationMs } from "../../base/units.ts";
import { isMetricName, METRIC_FORMS } from "../../experiment/metrics.ts";
import type { ExperimentReport } from "../../control/report-types.ts";
import type { ArmStatus, ExperimentRequest, ExperimentStatus } from "../../control/types.ts";
import { AdminClient } from "../admin-client.ts";
import type { Args, Command, Context } from "../command.ts";
import { drawReport } from "../draw-report.ts";
import { EXIT, UsageError } from "../exit.ts";

const BASE = "/api/v1/experiments";

/** `v3,v4` -> versions. */
function parseVariants(text: string): readonly string[] {
  const versions = text.split(",").map((part) => part.trim());
  if (versions.length >= 2 && !versions.includes("") && new Set(versions).size === versions.length) return versions;
  throw new UsageError(`--variants: expected two or more versions such as v3,v4, got "${text}"`);
}

/** `90/10` -> weights, as many as there are arms. */
export function parseSplit(text: string, arms: number): readonly number[] {
  const weights = text.split("/").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const isGood = weights.length === arms && weights.every((weight) => weight >= 0) && Math.abs(sum - 100) < 1e-9;
  if (isGood) return weights;
  throw new UsageError(`--split: expected ${arms} percentages that add up to 100, such as 90/10, got "${text}"`);
}

function evenly(arms: number): readonly number[] {
  const share = Math.floor(100 / arms);
  return Array.from({ length: arms }, (_, at) => (at === 0 ? 100 - share * (arms - 1) : share));
}

function metricName(flag: string, name: string): string {
  if (isMetricName(name)) return name;
  throw new UsageError(`--${flag}: "${name}" is not a metric`, `known: ${METRIC_FORMS}`);
}

/** `success_rate`, `bytes:decrease`, `event:paid:increase` -> the primary metric. */
function parseMetric(text: string): object {
  const [, name = text, direction] = /^(.+):(increase|decrease)$/.exec(text) ?? [];
  return { name: metricName("metric", name), ...(direction === undefined ? {} : { direction }) };
}

/** `error_rate<0.02`, `success_rate>0.99`, `added_ms+2` (worse than the control by at most 2), `p99_ms`. */
export function parseGuardrail(text: string): object {
  const [, name = text, sign, limit] = /^([^<>+]+)([<>+])(.+)$/.exec(text) ?? [];
  const guardrail = { name: metricName("guardrail", name.trim()) };
  if (sign === undefined) return guardrail;
  const value = Number(limit);
  if (limit?.trim() === "" || !Number.isFinite(value))
    throw new UsageError(`--guardrail: expected a number after ${sign}, got "${limit}"`, "for example error_rate<0.02");
  return { ...guardrail, [sign === "<" ? "max" : sign === ">" ? "min" : "margin"]: value };
}

/** `1,5,25,50,100` with something between them -> steps. */
function parseSteps(text: string, between: object): readonly object[] {
  const weights = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (weights.some((weight) => !(weight > 0 && weight <= 100)))
    throw new UsageError(`--steps: expected percentages such as 1,5,25,100, got "${text}"`);
  return weights.flatMap((setWeight) => [{ setWeight }, ...(setWeight === 100 ? [] : [between])]);
}

function durationOf(args: Args, flag: string): string | undefined {
  const text = args.text(flag);
  if (text === undefined || parseDurationMs(text) !== null) return text;
  throw new UsageError(`--${flag}: expected a duration such as 30s, got "${text}"`);
}

/** What stands between two weights: a pause, or an analysis that ends as soon as the verdict is known. */
function betweenOf(args: Args): object {
  const duration = durationOf(args, "analysis");
  return duration === undefined ? { pause: durationOf(args, "pause") ?? "30s" } : { analysis: { duration } };
}

/** A canary is meant to differ: on the command line only a trap stops it in the shadow. */
function shadowOf(args: Args): readonly object[] {
  const time = durationOf(args, "shadow");
  if (time === undefined) return [];
  if (args.text("steps") === undefined)
    throw new UsageError("--shadow comes before --steps", "a canary without --steps begins with a shadow anyway");
  return [{ shadow: { for: time, onDiff: "continue" } }];
}

function rulesOf(args: Args): Pick<ExperimentRequest, "rules"> {
  const metric = args.text("metric");
  const guardrails = args.list("guardrail").map(parseGuardrail);
  const steps = args.text("steps");
  const mode = args.text("mode");
  const shadow = shadowOf(args);
  const minRuntime = durationOf(args, "min-runtime");
  const metrics = {
    ...(metric === undefined ? {} : { primary: parseMetric(metric) }),
    ...(guardrails.length === 0 ? {} : { guardrails }),
  };
  const rules = {
    ...(mode === undefined ? {} : { mode }),
    ...(Object.keys(metrics).length === 0 ? {} : { metrics }),
    ...(steps === undefined ? {} : { rollout: { steps: [...shadow, ...parseSteps(steps, betweenOf(args))] } }),
    ...(minRuntime === undefined ? {} : { analysis: { minRuntime } }),
  };
  return Object.keys(rules).length === 0 ? {} : { rules };
}

type Variants = ExperimentRequest["variants"];

/** `--variants v1,v2`; with a candidate configuration alone, the live version against itself with that. */
function variantsOf(args: Args): Variants {
  const named = args.text("variants");
  const config = args.text("candidate-config");
  const versions = named === undefined ? [] : parseVariants(named);
  const variants =
    named === undefined
      ? ["control", "candidate"].map((name) => ({ name, version: "current", weight: 0 }))
      : versions.map((version) => ({ name: version, version, weight: 0 }));
  const split = args.text("split");
  const isShadow = args.text("mode") === "shadow";
  const even = isShadow ? [100, ...variants.slice(1).map(() => 0)] : evenly(variants.length);
  const weights = split === undefined ? even : parseSplit(split, variants.length);
  const last = variants.length - 1;
  return variants.map((variant, at) => ({
    ...variant,
    weight: weights[at] ?? 0,
    ...(config === undefined || at !== last ? {} : { pluginConfig: config }),
  }));
}

function toRequest(filter: string, args: Args): ExperimentRequest {
  const salt = args.text("salt");
  const units = args.list("hash");
  return {
    name: args.text("name") ?? `${filter}-ab`,
    filter,
    unit: units.length === 0 ? ["header:x-user-id", "requestId"] : units,
    variants: variantsOf(args),
    ...(salt === undefined ? {} : { salt }),
    ...rulesOf(args),
    ...(args.flag("force") ? { force: true } : {}),
  };
}

async function find(client: AdminClient, filter: string): Promise<ExperimentStatus> {
  const { experiments } = await client.json<{ experiments: readonly ExperimentStatus[] }>(BASE);
  const mine = experiments.filter((one) => one.filter === filter || one.name === filter);
  const found = mine.find(({ state }) => state === "running" || state === "held") ?? mine.at(-1);
  if (found !== undefined) return found;
  throw new UsageError(`no experiment on ${filter}`, `start one: sluice ab ${filter} --variants v1,v2 --split 90/10`);
}

const starts = (args: Args): boolean =>
  args.text("variants") !== undefined || args.text("candidate-config") !== undefined;

async function change(client: AdminClient, filter: string, { args }: Context): Promise<ExperimentStatus> {
  if (starts(args)) {
    const { rules, ...basic } = toRequest(filter, args);
    return client.json(BASE, { method: "POST", body: { ...basic, ...rules } });
  }
  const found = await find(client, filter);
  const path = `${BASE}/${encodeURIComponent(found.name)}`;
  const split = args.text("split");
  if (split !== undefined) {
    const shares = parseSplit(split, found.arms.length);
    const weights = Object.fromEntries(found.arms.map((arm, at) => [arm.name, shares[at] ?? 0]));
    return client.json(`${path}/weights`, { method: "PUT", body: { weights } });
  }
  const arm = args.text("promote");
  if (arm !== undefined) return client.json(`${path}:promote`, { method: "POST", body: { arm } });
  return args.flag("abort") ? client.json(`${path}:abort`, { method: "POST" }) : found;
}

function row(arm: ArmStatus): (string | number)[] {
  const failed = arm.responses["5xx"] ?? 0;
  const rate = arm.requests === 0 ? "-" : `${((100 * failed) / arm.requests).toFixed(2)} %`;
  return [arm.name, arm.version, `${arm.weight} %`, arm.requests, arm.responses["2xx"] ?? 0, failed, rate, arm.faults];
}

function draw(status: ExperimentStatus, { terminal }: Context): void {
  const units = status.unit.join(", ");
  terminal.data(
    `${status.name}  on ${status.filter}  ${status.state}  by ${units}  ${status.unitMissing} without a unit`,
  );
  terminal.table(["ARM", "VERSION", "SHARE", "REQUESTS", "2XX", "5XX", "5XX RATE", "FAULTS"], status.arms.map(row));
}

async function run(context: Context): Promise<number> {
  const { args } = context;
  if (rulesOf(args).rules !== undefined && !starts(args))
    throw new UsageError(
      "--metric, --guardrail, --mode, --shadow and --steps start an experiment",
      "add --variants v1,v2 or --candidate-config",
    );
  const client = await AdminClient.for(context);
  const status = await change(client, args.text("filter") ?? "", context);
  if (args.flag("report")) {
    const report = await client.json<ExperimentReport>(`${BASE}/${encodeURIComponent(status.name)}/report`);
    if (context.terminal.json) context.terminal.object(report);
    else drawReport(report, context.terminal);
  } else if (context.terminal.json) context.terminal.object(status);
  else draw(status, context);
  return EXIT.ok;
}

export const ab: Command = {
  name: "ab",
  summary: "Start, show, shift or end an experiment on a filter",
  args: {
    filter: { type: "positional", description: "Name of the filter" },
    variants: { type: "string", description: "Versions to compare, the first is the control", valueHint: "v3,v4" },
    split: { type: "string", description: "Percentages in the same order; alone: shifts", valueHint: "90/10" },
    hash: {
      type: "string",
      description: "header:x, cookie:x, sourceIp, connection or requestId; repeat for fallbacks",
      valueHint: "unit",
    },
    name: { type: "string", description: "Name of the experiment", valueHint: "name" },
    salt: { type: "string", description: "Seed of the assignment", valueHint: "text" },
    promote: { type: "string", description: "Make this arm live and end the experiment", valueHint: "arm" },
    abort: { type: "boolean", description: "Back to the control arm, at once" },
    report: { type: "boolean", description: "What is known: effects, intervals, checks" },
    mode: {
      type: "enum",
      options: ["ab", "canary", "shadow"],
      description: "Promote what got better, or what got no worse, or only compare",
    },
    metric: { type: "string", description: "What the candidate is to be better at", valueHint: "success_rate" },
    guardrail: { type: "string", description: "A limit that must hold; repeat for more", valueHint: "error_rate<0.02" },
    steps: { type: "string", description: "Percentages of a rollout", valueHint: "1,5,25,50,100" },
    shadow: { type: "string", description: "Compare on sampled traffic for so long, before --steps", valueHint: "30s" },
    "candidate-config": {
      type: "string",
      description: "Configuration of the last variant; alone: the live version against itself with it",
      valueHint: "json",
    },
    analysis: { type: "string", description: "Between steps: go on when the verdict is known, at most after this" },
    "min-runtime": { type: "string", description: "Time before a promotion, default 60s", valueHint: "60s" },
    pause: { type: "string", description: "Time between steps, default 30s", valueHint: "30s" },
    force: { type: "boolean", description: "Try a version again that was rolled back" },
  },
  run,
};
