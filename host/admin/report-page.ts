// The report of an experiment as a page that needs nothing but itself: no script, no style sheet or picture from elsewhere, so
// it can be saved and sent around. Light and dark as the reader likes it.
import type { MetricJudgement } from "../experiment/judgement.ts";
import { percent, shortE, shortMillis, shortNumber } from "../experiment/words.ts";
import type { ArmFigures, ExperimentReport } from "../control/report-types.ts";
import { html, type Html, joined, trusted } from "./html.ts";
import { intervalPlot } from "./interval-plot.ts";

/** Nothing may be loaded or run, whatever an experiment is called. */
export const REPORT_HEADERS = {
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
};

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #1a7f37; --bad: #cf222e; --open: #9a6700; --ink: #0969da; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #ff7b72; --open: #d29922; --ink: #58a6ff; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p.sum { font-size: 1.1rem; border-left: .25rem solid var(--open); padding: .3rem .8rem; margin: 1rem 0; }
p.sum.good { border-color: var(--good); } p.sum.bad { border-color: var(--bad); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line); } th:first-child, td:first-child, td.text { text-align: left; }
.pass { color: var(--good); } .fail { color: var(--bad); } .inconclusive { color: var(--open); } .dim { opacity: .7; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
ol { padding-left: 1.4rem; } li.now { font-weight: 600; } time { opacity: .7; margin-right: .6rem; }
`;

const seconds = (ms: number): string =>
  ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${(ms / 60_000).toFixed(1)} min`;
const value = (number: number | null): string => (number === null ? "–" : shortNumber(number));
const millis = (number: number | null): string => (number === null ? "–" : shortMillis(number));

function tone({ experiment, judgement }: ExperimentReport): string {
  const stopped = judgement !== null && judgement.stop !== null;
  if (experiment.state === "rolledBack" || stopped) return "bad";
  return experiment.state === "promoted" || judgement?.promotion === "pass" ? "good" : "";
}

function head(report: ExperimentReport): Html {
  const { experiment, looks, runtimeMs, alpha } = report;
  const { name, filter, state, mode, unit, rollout } = experiment;
  const held = rollout.hold === null ? "" : `: ${rollout.hold}`;
  return html`<h1>${name}</h1>
    <p class="dim">
      ${mode} on filter ${filter}, by ${unit.join(", ")} · ${state}${held} · ${seconds(runtimeMs)}, ${looks} looks · α =
      ${alpha}
    </p>
    <p class="sum ${tone(report)}">${rollout.summary}</p>`;
}

function metricRow(metric: MetricJudgement): Html {
  const { name, role, arm, control, candidate, effect, low, high, verdict, reason } = metric;
  const about = metric.about === "difference" ? value(effect) : "–";
  return html`<tr>
    <td>${name} <span class="dim">${role}, ${arm}</span></td>
    <td>${value(control)}</td>
    <td>${value(candidate)}</td>
    <td>${about}</td>
    <td>${low === null && high === null ? "–" : `${value(low)} … ${value(high)}`}</td>
    <td class="${verdict}">${verdict}</td>
    <td class="text dim">${reason}</td>
  </tr>`;
}

function metrics({ judgement }: ExperimentReport): Html {
  if (judgement === null || judgement.metrics.length === 0) return html``;
  return html`<h2>Metrics</h2>
    <table>
      <tr>
        <th>metric</th>
        <th>control</th>
        <th>candidate</th>
        <th>effect</th>
        <th>interval</th>
        <th>verdict</th>
        <th></th>
      </tr>
      ${joined(judgement.metrics.map(metricRow))}
    </table>`;
}

function plots(report: ExperimentReport): Html {
  const wanted = report.judgement?.metrics.filter(({ low, high }) => low !== null || high !== null) ?? [];
  const drawn = wanted.flatMap(({ name, arm, role, about }) => {
    const points = report.points.flatMap((point) => {
      const found = point.metrics.find((one) => one.name === name && one.arm === arm && one.role === role);
      return found === undefined ? [] : [{ ms: point.ms, weight: point.weight, ...found }];
    });
    const title = about === "difference" ? `${name}: ${arm} minus control` : `${name} of ${arm}`;
    return [intervalPlot({ title, zero: about === "difference", points })];
  });
  return drawn.length === 0
    ? html``
    : html`<h2>Interval over time</h2>
        ${joined(drawn)}`;
}

function combined({ combined: all }: ExperimentReport): Html {
  if (all.length === 0) return html``;
  const rows = all.map(
    ({ name, arm, effect, low, high, steps }) =>
      html`<tr>
        <td>${name} <span class="dim">${arm}</span></td>
        <td>${value(effect)}</td>
        <td>${value(low)} … ${value(high)}</td>
        <td>${steps}</td>
      </tr>`,
  );
  return html`<h2>All steps together <span class="dim">(by inverse variance)</span></h2>
    <table>
      <tr>
        <th>metric</th>
        <th>effect</th>
        <th>interval</th>
        <th>steps</th>
      </tr>
      ${joined(rows)}
    </table>`;
}

function armRow(arm: ArmFigures, weight: number): Html {
  return html`<tr>
    <td>${arm.name}</td>
    <td>${shortNumber(weight)} %</td>
    <td>${arm.units}</td>
    <td>${arm.requests}</td>
    <td>${arm.errors}</td>
    <td>${arm.faults}</td>
    <td>${arm.localReplies}</td>
    <td>${millis(arm.p50)} / ${millis(arm.p99)}</td>
    <td>${millis(arm.addedP50)} / ${millis(arm.addedP99)}</td>
    <td>${millis(arm.filterP50)} / ${millis(arm.filterP99)}</td>
    <td>${value(arm.fuelMean)}</td>
    <td>${(arm.memoryBytes / 1024).toFixed(0)} KiB</td>
  </tr>`;
}

function arms({ arms: figures, experiment }: ExperimentReport): Html {
  const rows = figures.map((arm, at) => armRow(arm, experiment.arms[at]?.weight ?? 0));
  return html`<h2>Arms in this step</h2>
    <table>
      <tr>
        <th>arm</th>
        <th>share</th>
        <th>units</th>
        <th>requests</th>
        <th>errors</th>
        <th>faults</th>
        <th>replies</th>
        <th>p50 / p99</th>
        <th>added</th>
        <th>in filter</th>
        <th>fuel</th>
        <th>memory</th>
      </tr>
      ${joined(rows)}
    </table>`;
}

function checks({ judgement, experiment }: ExperimentReport): Html {
  if (judgement === null) return html``;
  const ratios = judgement.sampleRatio.map(
    (one) =>
      html`<li>
        sample ratio of ${one.arm}: ${percent(one.observed)} of ${one.units} units, planned ${percent(one.planned)}:
        ${" "}
        <span class="${one.mismatch ? "fail" : "pass"}">${one.mismatch ? "mismatch" : "as planned"}</span>
        <span class="dim">(e = ${shortE(one.eValue)}, χ² = ${one.chiSquare.toFixed(2)})</span>
      </li>`,
  );
  const errors = judgement.errors.map(
    (one) =>
      html`<li>
        failures of ${one.arm}: ${one.candidate} of ${one.events}, its share would be ${one.expected.toFixed(1)}: ${" "}
        <span class="${one.worse ? "fail" : "pass"}">${one.worse ? "worse" : "not shown to be worse"}</span>
        <span class="dim">(e = ${shortE(one.eValue)})</span>
      </li>`,
  );
  return html`<h2>Checks</h2>
    <ul>
      ${joined(ratios)}${joined(errors)}
      <li>${experiment.rollout.multipleExposure} units were seen in several arms and are left out</li>
      <li>${experiment.unitMissing} requests had no unit and got the control</li>
    </ul>`;
}

function shadow({ shadow: found }: ExperimentReport): Html {
  if (found === null) return html``;
  const {
    purpose,
    problem,
    state,
    a,
    b,
    percent: share,
    compared,
    differing,
    noise,
    diverged,
    fault,
    fields,
    href,
  } = found;
  if (href === "")
    return html`<h2>Shadow</h2>
      <p>${purpose}: no shadow, ${problem}</p>`;
  const rows = fields.map(
    ({ phase, field, count }) =>
      html`<tr>
        <td>${phase} ${field}</td>
        <td>${count} of ${compared}</td>
      </tr>`,
  );
  return html`<h2>Shadow <span class="dim">(${purpose}, ${state})</span></h2>
    <p>
      ${b} beside ${a} on ${shortNumber(share)} % of the streams: ${differing} of ${compared} differ, noise
      ${noise.differing} of ${noise.compared}, ${diverged} divergences. ${fault}
      <a href="${href}">Report with examples</a>
    </p>
    <table>
      ${joined(rows)}
    </table>`;
}

function steps({ experiment: { rollout } }: ExperimentReport): Html {
  if (rollout.steps.length === 0) return html``;
  const items = rollout.steps.map((text, at) => html`<li class="${at === rollout.step ? "now" : ""}">${text}</li>`);
  return html`<h2>Steps</h2>
    <ol>
      ${joined(items)}
    </ol>`;
}

function log({ experiment: { rollout } }: ExperimentReport): Html {
  const lines = rollout.log.map(({ at, by, what }) => html`<li><time>${at}</time>${by}: ${what}</li>`);
  return html`<h2>What happened</h2>
    <ul>
      ${joined(lines)}
    </ul>`;
}

export function reportPage(report: ExperimentReport): string {
  const parts = [head, metrics, plots, combined, arms, checks, shadow, steps, log].map((part) => part(report));
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${report.experiment.name} · sluice</title>
        <style>
          ${trusted(STYLE)}
        </style>
      </head>
      <body>
        ${joined(parts)}
      </body>
    </html>`.text;
}
