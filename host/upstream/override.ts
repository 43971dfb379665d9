// The endpoint that a filter has named for a request (`overrideHost` of a route decision): a balancer of its own.
import type { Endpoint } from "./endpoint.ts";

export interface EndpointOverride {
  /** host:port */
  readonly addr: string;
  /** No other endpoint will do. */
  readonly strict: boolean;
}

/**
 * The endpoint with that address. Undefined: the balancer decides, since the named one is gone or has just failed. Null: no
 * other will do.
 */
export function overridden(
  endpoints: readonly Endpoint[],
  { addr, strict }: EndpointOverride,
  avoid: Endpoint | null,
): Endpoint | null | undefined {
  const named = endpoints.find((endpoint) => endpoint.address === addr);
  if (named !== undefined && (strict || named !== avoid)) return named;
  return strict ? null : undefined;
}
