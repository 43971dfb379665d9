// What control and the shadow thread say to each other. Structured-cloneable.
import type { FilterOptions } from "../../plugin/options.ts";
import type { Divergence } from "../../replay/player.ts";
import type { FieldReport } from "../../replay/tally.ts";

export interface ShadowSubject {
  /** `v3`. */
  readonly name: string;
  readonly module: WebAssembly.Module;
  readonly sha256: string;
  readonly options: FilterOptions;
  /** Of its own; absent: what was recorded. */
  readonly config?: string;
}

export interface ShadowBegin {
  readonly type: "begin";
  readonly id: number;
  /** The version that serves: run against itself for the noise floor. */
  readonly a: ShadowSubject;
  readonly b: ShadowSubject;
  readonly ignore: readonly string[];
  /** Of one core. */
  readonly cpuPercent: number;
}

export type ToShadow =
  | ShadowBegin
  | { readonly type: "lines"; readonly id: number; readonly text: string }
  | { readonly type: "end"; readonly id: number };

/** What a shadow knows so far. */
export interface ShadowCounts {
  readonly compared: number;
  readonly differing: number;
  readonly noise: { readonly compared: number; readonly differing: number };
  readonly fields: readonly FieldReport[];
  /** field -> differences, for metrics. */
  readonly perField: Readonly<Record<string, number>>;
  readonly diverged: number;
  readonly divergences: readonly Divergence[];
  readonly fuel: readonly { readonly callback: string; readonly a: number | null; readonly b: number | null }[];
  /** Why the version does not start; "" when it does. */
  readonly fault: string;
}

export type FromShadow =
  | { readonly type: "taken"; readonly id: number }
  /** `perSecond`: streams that it has time for. */
  | { readonly type: "counts"; readonly id: number; readonly counts: ShadowCounts; readonly perSecond: number }
  /** It is behind (true) or has caught up: streams are not to be picked meanwhile. */
  | { readonly type: "hold"; readonly id: number; readonly hold: boolean }
  /** It gave up what waited: what comes from the same instances makes no sense any more. */
  | { readonly type: "gap"; readonly id: number };
