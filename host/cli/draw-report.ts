// An experiment's report in the terminal: arms, intervals, checks, the step it is at. Shared by `ab --report` and `rollout`.
import type { MetricJudgement } from "../experiment/judgement.ts";
import { percent, shortE, shortMillis, shortNumber } from "../experiment/words.ts";
import type { ArmFigures, ExperimentReport, ExperimentShadow } from "../control/report-types.ts";
import type { Terminal } from "./terminal.ts";

const BAR = 41;

/** `───├────●───┤──` with `|` at zero; "" while nothing is known. */
export function intervalBar({ low, high, effect }: Pick<MetricJudgement, "low" | "high" | "effect">): string {
  if (low === null || high === null || effect === null) return "";
  const reach = Math.max(Math.abs(low), Math.abs(high)) * 1.1 || 1;
  const place = (value: number): number => Math.round(((value + reach) / (2 * reach)) * (BAR - 1));
  const bar: string[] = Array.from({ length: BAR }, (_, at) => (at > place(low) && at < place(high) ? "─" : " "));
  bar[place(0)] = "|";
  bar[place(low)] = "├";
  bar[place(high)] = "┤";
  bar[place(effect)] = "●";
  return bar.join("");
}

const COLORS = { pass: "green", fail: "red", inconclusive: "yellow" } as const;
const value = (number: number | null): string => (number === null ? "-" : shortNumber(number));
const pair = (a: number | null, b: number | null): string =>
  a === null || b === null ? "-" : `${shortMillis(a)} / ${shortMillis(b)}`;

function drawArms({ arms, experiment }: ExperimentReport, terminal: Terminal): void {
  const columns = ["ARM", "VERSION", "SHARE", "UNITS", "REQUESTS", "ERRORS", "FAULTS", "P50 / P99", "ADDED", "FUEL"];
  const row = (arm: ArmFigures, at: number): (string | number)[] => {
    const { version = "", weight = 0 } = experiment.arms[at] ?? {};
    const times = [pair(arm.p50, arm.p99), pair(arm.addedP50, arm.addedP99)];
    const fuel = arm.fuelMean === null ? "-" : arm.fuelMean.toFixed(0);
    return [
      arm.name,
      version,
      `${shortNumber(weight)} %`,
      arm.units,
      arm.requests,
      arm.errors,
      arm.faults,
      ...times,
      fuel,
    ];
  };
  terminal.table(columns, arms.map(row));
}

function drawMetric(metric: MetricJudgement, terminal: Terminal): string {
  const { name, role, arm, control, candidate, low, high, verdict, reason } = metric;
  const word = terminal.paint(COLORS[verdict], verdict);
  const values = `control ${value(control)}, ${arm} ${value(candidate)}`;
  const interval = low === null && high === null ? "" : `  [${value(low)}, ${value(high)}]`;
  const bar = metric.about === "difference" ? intervalBar(metric) : "";
  return [
    `  ${name}  ${role}  ${word}  ${values}${interval}`,
    ...(bar === "" ? [`      ${reason}`] : [`      ${bar}`]),
  ].join("\n");
}

function drawChecks({ judgement }: ExperimentReport, terminal: Terminal): void {
  for (const one of judgement?.sampleRatio ?? []) {
    const word = one.mismatch ? terminal.paint("red", "MISMATCH") : "as planned";
    terminal.data(
      `  sample ratio  ${word}  ${percent(one.observed)} of ${one.units} units, planned ${percent(one.planned)}`,
    );
  }
  for (const one of judgement?.errors ?? []) {
    const word = one.worse ? terminal.paint("red", "WORSE") : "not shown to be worse";
    const told = `${one.candidate} of ${one.events} in ${one.arm}, its share would be ${one.expected.toFixed(1)}`;
    terminal.data(`  failures      ${word}  ${told}  e = ${shortE(one.eValue)}`);
  }
}

function shadowLines(shadow: ExperimentShadow, filter: string): readonly string[] {
  const { purpose, problem, state, a, b, compared, differing, noise, diverged, fault, fields, href } = shadow;
  const begin = `  ${purpose.padEnd(12)}`;
  if (href === "") return [`${begin}  no shadow: ${problem}`];
  const asked = diverged === 0 ? "" : `, ${diverged} calls of its own`;
  const told = `${state}, ${differing} of ${compared} streams differ${asked}, noise ${noise.differing} of ${noise.compared}`;
  return [
    `${begin}  ${b} in the shadow of ${a}, ${told}`,
    ...(fault === "" ? [] : [`                does not start: ${fault}`]),
    ...fields.map(({ phase, field, count }) => `                ${phase} ${field}  ${count}`),
    `                more: sluice shadow ${filter} --report`,
  ];
}

export function drawReport(report: ExperimentReport, terminal: Terminal): void {
  const { experiment, judgement, looks, runtimeMs } = report;
  const { name, filter, mode, state, unit, rollout } = experiment;
  const held = rollout.hold === null ? "" : ` (${rollout.hold})`;
  const seen = `${Math.round(runtimeMs / 1000)} s, ${looks} looks`;
  terminal.data(`${name}  ${mode} on ${filter}  ${state}${held}  by ${unit.join(", ")}  ${seen}`);
  if (rollout.steps.length > 0) {
    const steps = rollout.steps.map((text, at) => (at === rollout.step ? terminal.paint("bold", `[${text}]`) : text));
    terminal.data(`  ${steps.join("  →  ")}`);
  }
  drawArms(report, terminal);
  for (const metric of judgement?.metrics ?? []) terminal.data(drawMetric(metric, terminal));
  drawChecks(report, terminal);
  if (report.shadow !== null) for (const line of shadowLines(report.shadow, filter)) terminal.data(line);
  terminal.data(`  ${rollout.summary}`);
}
