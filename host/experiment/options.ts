// What an experiment on filter versions is once parsed: plain frozen data. Types only.

/**
 * What makes two requests "the same user". `requestId` is not sticky, `connection` as long as it lasts; `claim` is read from
 * the bearer token (not verified here), `tag` from what a filter before this one has set as property.
 */
export type UnitSource =
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "cookie"; readonly name: string; readonly set?: true }
  | { readonly kind: "claim"; readonly name: string }
  | { readonly kind: "tag"; readonly name: string }
  | { readonly kind: "requestId" }
  | { readonly kind: "sourceIp" }
  | { readonly kind: "connection" };

export interface VariantOptions {
  /** Also the value of the `arm` label. */
  readonly name: string;
  /** `current`, `v3`, a sha256 prefix of 8 digits or more; "" when `source` is set. */
  readonly version: string;
  /** Absolute path of an own source, or "". */
  readonly source: string;
  /** JSON text replacing the filter's pluginConfig for this arm, or null for the filter's own. */
  readonly pluginConfig: string | null;
  /** 0-100; all weights of an experiment add up to 100. */
  readonly weight: number;
}

/** Who takes part at all; the shape of a route's match. */
export interface Targeting {
  readonly prefix?: string;
  readonly exact?: string;
  readonly headers: readonly {
    readonly name: string;
    readonly kind: "exact" | "prefix" | "suffix" | "contains" | "present";
    readonly value: string;
    readonly invert: boolean;
  }[];
}

/** Experiments with disjoint parts of one layer never share a unit; different layers are independent. */
export interface LayerOptions {
  readonly name: string;
  /** Part of the layer's units, from inclusive, to exclusive, 0 to 1. */
  readonly from: number;
  readonly to: number;
}

/** Requests whose arm is not left to the hash; they are not analysed. */
export interface OverrideOptions {
  /** unit -> arm */
  readonly units: Readonly<Record<string, string>>;
  /** Request header that names the arm, or "". Believed from trusted clients only. */
  readonly header: string;
  /** Addresses or CIDR ranges. */
  readonly trustedClients: readonly string[];
}

export type Direction = "increase" | "decrease";

export interface PrimaryMetric {
  readonly name: string;
  readonly direction: Direction;
}

export interface Guardrail {
  readonly name: string;
  /** Limits of the candidate's own value, or null. */
  readonly max: number | null;
  readonly min: number | null;
  /** How much worse than the control it may be, or null. */
  readonly margin: number | null;
  readonly action: "abort" | "hold";
}

export interface MetricsOptions {
  readonly primary: PrimaryMetric | null;
  readonly guardrails: readonly Guardrail[];
  readonly secondary: readonly string[];
}

export interface AnalysisOptions {
  readonly alpha: number;
  /** Units at which intervals are tightest. */
  readonly tuning: number;
  /** Units per arm, and time, before a promotion. A rollback needs neither. */
  readonly minSamples: number;
  readonly minRuntimeMs: number;
  /** Of the e-process on failures. */
  readonly errorAlpha: number;
  readonly srmAlpha: number;
  readonly srmAction: "hold" | "warn" | "rollback";
  readonly onInconclusive: "hold" | "continue" | "abort";
  /** A/A phase before the first step, for CUPED; 0 = none. */
  readonly prePeriodMs: number;
}

/** The candidate runs beside the control on sampled traffic and answers nobody (experiments.md 6). */
export interface ShadowStep {
  readonly kind: "shadow";
  /** Of the filter's streams. */
  readonly percent: number;
  readonly ms: number;
  /** When it decides otherwise than the control; `continue`: only a trap or a start that fails stops the rollout. */
  readonly onDiff: "hold" | "abort" | "continue";
  /** Fields that are not compared. */
  readonly ignore: readonly string[];
}

export type RolloutStep =
  | ShadowStep
  | { readonly kind: "weight"; readonly percent: number }
  /** null = until somebody resumes. */
  | { readonly kind: "pause"; readonly ms: number | null }
  /** Until the verdict is known, at the latest after `ms`. */
  | { readonly kind: "analysis"; readonly ms: number };

export const HOOKS = [
  "confirm-rollout",
  "pre-rollout",
  "rollout",
  "confirm-traffic-increase",
  "confirm-promotion",
  "post-rollout",
  "rollback",
  "event",
] as const;
export type HookName = (typeof HOOKS)[number];

export interface HookOptions {
  readonly name: HookName;
  readonly url: string;
  readonly timeoutMs: number;
}

/** `shadow`: the candidate meets nobody; its decisions are compared, and somebody promotes or aborts. */
export type ExperimentMode = "ab" | "canary" | "shadow";

/** How an experiment runs, beside its arms. Kept with its state, so that a restart goes on with the same rules. */
export interface ExperimentRules {
  /** `ab`: promoted only when the primary metric has moved as wished; `canary`: when nothing got worse. */
  readonly mode: ExperimentMode;
  /** Whether candidates have shared data and queues of their own; null: they have, where nobody else uses the filter's. */
  readonly sharedData: "separate" | "shared" | null;
  readonly layer: LayerOptions | null;
  readonly targeting: Targeting | null;
  readonly overrides: OverrideOptions | null;
  readonly metrics: MetricsOptions;
  readonly analysis: AnalysisOptions;
  /** Empty: weights stay as they are until somebody changes them. */
  readonly steps: readonly RolloutStep[];
  /** How long a candidate that was rolled back stays in the shadow, so that one can see why; 0 = not at all. */
  readonly diagnosisMs: number;
  readonly hooks: readonly HookOptions[];
}

export interface ExperimentOptions extends ExperimentRules {
  readonly name: string;
  readonly filter: string;
  readonly salt: string;
  /** Tried in order; the first that is present on the request counts. Without any: the first variant. */
  readonly unit: readonly UnitSource[];
  /** The first is the control. */
  readonly variants: readonly VariantOptions[];
}
