// An interval over time as SVG: the band, the estimate in it, zero, and where the candidate's weight changed.
import { shortNumber } from "../experiment/words.ts";
import { html, type Html, joined } from "./html.ts";

export interface PlotPoint {
  readonly ms: number;
  /** Percent. */
  readonly weight: number;
  readonly effect: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface Plot {
  readonly title: string;
  /** Zero means something here: a difference. */
  readonly zero: boolean;
  readonly points: readonly PlotPoint[];
}

const WIDTH = 900;
const HEIGHT = 220;
const LEFT = 70;
const RIGHT = 12;
const TOP = 24;
const BOTTOM = 26;

interface Scale {
  readonly x: (ms: number) => number;
  readonly y: (value: number) => number;
  readonly low: number;
  readonly high: number;
}

/** The first intervals are so wide that they would flatten all others: what leaves the picture is cut at its edge. */
function scaleOf({ points, zero }: Plot): Scale {
  const late = points.slice(Math.floor(points.length / 4));
  const ends = late.flatMap(({ low, high, effect }) => [low, high, effect]).filter((end) => end !== null);
  const all = zero ? [...ends, 0] : ends;
  const [least, most] = all.length === 0 ? [-1, 1] : [Math.min(...all), Math.max(...all)];
  const pad = (most - least) * 0.08 || Math.abs(most) * 0.1 || 1;
  const [low, high] = [least - pad, most + pad];
  const first = points[0]?.ms ?? 0;
  const span = Math.max(1, (points.at(-1)?.ms ?? 1) - first);
  const clamp = (value: number): number => Math.min(high, Math.max(low, value));
  return {
    x: (ms) => LEFT + ((ms - first) / span) * (WIDTH - LEFT - RIGHT),
    y: (value) => TOP + ((high - clamp(value)) / (high - low)) * (HEIGHT - TOP - BOTTOM),
    low,
    high,
  };
}

const at = (x: number, y: number): string => `${x.toFixed(1)},${y.toFixed(1)}`;

function band(points: readonly PlotPoint[], { x, y, low, high }: Scale): string {
  const upper = points.map((point) => at(x(point.ms), y(point.high ?? high)));
  const lower = points.toReversed().map((point) => at(x(point.ms), y(point.low ?? low)));
  return [...upper, ...lower].join(" ");
}

function changes(points: readonly PlotPoint[], { x }: Scale): Html {
  const changed = points.filter((point, index) => index === 0 || points[index - 1]?.weight !== point.weight);
  return joined(
    changed.map(({ ms, weight }) => {
      const left = x(ms).toFixed(1);
      return html`<line x1="${left}" x2="${left}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke="var(--line)" />
        <text x="${(x(ms) + 3).toFixed(1)}" y="${TOP + 10}" opacity=".7">${shortNumber(weight)} %</text>`;
    }),
  );
}

function ticks({ y, low, high }: Scale): Html {
  const values = [low, (low + high) / 2, high];
  return joined(
    values.map(
      (value) =>
        html`<text x="${LEFT - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end"
          >${shortNumber(Number(value.toPrecision(3)))}</text
        >`,
    ),
  );
}

export function intervalPlot(plot: Plot): Html {
  const { points, title, zero } = plot;
  if (points.length === 0) return html``;
  const scale = scaleOf(plot);
  const { x, y } = scale;
  const line = points.flatMap(({ ms, effect }) => (effect === null ? [] : [at(x(ms), y(effect))])).join(" ");
  const last = points.at(-1);
  const told = (value: number | null | undefined, unknown: string): string =>
    value === null || value === undefined ? unknown : shortNumber(value);
  const interval = `interval ${told(last?.low, "unbounded")} to ${told(last?.high, "unbounded")}`;
  const said = `${title}, now ${told(last?.effect, "unknown")}, ${interval}`;
  const axis = html`<line
    x1="${LEFT}"
    x2="${WIDTH - RIGHT}"
    y1="${y(0).toFixed(1)}"
    y2="${y(0).toFixed(1)}"
    stroke="currentColor"
    stroke-dasharray="4 4"
    opacity=".6"
  />`;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${said}">
    <text x="${LEFT}" y="14">${title}</text>
    ${changes(points, scale)}${ticks(scale)}
    <polygon points="${band(points, scale)}" fill="var(--ink)" opacity=".18" />
    <polyline points="${line}" fill="none" stroke="var(--ink)" stroke-width="2" />
    ${zero ? axis : html``}
    <text x="${LEFT}" y="${HEIGHT - 8}">${((points[0]?.ms ?? 0) / 1000).toFixed(0)} s</text>
    <text x="${WIDTH - RIGHT}" y="${HEIGHT - 8}" text-anchor="end">${((last?.ms ?? 0) / 1000).toFixed(0)} s</text>
  </svg>`;
}
