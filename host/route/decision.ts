// What filters have decided about where a request goes and how (`sluice.route_set`, abi.md 11.2). Laid over the matched
// route when the request leaves the filters; frozen from then on.

import type { RetryPolicy } from "./tries.ts";

export interface RouteDecision {
  /** Set on the first `cluster`; an unknown one is answered 503 by the router. */
  cluster?: string;
  /** In place of the route's own timeout, ms; 0 = none. */
  routeTimeoutMs?: number;
  /** In place of the listener's stream idle timeout, ms; 0 = none. */
  idleTimeoutMs?: number;
  /** Of one try, to the head of its answer, ms; 0 = none. */
  perTryTimeoutMs?: number;
  /** What of it was not said is as in Envoy. */
  retry?: Partial<RetryPolicy>;
  /** The endpoint, `host:port`; unless `overrideStrict` another one if it is gone. */
  overrideAddr?: string;
  overrideStrict?: boolean;
  /** `:authority` the upstream sees. */
  hostRewrite?: string;
  /** `:path` the upstream sees. */
  pathRewrite?: string;
  /** For the access log. */
  tags?: Record<string, string>;
  /** field -> `plugin@version` that set it last. */
  readonly by: Record<string, string>;
}
