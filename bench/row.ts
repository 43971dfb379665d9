// One line of the result, and how it is judged. Goals are those of the project's performance page; smaller is better.
import type { Figure } from "./measure/statistics.ts";

export type Unit = "x" | "us" | "ms" | "%" | "MB" | "";

export interface Row {
  readonly id: string;
  readonly what: string;
  /** What it is compared with; "" for a figure that stands alone. */
  readonly peer: string;
  readonly unit: Unit;
  /** The figure that is judged: of minima where there are several runs. */
  readonly value: number;
  readonly median: number;
  /** `value` where it is a ratio, else null. */
  readonly ratio: number | null;
  /** The release fails above it; null = reported only. */
  readonly gate: number | null;
  /** Worth working for. */
  readonly stretch: number | null;
}

export interface Goal {
  readonly gate?: number;
  readonly stretch?: number;
}

export interface Measured extends Goal {
  readonly id: string;
  readonly what: string;
  readonly peer?: string;
  readonly unit: Unit;
  readonly figure: Figure;
}

export function rowOf({ id, what, peer = "", unit, figure, gate, stretch }: Measured): Row {
  return {
    id,
    what,
    peer,
    unit,
    value: figure.min,
    median: figure.median,
    ratio: unit === "x" ? figure.min : null,
    gate: gate ?? null,
    stretch: stretch ?? null,
  };
}

export type Verdict = "stretch" | "pass" | "MISS" | "";

export function judge({ value, gate, stretch }: Row): Verdict {
  if (stretch !== null && value <= stretch) return "stretch";
  if (gate === null) return "";
  return value <= gate ? "pass" : "MISS";
}

/** A figure without runs of its own. */
export const single = (value: number): Figure => ({ min: value, median: value });
