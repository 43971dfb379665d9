// What an experiment on filter versions is once parsed: plain frozen data. Types only.

/** What makes two requests "the same user". `requestId` is not sticky, `connection` as long as it lasts. */
export type UnitSource =
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "cookie"; readonly name: string }
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

export interface ExperimentOptions {
  readonly name: string;
  readonly filter: string;
  readonly salt: string;
  /** Tried in order; the first that is present on the request counts. Without any: the first variant. */
  readonly unit: readonly UnitSource[];
  /** The first is the control. */
  readonly variants: readonly VariantOptions[];
}
