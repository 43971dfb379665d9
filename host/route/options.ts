// What a route is once the config has been parsed: plain frozen data, times in milliseconds. Types only.

export interface HeaderMatch {
  /** Lower-case; `:method`, `:path` and `:authority` are allowed. */
  readonly name: string;
  readonly kind: "exact" | "prefix" | "suffix" | "contains" | "present";
  /** Unused for `present`. */
  readonly value: string;
  readonly invert: boolean;
}

export interface RouteMatch {
  /** Exactly one of prefix and exact is set; both are matched against the path without its query. */
  readonly prefix?: string;
  readonly exact?: string;
  /** Only CONNECT, which has no path: `exact` is "" then, as is the path of such a request and of no other. */
  readonly connect?: true;
  readonly headers: readonly HeaderMatch[];
}

export interface WeightedCluster {
  readonly cluster: string;
  /** Share of the sum of all weights of the route; at least one is above 0. */
  readonly weight: number;
}

/** What `routes[].filters` says: the chain of the listener, changed for this route. */
export interface RouteFilters {
  readonly add: readonly string[];
  readonly disable: readonly string[];
  /** filter name -> JSON merge patch (RFC 7396) on its pluginConfig. */
  readonly override: Readonly<Record<string, unknown>>;
}

export type RouteAction =
  | { readonly kind: "forward"; readonly clusters: readonly WeightedCluster[] }
  | { readonly kind: "direct"; readonly status: number; readonly body: string };

export interface RouteOptions {
  readonly name: string;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  /** From the end of the request's head to the last byte of the response. 0 = off. Default 15 000. */
  readonly timeoutMs: number;
  readonly filters: RouteFilters;
  /** Protocols that requests may change to, lower-case. Absent = as the listener says. */
  readonly upgrades?: readonly string[];
}
